/**
 * Instances whose own properties native code changes at any time (accessors of V8's templates look like data: an open
 * database's `open`). The program gets a proxy on which reading such a property is a crossing. Both modes.
 *
 * Invariant: the keys of what native code made are fixed when the proxy is made; what the program adds is its own.
 */
const { defineProperty, get, getOwnPropertyDescriptor, ownKeys } = Reflect;

/** ask: the crossing that reads own property `key`. */
export function liveInstance(target: object, ask: (key: string) => unknown): object {
  const keys = new Set<string | symbol>();
  for (const key of ownKeys(target)) {
    const property = getOwnPropertyDescriptor(target, key)!;
    if (typeof key === 'string' && isChangeable(property)) keys.add(key);
  }
  return new Proxy(target, {
    get(object, key, receiver) {
      return keys.has(key) ? ask(key as string) : (get(object, key, receiver) as unknown);
    },
    getOwnPropertyDescriptor(object, key) {
      const property = getOwnPropertyDescriptor(object, key);
      if (property !== undefined && keys.has(key)) property.value = ask(key as string);
      return property;
    },
    set(object, key, value, receiver) {
      // The program takes the property over.
      keys.delete(key);
      return Reflect.set(object, key, value, receiver);
    },
    deleteProperty(object, key) {
      keys.delete(key);
      return Reflect.deleteProperty(object, key);
    },
    defineProperty(object, key, property) {
      keys.delete(key);
      return defineProperty(object, key, property);
    },
  });
}

export function isChangeable(property: PropertyDescriptor): boolean {
  return (property.writable === true || property.configurable === true) && 'value' in property && typeof property.value !== 'function';
}
