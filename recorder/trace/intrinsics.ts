/**
 * The built-ins as they were before the program could replace them. The recorder and the replayer's own code share a realm with the
 * program, which may patch, freeze or break any of them: scripts/harden.mjs rewrites the compiled modules so that their calls of
 * built-in methods, their loops over arrays and the like go through here. Nobody imports this by hand.
 *
 * Invariant: nothing here looks anything up on an object of the program's once this module has been loaded, and no built-in that reads
 * `constructor`, Symbol.species, Symbol.iterator or `exec` of its receiver is used.
 */
import { types } from 'node:util';

type Function = (...args: never[]) => unknown;
type Keyed = Record<PropertyKey, unknown>;

const { apply, ownKeys, getPrototypeOf, setPrototypeOf, defineProperty, getOwnPropertyDescriptor } = Reflect;
const { freeze, entries: entriesOf } = Object;
const isArray = Array.isArray;
const isView = ArrayBuffer.isView;
const { isMap, isSet, isRegExp, isPromise, isDate, isGeneratorObject } = types;
const hasOwn = Object.hasOwn;

/** An object that inherits nothing, with the own properties of `from`. */
function bare(from: object): Keyed {
  const copy = { __proto__: null } as unknown as Keyed;
  const keys = ownKeys(from);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    const property = getOwnPropertyDescriptor(from, key)!;
    setPrototypeOf(property, null);
    defineProperty(copy, key, property);
  }
  return copy;
}

/** Appends as push does; a setter that the program gave Array.prototype for the index does not run. */
function put<T>(list: T[], value: T): void {
  const { length } = list;
  if (length in list)
    defineProperty(list, length, { __proto__: null, value, writable: true, enumerable: true, configurable: true } as PropertyDescriptor);
  else list[length] = value;
}

// Iteration.

const generatorProto = getPrototypeOf(function* () {}.prototype as object) as Keyed;
const nextOf = {
  map: (getPrototypeOf(new Map().entries()) as Keyed)['next'],
  set: (getPrototypeOf(new Set().values()) as Keyed)['next'],
  string: (getPrototypeOf(''[Symbol.iterator]()) as Keyed)['next'],
  generator: (getPrototypeOf(generatorProto) as Keyed)['next'] ?? generatorProto['next'],
} as Record<string, Function>;
const mapEntries = Map.prototype.entries as Function;
const mapKeys = Map.prototype.keys as Function;
const mapValues = Map.prototype.values as Function;
const setValues = Set.prototype.values as Function;
const stringIterator = String.prototype[Symbol.iterator] as Function;

/** What a loop or a spread runs over: the elements of an array, or what a built-in iterator gives. It has the one method that is called. */
class Cursor {
  private at = 0;
  constructor(
    private readonly source: unknown,
    private readonly advance: Function | undefined,
  ) {}

  next(): IteratorResult<unknown> {
    if (this.advance !== undefined) return apply(this.advance, this.source, []) as IteratorResult<unknown>;
    const list = this.source as unknown[];
    const { at } = this;
    if (at >= list.length) return { value: undefined, done: true };
    this.at = at + 1;
    return { value: list[at], done: false };
  }

  [Symbol.iterator](): this {
    return this;
  }
}
setPrototypeOf(Cursor.prototype, null);

/** `value` as an iterable that the program has no hand in; itself where it is none of the built-in kinds. */
function of(value: unknown): Iterable<unknown> {
  if (isArray(value)) return new Cursor(value, undefined);
  if (typeof value === 'string') return new Cursor(apply(stringIterator, value, []), nextOf['string']);
  if (typeof value !== 'object' || value === null) return value as never;
  if (isMap(value)) return new Cursor(apply(mapEntries, value, []), nextOf['map']);
  if (isSet(value)) return new Cursor(apply(setValues, value, []), nextOf['set']);
  if (types.isMapIterator(value)) return new Cursor(value, nextOf['map']);
  if (types.isSetIterator(value)) return new Cursor(value, nextOf['set']);
  if (isView(value) || types.isArgumentsObject(value)) return new Cursor(value, undefined);
  if (isGeneratorObject(value)) return new Cursor(value, nextOf['generator']);
  return value as Iterable<unknown>;
}

