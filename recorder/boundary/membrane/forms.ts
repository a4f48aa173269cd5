/**
 * How what native code hands out is written down: the saved form of a value, definitions of native objects, and effects. The
 * describer (describe.ts) and the recording membrane write these, the builder (build.ts) and the replaying membrane read them.
 *
 *   saved     a primitive, or a numbered object known to both modes  as itself (the codec knows numbers)
 *             [n, data]                plain data that is given the number n; 0 for none
 *             [n, tree, definitions]   anything else: the definitions come first
 *             [INSTANCE, n, prototype] a new native object without own properties, prototype: the number of its prototype
 *             [PROMISE, n]             a promise that native code will settle
 *             [EFFECTS, saved, effects]   with what else native code did before it handed this out
 *   tree      a primitive | [REF, n] | [DATA, plain data] | [NAMED, name] | [SYMBOL, n, description]
 *   definition  [n, kind, ...], see Kind
 *   property  [key, attributes, tree] or, for accessors, [key, attributes, get, set]
 *
 * Invariant: no number is given in an event that does not name it, so that both modes count alike.
 */
import { types } from 'node:util';

const { isNativeError, isProxy, isDate, isMap, isSet, isArrayBuffer } = types;
const { getPrototypeOf, getOwnPropertyDescriptor, keys, isExtensible } = Object;
const { ownKeys } = Reflect;
const { isArray } = Array;
const { isView } = ArrayBuffer;

export const INSTANCE = -1;
export const PROMISE = -2;
export const EFFECTS = -3;

/**
 * Where arguments begin in the entry of a callback: [how, this, effects, ...arguments]. how: true: called with `new`; a text: the
 * method of that name of the handle was called; this: true for globalThis; effects: undefined for none.
 */
export const FIRST_ARGUMENT = 3;

export const enum Tree {
  Ref = 0,
  Data = 1,
  Named = 2,
  /** A symbol of somebody's own: [Symbol, number among symbols, description]. */
  Symbol = 3,
}

export const enum Kind {
  /** [n, Object, prototype, properties, flags, path, callbacks]: flags as in Flag; callbacks: names, see live.ts. */
  Object = 0,
  /**
   * [n, Function, prototype, properties, flags, site, text, p]: site: name of its crossing; text: what toString() gives;
   * p: the number of its own `prototype` where nothing is on that but `constructor`, else 0.
   */
  Function = 1,
  /** [n, Array, prototype, properties]. */
  Array = 2,
  /** [n, Promise]: settled by an effect or an entry. */
  Promise = 3,
  /** [n, Error, prototype, properties, message]. */
  Error = 4,
}

export const enum Flag {
  /** Object: native code changes its own properties at any time, so that reading one is a crossing. */
  Live = 2,
  /** Object: not extensible. */
  Closed = 4,
  /** Function: its receiver is a native object. */
  Method = 8,
}

export const enum Attribute {
  Writable = 1,
  Enumerable = 2,
  Configurable = 4,
  Accessor = 8,
  /** The key is the name of a symbol. */
  Symbol = 16,
}

export const enum Effect {
  /** [Bytes, n, offset, bytes]: native code wrote into buffer n. */
  Bytes = 0,
  /** [Properties, n, [property, definitions] of each that was set, deleted keys]: own properties of object n. */
  Properties = 1,
  /** [Settled, n, fulfilled, saved]: a promise given out before. */
  Settled = 2,
  /** [AsyncId, counter]: native code took async ids. */
  AsyncId = 3,
  /** [NoContext]: of an entry: it is made outside of any context of AsyncLocalStorage, though the function came from within one. */
  NoContext = 4,
}

/** Objects of the language that exist in every program. */
export const NAMED: ReadonlyMap<string, unknown> = namedValues();
const NAMES = new Map([...NAMED].map(([name, value]) => [value, name]));

export const nameOf = (value: unknown): string | undefined => NAMES.get(value);

