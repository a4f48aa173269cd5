/**
 * Built-in functions that run none of the program's code and change nothing, given the right receiver and arguments: expressions that call
 * them need no copy of the process.
 *
 * Made by inside.ts before the program starts: the functions are those of the program's realm, whatever it puts in their places later, and
 * the code that judges them lives in a realm of its own. Invariant: a call that is allowed cannot reach a getter, a proxy, a conversion
 * or a species of the program's.
 */

/** What is needed of a realm. */
export type Realm = Pick<
  typeof globalThis,
  'String' | 'Number' | 'Boolean' | 'Symbol' | 'Object' | 'Array' | 'Math' | 'Map' | 'Set' | 'JSON' | 'Uint8Array' | 'ArrayBuffer'
>;
/** Whether a call with that receiver and those arguments is harmless. */
type Check = (self: unknown, args: readonly unknown[]) => boolean;

export interface Harmless {
  call(fn: unknown, self: unknown, args: readonly unknown[]): boolean;
  /** Whether it is a built-in getter that only tells a size. */
  getter(fn: unknown): boolean;
  /** Where the methods of primitive strings and numbers are looked up. */
  readonly stringPrototype: object;
  readonly numberPrototype: object;
}

export interface Kinds {
  isProxy(value: unknown): boolean;
  isMap(value: unknown): boolean;
  isSet(value: unknown): boolean;
}

/** Units of text, or elements, that a call may go through. */
const LARGE = 1_000_000;
/** Values that JSON.stringify may go through. */
const MANY = 20_000;

const { getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;

export function harmlessCalls({ isProxy, isMap, isSet }: Kinds, realm: Realm): Harmless {
  const { Array, ArrayBuffer, Boolean, JSON, Math, Number, Object, Set, String, Symbol, Uint8Array } = realm;
  const checks = new Map<unknown, Check>();
  const allow = (holder: object, names: string, check: Check): void => {
    for (const name of names.split(' ')) {
      const found = getOwnPropertyDescriptor(holder, name)?.value as unknown;
      if (typeof found === 'function') checks.set(found, check);
    }
  };
  const primitive = (value: unknown): boolean => (typeof value !== 'object' && typeof value !== 'function') || value === null;
  /** No conversion of it throws or runs code. */
  const plain = (value: unknown): boolean => primitive(value) && typeof value !== 'symbol' && typeof value !== 'bigint';
  const small = (value: unknown): boolean => value === undefined || (typeof value === 'number' && Math.abs(value) <= LARGE);
  const onString: Check = (self, args) => typeof self === 'string' && args.every(plain);
  allow(
    String.prototype,
    'at charAt charCodeAt codePointAt concat endsWith includes indexOf lastIndexOf slice startsWith substring substr toLowerCase toUpperCase toString trim trimEnd trimStart valueOf',
    onString,
  );
  allow(
    String.prototype,
    'padEnd padStart repeat',
    (self, args) => onString(self, args) && small(args[0]) && (self as string).length < 100,
  );
  allow(Number.prototype, 'toFixed toString toPrecision valueOf', (self, args) => typeof self === 'number' && args.every(small));
  allow(realm, 'Number String parseInt parseFloat isNaN isFinite', (_self, args) => args.every(plain));
  allow(realm, 'Boolean', () => true);
  allow(Number, 'isInteger isSafeInteger isFinite isNaN', () => true);
  allow(Object, 'is', () => true);
  allow(Array, 'isArray', (_self, [value]) => !isProxy(value));
  allow(Math, 'abs ceil floor round trunc sign min max pow sqrt cbrt hypot log log2 log10 exp sin cos tan atan atan2', (_self, args) =>
    args.every((arg) => typeof arg === 'number'),
  );
  allow(Object, 'keys getOwnPropertyNames', (_self, [value]) => typeof value === 'object' && value !== null && !isProxy(value));
  allow(realm.Map.prototype, 'get has', (self) => !isProxy(self) && isMap(self));
  allow(Set.prototype, 'has', (self) => !isProxy(self) && isSet(self));
  const elements = (self: unknown, wanted: (value: unknown) => boolean): boolean => {
    if (!Array.isArray(self) || isProxy(self) || self.length > 1000) return false;
    for (let i = 0; i < self.length; i++) {
      const found = getOwnPropertyDescriptor(self, i);
      if (!found || !('value' in found) || !wanted(found.value)) return false;
    }
    return true;
  };
  allow(Array.prototype, 'at includes indexOf lastIndexOf', (self, args) => args.every(plain) && elements(self, () => true));
  allow(Array.prototype, 'join', (self, args) => args.every(plain) && elements(self, plain));

  const absent = (object: object, key: string): boolean => {
    for (let holder: object | null = object; holder !== null; holder = getPrototypeOf(holder)) {
      if (isProxy(holder) || getOwnPropertyDescriptor(holder, key)) return false;
    }
    return true;
  };
  const data = (value: unknown, budget: { left: number }, above: readonly unknown[]): boolean => {
    if (typeof value === 'bigint' || --budget.left < 0) return false;
    if (primitive(value) || typeof value === 'function') return typeof value !== 'function' || (!isProxy(value) && absent(value, 'toJSON'));
    const object = value as object;
    if (isProxy(object) || above.includes(object) || above.length > 100) return false;
    const prototype = getPrototypeOf(object);
    if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) return false;
    if (!absent(object, 'toJSON')) return false;
    const keys = ownKeys(object);
    if (Array.isArray(object) && keys.length !== object.length + 1) return false;
    for (let i = 0; i < keys.length; i++) {
      const found = getOwnPropertyDescriptor(object, keys[i]!)!;
      if (!('value' in found)) return false;
      if (found.enumerable && !data(found.value, budget, [...above, object])) return false;
    }
    return true;
  };
  /** Without a toJSON that the program has given to primitives. */
  const untouched = (): boolean => [String, Number, Boolean, Symbol].every(({ prototype }) => absent(prototype, 'toJSON'));
  allow(
    JSON,
    'stringify',
    (_self, [value, replacer, space]) =>
      (replacer === undefined || replacer === null) && plain(space) && untouched() && data(value, { left: MANY }, []),
  );

  const getters = new Map<unknown, true>();
  const size = (holder: object, names: string): void => {
    for (const name of names.split(' ')) getters.set(getOwnPropertyDescriptor(holder, name)?.get, true);
  };
  size(realm.Map.prototype, 'size');
  size(Set.prototype, 'size');
  size(getPrototypeOf(Uint8Array.prototype) as object, 'length byteLength byteOffset');
  size(ArrayBuffer.prototype, 'byteLength');
  getters.delete(undefined);

  return {
    call: (fn, self, args) => checks.get(fn)?.(self, args) === true,
    getter: (fn) => getters.has(fn),
    stringPrototype: String.prototype,
    numberPrototype: Number.prototype,
  };
}
