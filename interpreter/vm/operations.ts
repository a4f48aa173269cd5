// The run loop's slower operations, kept out of its function so that it stays small enough for the optimising compiler. Called by
// run.ts and iteration.ts. Invariant: guest-visible objects come from the realm kit, and calls into the host go through a CallRecord.
import { type CodeBlock } from '../bytecode';
import type { EvalSite } from '../compiler';
import { codeBlocks } from './code-blocks';
import { callSite, makeError, notIterable, quote, quoteKey } from './errors';
import { Activation, CallRecord, Frame, FunctionData, GeneratorStamp, HOLE, Mode, Special, Stamp, State, type Env } from './frame';
import { FastIterator, isObject } from './iteration';
import { isForeign, within } from './realms';
import { framesBelow, NEAR } from './stack-frames';
import type { VmState } from './state';

const { construct, getPrototypeOf } = Reflect;
type Fn = (...args: unknown[]) => unknown;

export const SUPER_NOT_CALLED =
  "Must call super constructor in derived class before accessing 'this' or returning from derived constructor";

// --- code ----------------------------------------------------------------------------------------------------------------------

const registerFactories: (() => unknown[])[] = [];

/** A factory of arrays of that many undefined: a literal is faster than filling, and the array stays packed. */
function registerFactory(size: number): () => unknown[] {
  let factory = registerFactories[size];
  if (!factory) {
    // oxlint-disable-next-line no-new-func -- the text consists of the word undefined only
    factory = new Function(`return [${Array.from({ length: size }, () => 'undefined').join(',')}]`) as () => unknown[];
    registerFactories[size] = factory;
  }
  return factory;
}

/** Compiles a block before its first run. */
export function prepare(block: CodeBlock): void {
  if (block.code !== null) return;
  block.compile(block);
  block.makeRegisters = registerFactory(Math.max(1, block.registerCount));
  if (codeBlocks.keep) codeBlocks.compiled[codeBlocks.compiled.length] = block;
  if (codeBlocks.onCompile !== null) codeBlocks.onCompile(block);
}

/** A copy of consecutive registers. */
export function slice(from: ArrayLike<unknown>, start: number, count: number): unknown[] {
  const list: unknown[] = [];
  for (let i = 0; i < count; i++) list[i] = from[start + i];
  return list;
}

/** this of sloppy code: primitives become objects, undefined and null the global object. */
export function coerceThis(S: VmState, self: unknown): unknown {
  if (self === undefined || self === null) return S.kit.global;
  return typeof self === 'object' || typeof self === 'function' ? self : S.kit.toObject(self);
}

/** Argument lists longer than this count: V8 puts each argument on the stack. */
const HEAVY = 32;
const WORD = 8;

/** Throws where V8's stack has no room for so many arguments. */
function checkWeight(S: VmState, count: number): void {
  if (count > HEAVY && (S.weight + count) * WORD > S.overflows.left(S.depth))
    throw makeError(S, 'RangeError', 'Maximum call stack size exceeded');
}

/** A frame for a guest function with a ready argument list. */
export function push(S: VmState, caller: Frame | null, data: FunctionData, self: unknown, args: ArrayLike<unknown> = []): Frame {
  const block = data.code;
  if (block.code === null) prepare(block);
  const frame = new Frame(block, data, block.coercesThis ? coerceThis(S, self) : self);
  const count = args.length < block.paramCount ? args.length : block.paramCount;
  for (let i = 0; i < count; i++) frame.regs[i] = args[i];
  if (block.needsArguments) frame.args = args;
  if (args.length > HEAVY && !block.isAsync && !block.isGenerator) {
    checkWeight(S, args.length);
    frame.weight = args.length;
    S.weight += args.length;
  }
  frame.caller = caller;
  return frame;
}

// --- calls ---------------------------------------------------------------------------------------------------------------------

/** Outcome of a call: either a frame to run next or a value. */
export interface Called {
  frame: Frame | null;
  value: unknown;
}

/** Calls a guest async function, generator or class by its host function; notes which frame the call began. */
export function callGuestWrapper(S: VmState, record: CallRecord, f: unknown, self: unknown, args: ArrayLike<unknown>): unknown {
  const outer = S.record;
  S.record = record;
  let value: unknown;
  try {
    value = record.call(f, self, args);
  } finally {
    S.record = outer;
  }
  const { begun } = record;
  if (begun !== null && isObject(value)) {
    if (begun.code.isGenerator) new GeneratorStamp(value, begun);
    else S.asyncFrames.set(value, begun);
  }
  return value;
}

