/**
 * Instances whose own properties native code changes at any time (accessors of V8's templates look like data: an open
 * database's `open`). The program gets a proxy on which reading such a property is a crossing. Both modes.
 *
 * Invariant: the keys of what native code made are fixed when the proxy is made; what the program adds is its own.
 */
const { defineProperty, get, getOwnPropertyDescriptor, ownKeys } = Reflect;

/** How functions of the program that native code finds in properties of an instance are exchanged. */
export interface CallbackProperties {
  readonly names: ReadonlySet<string | symbol>;
  /** What native code finds. */
  inside(fn: object): object;
  /** What the program finds. */
  outside(fn: object): object;
}

/** ask: the crossing that reads own property `key`. */
export function liveInstance(target: object, ask: (key: string) => unknown, callbacks?: CallbackProperties): object {
  const keys = new Set<string | symbol>();
  for (const key of ownKeys(target)) {
    const property = getOwnPropertyDescriptor(target, key)!;
    if (typeof key === 'string' && isChangeable(property)) keys.add(key);
  }
  const taken = (key: string | symbol, value: unknown): unknown => {
    // The program takes the property over.
    keys.delete(key);
    return typeof value === 'function' && callbacks?.names.has(key) === true ? callbacks.inside(value) : value;
  };
  const shown = (key: string | symbol, value: unknown): unknown =>
    typeof value === 'function' && callbacks?.names.has(key) === true ? callbacks.outside(value) : value;
  return new Proxy(target, {
    get(object, key, receiver) {
      return keys.has(key) ? ask(key as string) : shown(key, get(object, key, receiver));
    },
    getOwnPropertyDescriptor(object, key) {
      const property = getOwnPropertyDescriptor(object, key);
      if (property !== undefined && 'value' in property) property.value = keys.has(key) ? ask(key as string) : shown(key, property.value);
      return property;
    },
    set(object, key, value, receiver) {
      // Ends in defineProperty, unless there is a setter.
      keys.delete(key);
      return Reflect.set(object, key, value, receiver);
    },
    deleteProperty(object, key) {
      keys.delete(key);
      return Reflect.deleteProperty(object, key);
    },
    defineProperty(object, key, property) {
      return defineProperty(object, key, 'value' in property ? { ...property, value: taken(key, property.value) as unknown } : property);
    },
  });
}

/** A property that may read differently without the program having touched it, and that no stand-in can be put in front of. */
export function isChangeable(property: PropertyDescriptor): boolean {
  if (!('value' in property)) return property.configurable !== true;
  return (property.writable === true || property.configurable === true) && typeof property.value !== 'function';
}