function list(iterable: unknown): unknown[] {
  return [...of(iterable)];
}

// Collections: classes whose own methods are the built-in ones.

function sealed<C extends new (...args: never[]) => object>(Safe: C, Base: { prototype: object }): C {
  const keys = ownKeys(Base.prototype);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    if (hasOwn(Safe.prototype as object, key)) continue;
    const property = getOwnPropertyDescriptor(Base.prototype, key)!;
    setPrototypeOf(property, null);
    defineProperty(Safe.prototype as object, key, property);
  }
  setPrototypeOf(Safe.prototype as object, null);
  freeze(Safe.prototype);
  return Safe;
}

const mapSet = Map.prototype.set as Function;
const setAdd = Set.prototype.add as Function;
const weakMapSet = WeakMap.prototype.set as Function;
const weakSetAdd = WeakSet.prototype.add as Function;

/** Fills a collection as its constructor does. */
function filled<T>(self: T, add: Function, given: unknown, pairs: boolean): void {
  if (given === undefined || given === null) return;
  for (const one of of(given)) apply(add, self, (pairs ? [(one as unknown[])[0], (one as unknown[])[1]] : [one]) as never);
}

const SafeMap = sealed(
  class Map extends globalThis.Map<unknown, unknown> {
    constructor(given?: unknown) {
      super();
      filled(this, mapSet, given, true);
    }
    override [Symbol.iterator](): never {
      return of(this) as never;
    }
    override entries(): never {
      return new Cursor(apply(mapEntries, this, []), nextOf['map']) as never;
    }
    override keys(): never {
      return new Cursor(apply(mapKeys, this, []), nextOf['map']) as never;
    }
    override values(): never {
      return new Cursor(apply(mapValues, this, []), nextOf['map']) as never;
    }
  } as never,
  Map,
);
const SafeSet = sealed(
  class Set extends globalThis.Set<unknown> {
    constructor(given?: unknown) {
      super();
      filled(this, setAdd, given, false);
    }
    override [Symbol.iterator](): never {
      return of(this) as never;
    }
    override values(): never {
      return of(this) as never;
    }
    override keys(): never {
      return of(this) as never;
    }
  } as never,
  Set,
);
const SafeWeakMap = sealed(
  class WeakMap extends globalThis.WeakMap<object, unknown> {
    constructor(given?: unknown) {
      super();
      filled(this, weakMapSet, given, true);
    }
  } as never,
  WeakMap,
);
const SafeWeakSet = sealed(
  class WeakSet extends globalThis.WeakSet<object> {
    constructor(given?: unknown) {
      super();
      filled(this, weakSetAdd, given, false);
    }
  } as never,
  WeakSet,
);

// Regular expressions: everything by `exec`, as it was.

const exec = RegExp.prototype.exec;
const flagOf = (name: string): ((re: RegExp) => boolean) => {
  const { get } = getOwnPropertyDescriptor(RegExp.prototype, name)!;
  return (re) => apply(get!, re, []) as boolean;
};
const isGlobal = flagOf('global');
const sourceOf = getOwnPropertyDescriptor(RegExp.prototype, 'source')!.get!;
const flagsOf = getOwnPropertyDescriptor(RegExp.prototype, 'flags')!.get!;
const strings = bare(String.prototype) as Record<string, Function>;
const RealRegExp = RegExp;
const part = (text: string, from: number, to?: number): string => apply(strings['slice']!, text, [from, to] as never) as string;
const search = (text: string, what: string, from: number): number => apply(strings['indexOf']!, text, [what, from] as never) as number;