/** Calls any function from the run loop and waits for its value. */
export function callFunction(S: VmState, frame: Frame, f: Fn, self: unknown, args: ArrayLike<unknown>): unknown {
  const data = Stamp.of(f);
  if (data !== undefined && data.special === Special.None && data.code.isPlain && !isForeign(S, data)) return invoke(S, data, self, args);
  const record = new CallRecord(frame, frame.pc);
  return data === undefined ? record.call(f, self, args) : callGuestWrapper(S, record, f, self, args);
}

export function callWithList(S: VmState, frame: Frame, f: Fn, self: unknown, list: unknown[]): Called {
  const data = Stamp.of(f);
  if (data !== undefined) {
    if (data.special !== Special.None) return callSpecial(S, frame, data, f, self, list);
    if (data.code.runsInline && !isForeign(S, data)) return { frame: push(S, frame, data, self, list), value: undefined };
  }
  checkWeight(S, list.length);
  const record = new CallRecord(frame, frame.pc);
  return { frame: null, value: data === undefined ? record.call(f, self, list) : callGuestWrapper(S, record, f, self, list) };
}

/** Functions of the realm whose work belongs in the VM. */
export function callSpecial(
  S: VmState,
  frame: Frame,
  data: FunctionData,
  f: unknown,
  self: unknown,
  args: unknown[],
  isConstruct = false,
): Called {
  const none = (value: unknown): Called => ({ frame: null, value });
  switch (data.special) {
    case Special.Eval: {
      const source = args[0];
      if (typeof source !== 'string') return none(source);
      if (isForeign(S, data)) {
        const realm = S.realms[data.code.file.realm] as VmState['realm'];
        return none(within(S, realm, () => invoke(S, new FunctionData(S.evalCode(source, null), null), realm.kit.global, [])));
      }
      return { frame: push(S, frame, new FunctionData(S.evalCode(source, null), null), S.kit.global), value: undefined };
    }
    case Special.DynamicFunction: {
      const realm = S.realms[data.code.file.realm] as VmState['realm'];
      const entry = realm.kit.functionConstructors.find((c) => c.constructor === f);
      return none(within(S, realm, () => S.dynamicFunction((entry as { prefix: string }).prefix, args, isConstruct)));
    }
    case Special.Call:
      if (typeof self === 'function')
        return callWithList(S, frame, self as Fn, args[0], slice(args, 1, args.length > 0 ? args.length - 1 : 0));
      break;
    case Special.Apply: {
      const list = args[1];
      if (typeof self === 'function' && (list === undefined || list === null)) return callWithList(S, frame, self as Fn, args[0], []);
      if (typeof self === 'function' && typeof list === 'object') {
        const length = lengthOf((list as { length?: unknown }).length);
        const copy: unknown[] = [];
        for (let i = 0; i < length; i++) copy[i] = (list as Record<number, unknown>)[i];
        return callWithList(S, frame, self as Fn, args[0], copy);
      }
      break;
    }
    case Special.CaptureStackTrace:
      if (isObject(args[0])) {
        // V8 would look for a guest function among its own frames, and for the frame of this call, which it does not have.
        const isGuest = typeof args[1] === 'function' && args[1] !== f && S.dataOf(args[1]) !== undefined;
        S.stacks.recapture(S, frame, args[0], isGuest ? args[1] : undefined);
        if (isGuest || args[1] === f) return none(new CallRecord(frame, frame.pc).call(f, self, [args[0]]));
      }
      break;
    default:
      break;
  }
  return none(new CallRecord(frame, frame.pc).call(f, self, args));
}

function lengthOf(value: unknown): number {
  const n = Math.trunc(Number(value));
  return n > 0 ? Math.min(n, 2 ** 31) : 0;
}

/** Runs a guest function to its end from host code. */
export function invoke(S: VmState, data: FunctionData, self: unknown, args: ArrayLike<unknown>): unknown {
  return enter(S, push(S, S.top, data, self, args), Mode.Start, undefined);
}

/**
 * A finished async frame keeps its callers for stacks that are formatted late, unless they are finished calls themselves: a function
 * that calls itself again after each await would otherwise keep every frame it ever had.
 */
export function forgetCallers(frame: Frame): void {
  let caller = frame.caller;
  for (let i = 0; caller !== null && !caller.code.isAsync && i < 50; i++) caller = caller.caller;
  if (caller !== null && caller.code.isAsync && caller.state === State.Done) frame.caller = null;
}