/** What a name stands for; undefined if there is no such thing here. */
export function namedValue(name: string): unknown {
  const value = NAMED.get(name);
  if (value !== undefined) return value;
  const [owner, member] = name.split('.') as [string, string | undefined];
  const global = (globalThis as Record<string, unknown>)[owner] as Record<string, unknown> | undefined;
  return member === undefined ? global : global?.[member];
}

/** The name of a class written in JavaScript, of Node's or of the program, that is a global; undefined for any other. */
export function nameOfGlobalClass(constructor: unknown): string | undefined {
  if (typeof constructor !== 'function') return undefined;
  const { name } = constructor;
  return typeof name === 'string' && (globalThis as Record<string, unknown>)[name] === constructor ? name : undefined;
}

function namedValues(): Map<string, unknown> {
  const named = new Map<string, unknown>();
  for (const name of [
    'Object',
    'Function',
    'Array',
    'Error',
    'TypeError',
    'RangeError',
    'SyntaxError',
    'ReferenceError',
    'EvalError',
    'URIError',
    'AggregateError',
    'Promise',
    'Map',
    'Set',
    'WeakMap',
    'WeakSet',
    'Date',
    'RegExp',
    'ArrayBuffer',
    'SharedArrayBuffer',
    'DataView',
    'Int8Array',
    'Uint8Array',
    'Uint8ClampedArray',
    'Int16Array',
    'Uint16Array',
    'Int32Array',
    'Uint32Array',
    'Float32Array',
    'Float64Array',
    'BigInt64Array',
    'BigUint64Array',
    'Buffer',
    'Symbol',
    'Number',
    'String',
    'Boolean',
    'BigInt',
  ]) {
    const value = (globalThis as Record<string, unknown>)[name] as { prototype: object };
    named.set(name, value);
    named.set(`${name}.prototype`, value.prototype);
  }
  const iterator = getPrototypeOf(getPrototypeOf([][Symbol.iterator]()) as object) as object;
  named.set('Iterator.prototype', iterator);
  const asyncGenerator = getPrototypeOf(async function* () {}) as { prototype: object };
  named.set('AsyncIterator.prototype', getPrototypeOf(asyncGenerator.prototype));
  named.set('globalThis', globalThis);
  for (const name of Object.getOwnPropertyNames(Symbol)) {
    const value = (Symbol as unknown as Record<string, unknown>)[name];
    if (typeof value === 'symbol') named.set(`Symbol.${name}`, value);
  }
  return named;
}

const objectProto = Object.prototype;
const arrayProto = Array.prototype;
const errorProtos = new Set<unknown>(
  [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError].map((c) => c.prototype),
);
const viewProtos = new Set<unknown>(
  [...NAMED]
    .filter(([name, value]) => name.endsWith('.prototype') && /Array\.|DataView|Buffer/.test(name) && value !== arrayProto)
    .map(([, v]) => v),
);

/** Deepest nesting of plain data. */
const DEPTH = 24;

