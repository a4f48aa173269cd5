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

export function notIterable(S: VmState, frame: Frame, value: unknown, isAsync = false): Error {
  const node = siteOf(frame, frame.pc);
  const suffix = isAsync ? 'is not async iterable' : 'is not iterable';
  if (node && (node.type === 'SpreadArgument' || node.type === 'SpreadElement')) {
    if (node.type === 'SpreadArgument' && (value === null || value === undefined || typeof value !== 'object'))
      return makeError(S, 'TypeError', 'Spread syntax requires ...iterable[Symbol.iterator] to be a function');
    const text = render(node.argument as Node);
    if (value === null || value === undefined)
      return makeError(
        S,
        'TypeError',
        `${text === 'undefined' || text === 'null' ? `${text} ${suffix} (cannot read property Symbol(Symbol.iterator))` : `${text} ${suffix}`}`,
      );
    return makeError(S, 'TypeError', `${text} ${suffix}`);
  }
  if (node && (node.type === 'ArrayPattern' || node.type === 'ObjectPattern')) {
    const text = value === undefined ? 'undefined' : value === null ? 'null' : describe(S, value);
    const extra = value === null || value === undefined ? ' (cannot read property Symbol(Symbol.iterator))' : '';
    return makeError(S, 'TypeError', `${text} ${suffix}${extra}`);
  }
  return makeError(S, 'TypeError', `${node ? render(node) : describe(S, value)} ${suffix}`);
}

/** What a destructuring pattern says about null and undefined. */
export function notCoercible(
  S: VmState,
  value: unknown,
  info: { pattern: Node | null; source: Node | null; property: string | null },
): Error {
  const text = value === null ? 'null' : 'undefined';
  if (!info.pattern) return makeError(S, 'TypeError', `Cannot convert undefined or null to object`);
  const source = info.source ? render(info.source) : null;
  if (info.property !== null) {
    return makeError(
      S,
      'TypeError',
      source === null || source === text
        ? `Cannot destructure property '${info.property}' of '${source ?? 'object'}' as it is ${text}.`
        : `Cannot destructure property '${info.property}' of '${source}' as it is ${text}.`,
    );
  }
  return makeError(S, 'TypeError', `Cannot destructure '${source ?? text}' as it is ${text}.`);
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