/** Guest frames on the stack, innermost first, over all activations. */
export function stackOf(S: VmState): Frame[] {
  const list: Frame[] = [];
  let activation = S.activation;
  for (let frame = S.top; frame !== null;) {
    list.push(frame);
    if (activation !== null && frame === activation.frame) {
      frame = activation.parentFrame;
      activation = activation.parent;
    } else frame = frame.caller;
  }
  return list;
}

/** Enters the run loop with a frame. */
export function enter(S: VmState, frame: Frame, mode: Mode, value: unknown): unknown {
  const parent = S.top;
  const parentPc = parent === null ? 0 : parent.pc;
  if (S.scheduler !== null && S.activation === null) S.scheduler.entered(frame, mode);
  if (parent === null) {
    S.entryStep = S.step;
    if (S.pausesAtEntry) S.pauseAt = S.step + 1;
  } else if (frame.code.isGenerator && mode !== Mode.Throw) frame.consumer = parent;
  if (S.tracker !== null && S.tracker.watchesCalls) S.tracker.entered(frame, mode, value);
  const below = parent === null || S.activation === null ? null : framesBelow(S.activation, parent, NEAR);
  return new Activation(S.activation, parent, parentPc, frame, mode, value, below).enter();
}

export function construct_(S: VmState, data: FunctionData, self: unknown, newTarget: unknown, args: ArrayLike<unknown>): unknown {
  const frame = push(S, S.top, data, self === undefined ? HOLE : self, args);
  frame.newTarget = newTarget;
  frame.construct = 1;
  return enter(S, frame, Mode.Start, undefined);
}

/** First half of a call to an async function or generator: its frame, with the parameters bound when it is a generator. */
export function begin(S: VmState, data: FunctionData, self: unknown, args: ArrayLike<unknown>): Frame {
  const frame = push(S, null, data, self, args);
  frame.state = State.Running;
  if (S.record !== null) {
    S.record.begun = frame;
    S.record = null;
  }
  return frame;
}

const constructors = new WeakSet<object>();

/** Whether a value can be constructed, without running any of its code. */
export function isConstructor(f: unknown): boolean {
  if (typeof f !== 'function') return false;
  if (constructors.has(f)) return true;
  try {
    construct(new Proxy(f as Fn, { construct: () => ({}) }), []);
  } catch {
    return false;
  }
  constructors.add(f);
  return true;
}

export function badSuper(S: VmState, parent: unknown, active: unknown): Error {
  const own = typeof parent === 'function' ? (parent as { name?: unknown }).name : show(parent);
  const shown = typeof own === 'string' && own !== '' ? own : 'null';
  const name = (active as { name?: unknown }).name;
  const owner = typeof name === 'string' && name !== '' ? name : 'anonymous class';
  return makeError(S, 'TypeError', `Super constructor ${shown} of ${owner} is not a constructor`);
}

// --- eval, import ----------------------------------------------------------------------------------------------------------------

export function directEval(S: VmState, frame: Frame, args: unknown[], site: EvalSite): Called {
  const source = args[0];
  if (typeof source !== 'string') return { frame: null, value: source };
  const block = S.evalCode(source, site);
  const data = new FunctionData(block, frame.env);
  data.func = frame.data.func;
  data.home = frame.data.home;
  const next = push(S, frame, data, frame.thisValue);
  next.newTarget = frame.newTarget;
  return { frame: next, value: undefined };
}

export function importCall(S: VmState, frame: Frame, specifier: unknown, options: unknown, isSource: boolean): unknown {
  try {
    if (!S.host.dynamicImport) throw makeError(S, 'TypeError', 'A dynamic import callback was not specified.');
    const { file } = frame.code;
    return new CallRecord(frame, frame.pc).call(S.host.dynamicImport, undefined, [
      specifier,
      options,
      file.importer ?? file.path,
      isSource,
    ]);
  } catch (error) {
    return S.kit.reject(error);
  }
}

/** The object that holds variables declared by direct evals of a function. */
export function evalVars(S: VmState, names: string[], object: unknown): unknown {
  const holder = isObject(object) ? object : S.kit.nullObject();
  for (const name of names) if (!(name in holder)) S.kit.define(holder, name, undefined);
  return holder;
}

