/**
 * What a native binding is made of, member by member: the one reading of a binding that the guard, the inventories
 * (inventory.ts, scripts/inventory.mjs) and the tests share.
 *
 * Invariant: reads properties' descriptors only; no accessor runs and nothing is called.
 */
import type { AnyFunction, Members } from './host';

/** `static` is a function on a class, `accessor` a native getter or setter of the instances of a class, or of the binding. */
export type Kind = 'function' | 'class' | 'method' | 'static' | 'accessor';

export interface Member {
  /** `function`, `object.function`, `Class`, `Class.member`, `Class.static`. */
  readonly path: string;
  readonly kind: Kind;
  /** Where a replacement goes: for inherited members the class's own prototype, because what it inherits is shared. */
  readonly holder: Members;
  readonly name: string;
  /** The function, an accessor's getter, or its setter if there is none. */
  readonly value: AnyFunction;
}

const { getOwnPropertyDescriptor, getOwnPropertyNames, getPrototypeOf } = Object;

/** What every function has of its own. */
const OF_FUNCTIONS: ReadonlySet<string> = new Set(['length', 'name', 'prototype', 'arguments', 'caller']);

/** Members of a binding by path. Methods and accessors that a class inherits from other native classes are its own. */
export function membersOf(binding: Members): Map<string, Member> {
  const members = new Map<string, Member>();
  const add = (path: string, kind: Kind, holder: Members, name: string, value: AnyFunction): void => {
    if (!members.has(path)) members.set(path, { path, kind, holder, name, value });
  };
  for (const name of getOwnPropertyNames(binding)) {
    const property = getOwnPropertyDescriptor(binding, name)!;
    const value = property.value as unknown;
    if (property.get !== undefined || property.set !== undefined) add(name, 'accessor', binding, name, (property.get ?? property.set)!);
    else if (typeof value === 'function') addFunction(name, binding, name, value as AnyFunction, add);
    else if (isPlain(value))
      for (const inner of getOwnPropertyNames(value)) {
        const one: unknown = getOwnPropertyDescriptor(value, inner)!.value;
        if (typeof one === 'function') add(`${name}.${inner}`, 'function', value, inner, one as AnyFunction);
      }
  }
  return members;
}

type Add = (path: string, kind: Kind, holder: Members, name: string, value: AnyFunction) => void;

function addFunction(path: string, holder: Members, name: string, value: AnyFunction, add: Add): void {
  const prototype = value.prototype as Members | undefined;
  // Older versions of V8 give native functions prototypes too: a class is one by its name.
  if (!/^[A-Z]/.test(name) || typeof prototype !== 'object' || prototype === null) {
    add(path, 'function', holder, name, value);
    return;
  }
  add(path, 'class', holder, name, value);
  for (const inner of getOwnPropertyNames(value)) {
    const property = getOwnPropertyDescriptor(value, inner)!;
    if (!OF_FUNCTIONS.has(inner) && typeof property.value === 'function')
      add(`${path}.${inner}`, 'static', value as unknown as Members, inner, property.value as AnyFunction);
  }
  for (let at: Members | null = prototype; at !== null && getPrototypeOf(at) !== null; at = getPrototypeOf(at) as Members | null)
    for (const inner of getOwnPropertyNames(at)) {
      const property = getOwnPropertyDescriptor(at, inner)!;
      // On Node 20 `onread` is a native property that looks like data: the callback that it was given last shows on the prototype.
      if (inner === 'constructor' || (inner === 'onread' && typeof property.value === 'function')) continue;
      if (property.get !== undefined || property.set !== undefined)
        add(`${path}.${inner}`, 'accessor', prototype, inner, (property.get ?? property.set)!);
      else if (typeof property.value === 'function') add(`${path}.${inner}`, 'method', prototype, inner, property.value as AnyFunction);
    }
}

function isPlain(value: unknown): value is Members {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = getPrototypeOf(value) as object | null;
  return prototype === null || getPrototypeOf(prototype) === null;
}