/** All matches if the expression is global, else the first. */
function matches(re: RegExp, text: string): RegExpExecArray[] {
  const found: RegExpExecArray[] = [];
  const global = isGlobal(re);
  if (global) re.lastIndex = 0;
  for (;;) {
    const match = apply(exec, re, [text]) as RegExpExecArray | null;
    if (match === null) return found;
    put(found, match);
    if (!global) return found;
    if (match[0] === '') re.lastIndex++;
  }
}

/** The text that stands for a match: $1 to $9, $& and $$ are expanded. */
function expanded(template: string, match: RegExpExecArray): string {
  let text = '';
  let from = 0;
  for (let at = search(template, '$', 0); at >= 0; at = search(template, '$', from)) {
    const sign = template[at + 1];
    text += part(template, from, at);
    from = at + 2;
    if (sign === '$') text += '$';
    else if (sign === '&') text += match[0];
    else if (sign !== undefined && sign >= '1' && sign <= '9') text += match[+sign] ?? '';
    else {
      text += '$';
      from = at + 1;
    }
  }
  return text + part(template, from);
}

function replaced(text: string, re: RegExp, by: unknown): string {
  let result = '';
  let from = 0;
  const all = matches(re, text);
  for (let i = 0; i < all.length; i++) {
    const match = all[i]!;
    result += part(text, from, match.index);
    if (typeof by === 'function') {
      const args: unknown[] = [];
      for (let k = 0; k < match.length; k++) put(args, match[k]);
      put(args, match.index);
      put(args, text);
      if (match.groups !== undefined) put(args, match.groups);
      result += String(apply(by as Function, undefined, args as never));
    } else result += expanded(by as string, match);
    from = match.index + match[0].length;
  }
  return result + part(text, from);
}

/** Splits by an expression without captures. */
function splitBy(text: string, re: RegExp): string[] {
  const parts: string[] = [];
  let from = 0;
  const all = matches(new RealRegExp(apply(sourceOf, re, []) as string, 'g' + replaced(apply(flagsOf, re, []) as string, /g/, '')), text);
  for (let i = 0; i < all.length; i++) {
    const match = all[i]!;
    if (match[0] === '') continue;
    put(parts, part(text, from, match.index));
    from = match.index + match[0].length;
  }
  put(parts, part(text, from));
  return parts;
}

const onStrings: Record<string, Function> = {
  replace: ((text: string, what: unknown, by: unknown) =>
    isRegExp(what) ? replaced(text, what, by) : apply(strings['replace']!, text, [what, by] as never)) as Function,
  replaceAll: ((text: string, what: unknown, by: unknown) =>
    isRegExp(what) ? replaced(text, what, by) : apply(strings['replaceAll']!, text, [what, by] as never)) as Function,
  split: ((text: string, by: unknown, limit?: number) =>
    isRegExp(by) ? splitBy(text, by) : apply(strings['split']!, text, [by, limit] as never)) as Function,
  match: ((text: string, re: RegExp) => {
    const all = matches(re, text);
    if (all.length === 0) return null;
    return isGlobal(re) ? onArrays['map']!(all as never, ((match: string[]) => match[0]) as never) : all[0];
  }) as Function,
  matchAll: ((text: string, re: RegExp) => new Cursor(matches(re, text), undefined)) as Function,
  search: ((text: string, re: RegExp) => matches(re, text)[0]?.index ?? -1) as Function,
};

// Methods of arrays that would ask the array for its class, or fill one by assignment.

type Callback = (value: unknown, index: number, list: unknown[]) => unknown;
const bounded = (at: number | undefined, length: number, otherwise: number): number =>
  at === undefined ? otherwise : at < 0 ? (at + length > 0 ? at + length : 0) : at < length ? at : length;