export function hasBinding(S: VmState, object: unknown, name: string): boolean {
  if (object === undefined || object === null || object === HOLE) return false;
  const holder = (isObject(object) ? object : S.kit.toObject(object)) as Record<PropertyKey, unknown>;
  if (!(name in holder)) return false;
  const hidden = holder[Symbol.unscopables];
  return !(isObject(hidden) && (hidden as Record<string, unknown>)[name]);
}

// --- globals ---------------------------------------------------------------------------------------------------------------------

export interface GlobalDeclarations {
  vars: string[];
  functions: string[];
  lexical: { name: string; constant: boolean }[];
  deletable: boolean;
}

export function declareGlobals(S: VmState, d: GlobalDeclarations): void {
  for (const { name } of d.lexical) {
    if (S.lexical?.has(name)) throw makeError(S, 'SyntaxError', `Identifier '${name}' has already been declared`);
  }
  for (const name of [...d.vars, ...d.functions]) {
    if (S.lexical?.has(name)) throw makeError(S, 'SyntaxError', `Identifier '${name}' has already been declared`);
  }
  for (const { name } of d.lexical) {
    // HasRestrictedGlobalProperty (spec 9.1.1.4.14): a permanent property of the global object cannot be hidden.
    const own = Reflect.getOwnPropertyDescriptor(S.kit.global, name);
    if (own && !own.configurable) throw makeError(S, 'SyntaxError', `Identifier '${name}' has already been declared`);
  }
  const { global } = S.kit;
  const refuseNew = (name: string): void => {
    if (!Reflect.isExtensible(global)) throw makeError(S, 'TypeError', `Cannot add property ${name}, object is not extensible`);
  };
  // CanDeclareGlobalFunction, CanDeclareGlobalVar (spec 9.1.1.4.15-16), in V8's words.
  for (const name of d.functions) {
    const own = Reflect.getOwnPropertyDescriptor(global, name);
    if (own === undefined) refuseNew(name);
    else if (!own.configurable && !(own.writable && own.enumerable))
      throw makeError(S, d.deletable ? 'TypeError' : 'SyntaxError', `Identifier '${name}' has already been declared`);
  }
  for (const name of d.vars) if (!Reflect.getOwnPropertyDescriptor(global, name)) refuseNew(name);
  for (const { name, constant } of d.lexical) (S.lexical ??= new Map()).set(name, { value: HOLE, constant });
  for (const name of d.vars) S.kit.declareGlobalVar(name, d.deletable);
}

export function lexicalGet(S: VmState, name: string): unknown {
  const binding = S.lexical?.get(name);
  if (!binding || binding.value === HOLE) throw makeError(S, 'ReferenceError', `Cannot access '${name}' before initialization`);
  return binding.value;
}

export function lexicalSet(S: VmState, name: string, value: unknown): void {
  const binding = S.lexical?.get(name);
  if (!binding) return;
  if (binding.value === HOLE) throw makeError(S, 'ReferenceError', `Cannot access '${name}' before initialization`);
  if (binding.constant) throw makeError(S, 'TypeError', 'Assignment to constant variable.');
  binding.value = value;
}

export function lexicalInit(S: VmState, name: string, value: unknown): void {
  const binding = S.lexical?.get(name);
  if (binding) binding.value = value;
}

// --- properties ------------------------------------------------------------------------------------------------------------------

/** A key as V8 shows it in parentheses, if it can tell without running guest code. */
function keyText(S: VmState, verb: string, key: unknown): string {
  const text = quoteKey(S, key);
  return text === null ? '' : ` (${verb} '${text}')`;
}

/** A property of a primitive: found on the guest realm's prototypes, not on those of the VM's own realm. */
export function getOfPrimitive(S: VmState, value: unknown, key: unknown): unknown {
  if (value === undefined) throw cannotRead(S, value, key);
  return S.kit.get(value, key);
}

export function cannotRead(S: VmState, object: unknown, key: unknown): Error {
  if (key === S.kit.iteratorSymbol)
    return makeError(S, 'TypeError', `${callSite(object)} is not iterable (cannot read property Symbol(Symbol.iterator))`);
  return makeError(S, 'TypeError', `Cannot read properties of ${String(object)}${keyText(S, 'reading', key)}`);
}

export function cannotSet(S: VmState, object: unknown, key: unknown): Error {
  return makeError(S, 'TypeError', `Cannot set properties of ${String(object)}${keyText(S, 'setting', key)}`);
}

export function notSearchable(S: VmState, key: unknown, object: unknown): Error {
  return makeError(S, 'TypeError', `Cannot use 'in' operator to search for '${quote(S, key)}' in ${quote(S, object)}`);
}

