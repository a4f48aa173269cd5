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
  return node ? renderCallee(node) : quote(S, value);
}

export function notAFunction(S: VmState, frame: Frame, value: unknown): Error {
  if (isApplied(siteOf(frame, frame.pc)))
    return makeError(S, 'TypeError', `Function.prototype.apply was called on ${quote(S, value)}${sayKind(value)}`);
  return makeError(S, 'TypeError', `${calleeText(S, frame, value)} is not a function`);
}

export function notAConstructor(S: VmState, frame: Frame, value: unknown): Error {
  const text = isApplied(siteOf(frame, frame.pc)) ? quote(S, value) : calleeText(S, frame, value);
  return makeError(S, 'TypeError', `${text} is not a constructor`);
}

/** What this V8 says that a value is instead of a function: its own words, which differ between versions. */
function sayKind(value: unknown): string {
  try {
    return Reflect.apply(value as never, undefined, []) as never;
  } catch (error) {
    const { message } = error as Error;
    return message.slice(message.lastIndexOf(', which is '));
  }
}

/** Calls with arguments after a spread: V8 makes them through Reflect, which knows no source text. */
function isApplied(node: Node | undefined): boolean {
  if (node?.type !== 'CallExpression' && node?.type !== 'NewExpression') return false;
  const list = node.arguments as Node[];
  return list.some((argument, i) => argument.type === 'SpreadElement' && i < list.length - 1);
}

/** What V8 says of a value where it has no source text: its type, and the value if that is short. */
export function callSite(value: unknown): string {
  const type = typeof value;
  if (type === 'string') return `string "${value as string}"`;
  return value === null || type === 'boolean' || type === 'number' ? `${type} ${String(value)}` : type;
}

const NO_ITERATOR = 'is not iterable (cannot read property Symbol(Symbol.iterator))';

/** Operands of yield* that V8 mentions at all. */
const MENTIONED = new Set(['MemberExpression', 'CallExpression', 'NewExpression', 'TaggedTemplateExpression', 'BinaryExpression']);
const CALLS = new Set(['CallExpression', 'NewExpression', 'TaggedTemplateExpression']);

export function notIterable(S: VmState, frame: Frame, value: unknown, isAsync = false): Error {
  const node = siteOf(frame, frame.pc);
  const fail = (text: string): Error => makeError(S, 'TypeError', text);
  const nameless = (): Error => fail(`${callSite(value)} ${NO_ITERATOR}`);
  const isNothing = value === null || value === undefined;
  if (!node) return nameless();
  switch (node.type) {
    case 'NoSource':
      return node.text ? fail(`${node.text as string} is not iterable`) : nameless();
    case 'NestedPattern': {
      // An array pattern right inside an object pattern: V8 quotes what that took apart.
      const outer = (node.text as string | null) ?? (node.source ? render(node.source as Node) : callSite(value));
      if (isNothing) return fail(`Cannot destructure property 'Symbol(Symbol.iterator)' of '${outer}' as it is ${String(value)}.`);
      return fail(`${outer} ${NO_ITERATOR}`);
    }
    case 'SpreadArgument':
      if (isNothing) return fail(`${render(node.argument as Node)} is not iterable (cannot read property ${String(value)})`);
      return fail('Spread syntax requires ...iterable[Symbol.iterator] to be a function');
    case 'SpreadCall':
      return fail(`${render(node.argument as Node)} ${NO_ITERATOR}`);
    case 'YieldExpression':
      return MENTIONED.has(node.argument.type) ? fail('yield* (intermediate value) is not iterable') : nameless();
  }
  const source = node.type === 'SpreadElement' ? (node.argument as Node) : node;
  if (isAsync && isNothing) return fail(`Cannot read properties of ${String(value)} (reading 'Symbol(Symbol.asyncIterator)')`);
  const suffix = isAsync ? 'is not async iterable' : 'is not iterable';
  if (source.type === 'ChainExpression' && node.type !== 'SpreadElement') return nameless();
  return fail(`${render(source, true)} ${CALLS.has(source.type) ? `is not a function or its return value ${suffix}` : suffix}`);
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
  if (info.plain)
    return makeError(S, 'TypeError', `Cannot read properties of ${text}${info.property === null ? '' : ` (reading '${info.property}')`}`);
  const source = info.source ? render(info.source) : (info.text ?? callSite(value));
  if (info.property === null) return makeError(S, 'TypeError', `Cannot destructure '${source}' as it is ${text}.`);
  return makeError(S, 'TypeError', `Cannot destructure property '${info.property}' of '${source}' as it is ${text}.`);
}

/**
 * A value as V8's messages show it, without running guest code (Object::NoSideEffectsToString). null where only a toString of
 * the program's could tell: property keys are then left out.
 */
export function quoteKey(S: VmState, value: unknown): string | null {
  if (typeof value === 'function') return sourceText(S, value);
  if (typeof value !== 'object' || value === null) return typeof value === 'symbol' ? value.toString() : String(value);
  if (S.host.isProxy?.(value)) return '#<Object>';
  if (value instanceof S.kit.errors.Error) return errorText(value);
  return inherited(value, 'toString') === inherited(S.kit.objectPrototype, 'toString') ? `#<${constructorName(value)}>` : null;
}

/** The same, with the builtin tag of objects that have a toString of their own. */
export function quote(S: VmState, value: unknown): string {
  return quoteKey(S, value) ?? Object.prototype.toString.call(value);
}

function sourceText(S: VmState, f: object): string {
  const code = S.dataOf(f)?.code;
  return code?.file.text ? code.file.text.slice(code.start, code.end) : S.kit.hostText(f);
}

function errorText(error: Error): string {
  const [name, message] = [inherited(error, 'name'), inherited(error, 'message')].map((part) => (typeof part === 'string' ? part : ''));
  return name && message ? `${name}: ${message}` : `${name}${message}`;
}

/** A data property found along the prototypes; undefined for getters. */
function inherited(object: object, key: string): unknown {
  for (let o: object | null = object; o !== null; o = Reflect.getPrototypeOf(o)) {
    const own = Reflect.getOwnPropertyDescriptor(o, key);
    if (own) return own.value as unknown;
  }
  return undefined;
}

function constructorName(value: object): string {
  const name = inherited(value, 'constructor');
  const own = typeof name === 'function' ? inherited(name, 'name') : undefined;
  return typeof own === 'string' && own !== '' ? own : 'Object';
}

/** A binding in its temporal dead zone. */
export function uninitialised(S: VmState, name: string): Error {
  return makeError(S, 'ReferenceError', `Cannot access '${name}' before initialization`);
}