const onArrays: Record<string, Function> = {
  push: ((self: unknown[], ...values: unknown[]) => {
    for (let i = 0; i < values.length; i++) put(self, values[i]);
    return self.length;
  }) as Function,
  map: ((self: unknown[], callback: Callback) => {
    const result: unknown[] = [];
    for (let i = 0; i < self.length; i++) put(result, callback(self[i], i, self));
    return result;
  }) as Function,
  filter: ((self: unknown[], callback: Callback) => {
    const result: unknown[] = [];
    for (let i = 0; i < self.length; i++) {
      const value = self[i];
      if (callback(value, i, self)) put(result, value);
    }
    return result;
  }) as Function,
  flatMap: ((self: unknown[], callback: Callback) => {
    const result: unknown[] = [];
    for (let i = 0; i < self.length; i++) {
      const value = callback(self[i], i, self);
      if (isArray(value)) for (let k = 0; k < value.length; k++) put(result, value[k]);
      else put(result, value);
    }
    return result;
  }) as Function,
  slice: ((self: unknown[], start?: number, end?: number) => {
    const { length } = self;
    const result: unknown[] = [];
    const stop = bounded(end, length, length);
    for (let i = bounded(start, length, 0); i < stop; i++) put(result, self[i]);
    return result;
  }) as Function,
  concat: ((self: unknown[], ...others: unknown[]) => {
    const result: unknown[] = [...of(self)];
    for (let i = 0; i < others.length; i++) {
      const other = others[i];
      if (isArray(other)) for (let k = 0; k < other.length; k++) put(result, other[k]);
      else put(result, other);
    }
    return result;
  }) as Function,
  splice: ((self: unknown[], start: number, count?: number, ...fresh: unknown[]) => {
    const { length } = self;
    const from = bounded(start, length, 0);
    const gone = count === undefined || count > length - from ? length - from : count;
    const removed: unknown[] = [];
    const after: unknown[] = [];
    for (let i = from; i < from + gone; i++) put(removed, self[i]);
    for (let i = from + gone; i < length; i++) put(after, self[i]);
    self.length = from;
    for (let i = 0; i < fresh.length; i++) put(self, fresh[i]);
    for (let i = 0; i < after.length; i++) put(self, after[i]);
    return removed;
  }) as Function,
  entries: ((self: unknown[]) =>
    new Cursor(onArrays['map']!(self as never, ((value: unknown, index: number) => [index, value]) as never), undefined)) as Function,
  keys: ((self: unknown[]) =>
    new Cursor(onArrays['map']!(self as never, ((_: unknown, index: number) => index) as never), undefined)) as Function,
  values: ((self: unknown[]) => new Cursor(self, undefined)) as Function,
};

// What a method call does, by the kind of its receiver.

const kinds = {
  string: strings,
  number: bare(Number.prototype),
  bigint: bare(BigInt.prototype),
  symbol: bare(Symbol.prototype),
  function: bare(Function.prototype),
  array: bare(Array.prototype),
  buffer: bare(Buffer.prototype),
  typed: bare(getPrototypeOf(Uint8Array.prototype)!),
  view: bare(DataView.prototype),
  regexp: bare(RegExp.prototype),
  promise: bare(Promise.prototype),
  map: bare(Map.prototype),
  set: bare(Set.prototype),
  date: bare(Date.prototype),
} as unknown as Record<string, Record<string, Function>>;
const mapProto = Map.prototype;
const setProto = Set.prototype;
const bufferProto = Buffer.prototype as object;
const viewProto = DataView.prototype;

function methodOf(self: unknown, name: string): Function | undefined {
  switch (typeof self) {
    case 'string':
      return kinds['string']![name];
    case 'number':
      return kinds['number']![name];
    case 'bigint':
      return kinds['bigint']![name];
    case 'symbol':
      return kinds['symbol']![name];
    case 'function':
      return hasOwn(self, name) ? undefined : kinds['function']![name];
    case 'object':
      break;
    default:
      return undefined;
  }
  if (self === null) return undefined;
  if (isArray(self)) return kinds['array']![name];
  if (isView(self)) {
    const proto = getPrototypeOf(self);
    if (proto === viewProto) return kinds['view']![name];
    const of = proto === bufferProto ? kinds['buffer']![name] : undefined;
    return of ?? kinds['typed']![name];
  }
  if (isRegExp(self)) return kinds['regexp']![name];
  if (isPromise(self)) return kinds['promise']![name];
  if (isMap(self)) return getPrototypeOf(self) === mapProto ? kinds['map']![name] : undefined;
  if (isSet(self)) return getPrototypeOf(self) === setProto ? kinds['set']![name] : undefined;
  if (isDate(self)) return kinds['date']![name];
  return undefined;
}