export function remove(S: VmState, object: unknown, key: unknown, strict: boolean): boolean {
  if (object === undefined || object === null) throw makeError(S, 'TypeError', 'Cannot convert undefined or null to object');
  return strict ? S.kit.deleteStrict(object, key) : S.kit.deleteSloppy(object, key);
}

/** Whose the property is: an Error's, as TypeError and its like inherit it, of something that cannot be asked, or another's. */
function holderOfLimit(S: VmState, object: unknown): object | 'proxy' | 'other' {
  for (let at: object | null = Object(object) as object; at !== null; at = getPrototypeOf(at)) {
    if (S.stackLimit?.has(at) === true) return at;
    if (S.host.isProxy?.(at)) return 'proxy';
    if (Object.hasOwn(at, 'stackTraceLimit')) return 'other';
  }
  return 'other';
}

export function getStackLimit(S: VmState, object: unknown): unknown {
  if (object === undefined || object === null) throw cannotRead(S, object, 'stackTraceLimit');
  const read = (): unknown => (object as { stackTraceLimit?: unknown }).stackTraceLimit;
  if (S.stackLimit === null) return read();
  const holder = holderOfLimit(S, object);
  if (typeof holder === 'object' || typeof holder === 'function') return S.stackLimit.get(holder);
  return holder === 'proxy' ? S.stacks.withPlainLimit(read) : read();
}

/** Own properties of an object literal's spread or of a rest, but for those excluded. */
export function copyProperties(S: VmState, target: object, source: unknown, excluded: unknown[] | undefined): void {
  if (source === S.kit.error) S.stacks.withPlainLimit(() => S.kit.copy(target, source, excluded));
  else S.kit.copy(target, source, excluded);
}

/** Keyed reads that depend on the realm that reads, or that the realm answers. */
export function getUnusual(S: VmState, object: object, key: unknown): unknown {
  if (key === 'stackTraceLimit') return getStackLimit(S, object);
  return S.kit.get(object, key);
}

/** Keyed writes: `stackTraceLimit` of Error is the realm's affair. */
export function setKeyed(S: VmState, object: unknown, key: unknown, value: unknown, strict: boolean): void {
  if (object === S.kit.error && key === 'stackTraceLimit') setStackLimit(S, object, value, strict);
  else if (strict) S.kit.setStrict(object, key, value);
  else S.kit.setSloppy(object, key, value);
}

export function setStackLimit(S: VmState, object: unknown, value: unknown, strict: boolean): void {
  if (object === undefined || object === null) throw cannotSet(S, object, 'stackTraceLimit');
  if (S.stackLimit !== null && S.stackLimit.has(object) && S.stackLimit.set(object as object, value)) return;
  if (strict) (object as { stackTraceLimit?: unknown }).stackTraceLimit = value;
  else S.kit.setSloppy(object, 'stackTraceLimit', value);
}

/** Getters and setters are named "get x" and "set x" after their key. */
export function nameAccessor(S: VmState, f: object, key: PropertyKey, kind: number): void {
  if ((f as { name?: unknown }).name === '') S.kit.setName(f, key, kind === 1 ? 'get ' : 'set ');
}

export function toNumeric(value: unknown): number | bigint {
  let n = value as number;
  // The host's own ++ is the only operator that keeps bigints and converts everything else.
  const old = n++;
  return old;
}

/** A primitive in an error message. */
export function show(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'symbol') return value.toString();
  if (isObject(value)) return Array.isArray(value) ? '[object Array]' : typeof value === 'function' ? String(value) : '#<Object>';
  return String(value);
}

// --- classes, generators -----------------------------------------------------------------------------------------------------------

/** Evaluates the heritage and makes the class as a host class. */
export function newClass(S: VmState, block: CodeBlock, env: Env, parent: unknown): Fn & { prototype: object } {
  const data = new FunctionData(block, env);
  const derived = parent === HOLE ? 0 : parent === null ? 2 : 1;
  if (derived === 1 && !isConstructor(parent))
    throw makeError(S, 'TypeError', `Class extends value ${quote(S, parent)} is not a constructor or null`);
  const cls = S.kit.classFactory(block.name, derived, block.length)(data, parent) as Fn & { prototype: object };
  data.func = cls;
  data.home = cls.prototype;
  new Stamp(cls, data);
  return cls;
}

