// Errors that the VM raises itself, in the guest's realm and with V8's words. Used by the run loop and its operations.
// Invariant: nothing in a message names a variable or function of the VM.
import type { Node } from '../compiler';
import { render, renderCallee } from './render';
import { CallRecord, type Frame } from './frame';
import type { VmState } from './state';

/** Makes an error object of the guest's realm; the call record lets its stack show the guest's frames. */
export function makeError(S: VmState, kind: keyof VmState['kit']['errors'], message: string): Error {
  const constructor = S.kit.errors[kind];
  const frame = S.top;
  if (!frame) return new constructor(message);
  const record = new CallRecord(frame, frame.pc);
  return record.construct(constructor, [message], constructor) as Error;
}

function siteOf(frame: Frame, pc: number): Node | undefined {
  return frame.code.sites?.get(pc) as Node | undefined;
}

function calleeText(S: VmState, frame: Frame, value: unknown): string {
  const node = siteOf(frame, frame.pc);
  return node ? renderCallee(node) : describe(S, value);
}

export function notAFunction(S: VmState, frame: Frame, value: unknown): Error {
  return makeError(S, 'TypeError', `${calleeText(S, frame, value)} is not a function`);
}

export function notAConstructor(S: VmState, frame: Frame, value: unknown): Error {
  return makeError(S, 'TypeError', `${calleeText(S, frame, value)} is not a constructor`);
}

/** What V8 says of a value where it has no source text: its type, and the value if that is short. */
export function callSite(value: unknown): string {
  const type = typeof value;
  if (type === 'string') return `string "${value as string}"`;
  return value === null || type === 'boolean' || type === 'number' ? `${type} ${String(value)}` : type;
}

const NO_ITERATOR = 'is not iterable (cannot read property Symbol(Symbol.iterator))';

export function notIterable(S: VmState, frame: Frame, value: unknown, isAsync = false): Error {
  const node = siteOf(frame, frame.pc);
  const fail = (text: string): Error => makeError(S, 'TypeError', text);
  if (!node || node.type === 'NoSource')
    return fail(node?.text ? `${node.text as string} is not iterable` : `${callSite(value)} ${NO_ITERATOR}`);
  if (node.type === 'SpreadArgument') {
    if (value === null || value === undefined)
      return fail(`${render(node.argument as Node)} is not iterable (cannot read property ${String(value)})`);
    return fail('Spread syntax requires ...iterable[Symbol.iterator] to be a function');
  }
  const source = node.type === 'SpreadElement' ? (node.argument as Node) : node;
  if (isAsync && (value === null || value === undefined))
    return fail(`Cannot read properties of ${String(value)} (reading 'Symbol(Symbol.asyncIterator)')`);
  if (source.type === 'CallExpression')
    return fail(`${renderCallee(source)} is not a function or its return value ${isAsync ? 'is not async iterable' : 'is not iterable'}`);
  return fail(`${render(source)} ${isAsync ? 'is not async iterable' : 'is not iterable'}`);
}

/** What a destructuring pattern knows of the value it takes apart. */
export interface PatternInfo {
  /** Tree that the value came from. */
  source: Node | null;
  /** V8's name for a value without a tree: `.for`, `.catch`. */
  text: string | null;
  /** First property of the pattern, if its name is constant. */
  property: string | null;
  /** The value came out of another pattern, or the first property has a default: V8 then only complains about the read. */
  plain: boolean;
  isWith: boolean;
}

/** What a destructuring pattern says about null and undefined. */
export function notCoercible(S: VmState, value: unknown, info: PatternInfo): Error {
  const text = String(value);
  if (info.isWith) return makeError(S, 'TypeError', `Cannot convert undefined or null to object`);
  if (info.plain && info.property !== null)
    return makeError(S, 'TypeError', `Cannot read properties of ${text} (reading '${info.property}')`);
  const source = info.source ? render(info.source) : (info.text ?? callSite(value));
  if (info.property === null) return makeError(S, 'TypeError', `Cannot destructure '${source}' as it is ${text}.`);
  return makeError(S, 'TypeError', `Cannot destructure property '${info.property}' of '${source}' as it is ${text}.`);
}

/** A value as V8's messages show it where there is no source text. */
export function describe(S: VmState, value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `"${value}"`;
    case 'symbol':
      return String(value);
    case 'bigint':
      return String(value);
    case 'function':
      return 'function';
    case 'object': {
      if (value === null) return 'null';
      if (S.kit.isArray(value)) return '[object Array]';
      return `#<${constructorName(value)}>`;
    }
    default:
      return String(value);
  }
}

function constructorName(value: object): string {
  try {
    const c = (value as { constructor?: { name?: unknown } }).constructor;
    return typeof c === 'function' && typeof c.name === 'string' && c.name !== '' ? c.name : 'Object';
  } catch {
    return 'Object';
  }
}