function caller(name: string): Function {
  const onArray = onArrays[name];
  const onString = onStrings[name];
  // Called for every unit of a text.
  if (name === 'charCodeAt') return kinds['function']!['call']!.bind(strings[name]! as never) as Function;
  if (name === 'test')
    return ((self: unknown, text: string) =>
      isRegExp(self) ? apply(exec, self, [text]) !== null : (self as Record<string, Function>)['test']!(text as never)) as Function;
  return ((self: unknown, ...args: never[]): unknown => {
    const special = typeof self === 'string' ? onString : isArray(self) ? onArray : undefined;
    if (special !== undefined) {
      const all = [self];
      for (let i = 0; i < args.length; i++) put(all, args[i]);
      return apply(special, undefined, all as never);
    }
    const method = methodOf(self, name);
    if (method !== undefined) return apply(method, self, args);
    return apply((self as Record<string, Function>)[name]!, self, args);
  }) as Function;
}

/** `methods.push(list, value)` is `list.push(value)`. */
const methods = { __proto__: null } as unknown as Record<string, Function>;
/** `optional.push(list, value)` is `list?.push(value)`; the value is computed in any case. */
const optional = { __proto__: null } as unknown as Record<string, Function>;
for (const [, members] of entriesOf(kinds))
  for (const [name, { value }] of entriesOf(Object.getOwnPropertyDescriptors(members)))
    if (typeof value === 'function' && name !== 'constructor') {
      const call = (methods[name] ??= caller(name));
      optional[name] = ((self: unknown, ...args: never[]) =>
        self === undefined || self === null ? undefined : apply(call, undefined, [self, ...(of(args) as never[])] as never)) as Function;
    }

// Getters of views and buffers.

const typedProto = getPrototypeOf(Uint8Array.prototype)!;
const getterOf = (name: string): ((self: unknown) => unknown) => {
  const ofTyped = getOwnPropertyDescriptor(typedProto, name)!.get!;
  const ofView = getOwnPropertyDescriptor(viewProto, name)!.get!;
  const ofBuffer = getOwnPropertyDescriptor(ArrayBuffer.prototype, name)?.get;
  return (self) => {
    if (isView(self)) return apply(getPrototypeOf(self) === viewProto ? ofView : ofTyped, self, []);
    return ofBuffer !== undefined && types.isArrayBuffer(self) ? apply(ofBuffer, self, []) : (self as Keyed)[name];
  };
};
/** `getters.buffer(view)` is view.buffer. */
const getters = bare({ buffer: getterOf('buffer'), byteOffset: getterOf('byteOffset'), byteLength: getterOf('byteLength') });

// Namespaces.

const FIELDS = ['value', 'writable', 'get', 'set', 'enumerable', 'configurable'] as const;

/** A descriptor that inherits nothing. */
function plainDescriptor(given: object): PropertyDescriptor {
  if (getPrototypeOf(given) === null) return given as PropertyDescriptor;
  const copy = { __proto__: null } as unknown as Keyed;
  for (let i = 0; i < FIELDS.length; i++) {
    const field = FIELDS[i]!;
    if (hasOwn(given, field)) copy[field] = (given as Keyed)[field];
  }
  return copy as PropertyDescriptor;
}