/** What the host's yield* gets: an object whose iterator method answers the iterator that the guest's operand made. */
export function delegate(S: VmState, frame: Frame, source: unknown): unknown {
  const kit = S.kit;
  if (frame.code.isAsync) {
    const method = source === undefined || source === null ? undefined : kit.get(source, kit.asyncIteratorSymbol);
    if (method !== undefined && method !== null) {
      if (typeof method !== 'function') throw makeError(S, 'TypeError', `${show(method)} is not a function`);
      const iterator = callFunction(S, frame, method as Fn, source, []);
      if (!isObject(iterator)) throw makeError(S, 'TypeError', 'Result of the Symbol.asyncIterator method is not an object');
      S.stacks.delegates(frame, GeneratorStamp.of(iterator), iterator);
      return kit.asyncIterable(iterator);
    }
  }
  const method = source === undefined || source === null ? undefined : kit.get(source, kit.iteratorSymbol);
  if (typeof method !== 'function') throw notIterable(S, frame, source);
  const iterator = callFunction(S, frame, method as Fn, source, []);
  if (!isObject(iterator)) throw makeError(S, 'TypeError', 'Result of the Symbol.iterator method is not an object');
  if (method !== kit.arrayValues) S.stacks.delegates(frame, GeneratorStamp.of(iterator), iterator);
  return kit.iterable(iterator);
}

export function closeSilently(S: VmState, frame: Frame, iterator: unknown): void {
  if (iterator instanceof FastIterator) return;
  const step = S.hooks;
  // Errors of return() are swallowed by the program's own throw: the debugger does not see them either.
  S.hooks = step === null ? null : { onPause: (reason, f) => step.onPause(reason, f) };
  try {
    const method = (iterator as { return?: unknown }).return;
    if (typeof method === 'function') callFunction(S, frame, method as Fn, iterator, []);
  } catch {
    S.hasTravelling = false;
  } finally {
    S.hooks = step;
    S.top = frame;
  }
}

export function asyncClose(S: VmState, frame: Frame, iterator: unknown): unknown {
  const method = (iterator as { return?: unknown }).return;
  if (method === undefined || method === null) return HOLE;
  if (typeof method !== 'function') throw makeError(S, 'TypeError', `${show(method)} is not a function`);
  return callFunction(S, frame, method as Fn, iterator, []);
}

// --- debugger ----------------------------------------------------------------------------------------------------------------------

export function pause(S: VmState, frame: Frame, step: number): void {
  const { code, file } = frame.code;
  const id = (code as Int32Array)[frame.pc + 1] as number;
  if ((file.marks[id] as number) < 0) S.marks.met(file, id);
  if (S.hooks === null || S.quiet > 0) return;
  S.hooks.onPause(step === S.pauseAt ? 'step' : 'breakpoint', frame);
}

/** An async function that guest code called awaits for the first time: a host async function takes it over. */
export function continueAsync(S: VmState, frame: Frame, value: unknown): object {
  return Reflect.apply(S.kit.continueAsync, S.stacks.holderOf(frame), [frame, value]);
}

/** The frame awaits Promise.all or the like: it awaits each of the async calls whose promises were given to it. */
export function awaitElements(S: VmState, frame: Frame, promise: object): void {
  const elements = S.stacks.elementsOf(promise);
  if (elements === undefined) return;
  for (let i = 0; i < elements.length; i++) {
    const element = elements[i];
    const awaited = isObject(element) ? S.asyncFrames.get(element) : undefined;
    if (awaited !== undefined) awaited.awaiter = frame;
  }
}

export function reportThrow(S: VmState, error: unknown, frame: Frame): void {
  if (S.activation !== null) S.stacks.caught(error, S.activation, frame);
  if (S.hooks?.onThrow && S.quiet === 0) S.hooks.onThrow(error, frame);
}

const OWN_ERRORS: [object, keyof VmState['kit']['errors']][] = [
  [TypeError.prototype, 'TypeError'],
  [RangeError.prototype, 'RangeError'],
  [ReferenceError.prototype, 'ReferenceError'],
  [SyntaxError.prototype, 'SyntaxError'],
];

/** An error that the host raised inside the VM's own realm becomes one of the guest's realm. */
export function adopt(S: VmState, error: unknown): unknown {
  if (!isObject(error) || S.kit.errors.TypeError === (TypeError as unknown)) return error;
  const prototype = getPrototypeOf(error);
  for (const [own, kind] of OWN_ERRORS) if (prototype === own) return makeError(S, kind, (error as Error).message);
  return error;
}