/** Says whether the codec gives `value` back as it is. known: objects that both modes have under a number. */
export function isPlainData(value: unknown, known: (object: object) => boolean, depth = 0, trusted = false): boolean {
  switch (typeof value) {
    case 'function':
      return known(value);
    case 'symbol':
      return Symbol.keyFor(value) !== undefined;
    case 'object':
      break;
    default:
      return true;
  }
  if (value === null) return true;
  // The codec would look through a proxy.
  if (depth > DEPTH || isProxy(value)) return false;
  const proto = getPrototypeOf(value) as unknown;
  if (isView(value)) return viewProtos.has(proto) && isArrayBuffer(value.buffer);
  if (isArray(value)) {
    if (known(value) || proto !== arrayProto || keys(value).length !== value.length) return false;
    for (let i = 0; i < value.length; i++) if (!isPlainData(value[i], known, depth + 1, trusted || i > 0)) return false;
    return true;
  }
  if (proto === objectProto || proto === null) {
    if (types.isExternal(value) || known(value)) return false;
    const names = keys(value);
    // Rows of a result are made alike: the first is looked at closely.
    if (trusted) {
      for (let i = 0; i < names.length; i++)
        if (!isPlainData((value as Record<string, unknown>)[names[i]], known, depth + 1, true)) return false;
      return true;
    }
    if (!isExtensible(value) || ownKeys(value).length !== names.length) return false;
    for (let i = 0; i < names.length; i++) {
      const property = getOwnPropertyDescriptor(value, names[i])!;
      if (property.get !== undefined || property.set !== undefined || !property.writable || !property.configurable) return false;
      if (!isPlainData(property.value, known, depth + 1, false)) return false;
    }
    return true;
  }
  if (known(value)) return true;
  if (isNativeError(value) || isDOMException(value)) {
    if (!errorProtos.has(proto) && !isDOMException(value)) return false;
    const names = Object.getOwnPropertyNames(value);
    for (let i = 0; i < names.length; i++)
      if (names[i] !== 'stack' && !isPlainData(getOwnPropertyDescriptor(value, names[i])!.value, known, depth + 1, false)) return false;
    return true;
  }
  if (isDate(value)) return proto === Date.prototype && keys(value).length === 0;
  if (isArrayBuffer(value)) return proto === ArrayBuffer.prototype;
  if (isMap(value)) {
    if (proto !== Map.prototype) return false;
    for (const [key, item] of value) if (!isPlainData(key, known, depth + 1) || !isPlainData(item, known, depth + 1)) return false;
    return true;
  }
  if (isSet(value)) {
    if (proto !== Set.prototype) return false;
    for (const item of value) if (!isPlainData(item, known, depth + 1)) return false;
    return true;
  }
  return false;
}

/** Node's class, which the codec knows; it is no error to V8 in every version. */
function isDOMException(value: object): boolean {
  const proto = getPrototypeOf(value) as object | null;
  if (proto === null || NAMES.has(proto)) return false;
  const constructor = getOwnPropertyDescriptor(proto, 'constructor')?.value as unknown;
  return typeof constructor === 'function' && constructor.name === 'DOMException' && nameOfGlobalClass(constructor) !== undefined;
}

/** Kinds of objects that the codec writes by value even where they have a number. */
export function goesByValue(value: object): boolean {
  if (typeof value === 'function' || isProxy(value)) return false;
  if (isView(value) || isArray(value)) return true;
  const proto = getPrototypeOf(value) as unknown;
  return (proto === objectProto || proto === null) && !types.isExternal(value);
}

/** Objects that the codec writes as their number, if they have one. */
export function isNamedByCodec(value: object): boolean {
  return typeof value === 'function' || (!goesByValue(value) && !isProxy(value) && !types.isExternal(value));
}

/** The attributes of a property as bits. */
export function attributesOf(property: PropertyDescriptor, key: string | symbol): number {
  return (
    (property.writable === true ? Attribute.Writable : 0) |
    (property.enumerable === true ? Attribute.Enumerable : 0) |
    (property.configurable === true ? Attribute.Configurable : 0) |
    (property.get !== undefined || property.set !== undefined ? Attribute.Accessor : 0) |
    (typeof key === 'symbol' ? Attribute.Symbol : 0)
  );
}

/** A key as text, undefined for a symbol that cannot be found again. */
export function textOfKey(key: string | symbol): string | undefined {
  return typeof key === 'string' ? key : (nameOf(key) ?? Symbol.keyFor(key));
}

export function keyOfText(text: string, attributes: number): string | symbol {
  if ((attributes & Attribute.Symbol) === 0) return text;
  const named = NAMED.get(text);
  return typeof named === 'symbol' ? named : Symbol.for(text);
}

/** A symbol that neither the language nor the global registry names. */
export const isOwnSymbol = (value: unknown): value is symbol =>
  typeof value === 'symbol' && Symbol.keyFor(value) === undefined && nameOf(value) === undefined;