const { defineProperty: define, create } = Object;
const readDescriptor = Object.getOwnPropertyDescriptor;
const describe = (object: object, key: PropertyKey): PropertyDescriptor | undefined => {
  const property = readDescriptor(object, key);
  if (property !== undefined) setPrototypeOf(property, null);
  return property;
};
const defineAll = (object: object, all: object): object => {
  const keys = ownKeys(all);
  for (let i = 0; i < keys.length; i++) define(object, keys[i]!, plainDescriptor((all as Keyed)[keys[i]!] as object));
  return object;
};

/** A copy of a namespace, some of its members replaced. */
function like(namespace: object, others: Keyed): Keyed {
  const copy = bare(namespace);
  for (const [key, value] of entriesOf(others)) define(copy, key, { value });
  return copy;
}

const object = like(Object, {
  defineProperty: (target: object, key: PropertyKey, property: object) => define(target, key, plainDescriptor(property)),
  defineProperties: defineAll,
  create: (proto: object | null, all?: object) => (all === undefined ? create(proto) : defineAll(create(proto) as object, all)),
  getOwnPropertyDescriptor: describe,
  getOwnPropertyDescriptors: (target: object) => {
    const all = {} as Keyed;
    const keys = ownKeys(target);
    for (let i = 0; i < keys.length; i++)
      define(all, keys[i]!, plainDescriptor({ value: describe(target, keys[i]!), writable: true, enumerable: true, configurable: true }));
    return all;
  },
  fromEntries: (pairs: unknown) => {
    const made = {};
    for (const pair of of(pairs) as Iterable<[PropertyKey, unknown]>)
      define(made, pair[0], plainDescriptor({ value: pair[1], writable: true, enumerable: true, configurable: true }));
    return made;
  },
});
const reflect = like(Reflect, {
  defineProperty: (target: object, key: PropertyKey, property: object) => defineProperty(target, key, plainDescriptor(property)),
  getOwnPropertyDescriptor: (target: object, key: PropertyKey) => describe(target, key),
});
const arrayOf = (iterable: unknown, map?: (value: unknown, index: number) => unknown): unknown[] => {
  const counted =
    typeof iterable === 'object' && iterable !== null && !isArray(iterable) && hasOwn(iterable, 'length') && !isView(iterable);
  let values: unknown[];
  if (counted) {
    values = [];
    for (let i = 0; i < (iterable as unknown[]).length; i++) put(values, (iterable as unknown[])[i]);
  } else values = list(iterable);
  return map === undefined ? values : (onArrays['map']!(values as never, map as never) as unknown[]);
};

/** `namespaces.Object.keys` is Object.keys. */
const namespaces = bare({
  Object: object,
  Reflect: reflect,
  Array: like(Array, { from: arrayOf }),
  Number: bare(Number),
  String: bare(String),
  Symbol: bare(Symbol),
  BigInt: bare(BigInt),
  Math: bare(Math),
  JSON: bare(JSON),
  ArrayBuffer: bare(ArrayBuffer),
  Atomics: bare(Atomics),
  Buffer: bare(Buffer),
});

/** `constructors.Map` makes one whose methods are its own. */
const constructors = bare({ Map: SafeMap, Set: SafeSet, WeakMap: SafeWeakMap, WeakSet: SafeWeakSet });

const GLOBALS = [
  'Object Array Number String Boolean Symbol BigInt Math JSON Reflect Proxy Promise RegExp Map Set WeakMap WeakSet',
  'Error TypeError RangeError SyntaxError ReferenceError EvalError URIError AggregateError',
  'ArrayBuffer SharedArrayBuffer DataView Atomics Buffer Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array',
  'Float32Array Float64Array BigInt64Array BigUint64Array parseInt parseFloat isNaN isFinite encodeURIComponent decodeURIComponent',
]
  .join(' ')
  .split(' ');
/** The globals themselves. */
const globals = { __proto__: null } as unknown as Keyed;
for (const name of GLOBALS) globals[name] = (globalThis as Keyed)[name];

/** Defaults of options: nothing, inherited from nobody. */
const none = freeze({ __proto__: null });

export { constructors, getters, globals, methods, namespaces, none, of, optional };
