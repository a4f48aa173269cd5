/**
 * Functions of the boundary that stand where the program can see them (Date, Math.random, process.reallyExit) look like what
 * they replace: name, length, own properties and the text Function.prototype.toString gives.
 *
 * Invariant: installed in both modes, before anything else is replaced.
 */
import type { AnyFunction, Members } from './host';

const disguised = new WeakMap<object, AnyFunction | string>();
const { apply, getOwnPropertyDescriptor, defineProperty, ownKeys } = Reflect;
const nativeToString = Function.prototype.toString;

/** Makes Function.prototype.toString answer for a stand-in with the text of the function it stands for. */
export function installDisguise(): void {
  const lookUp = WeakMap.prototype.get.bind(disguised) as (key: object) => AnyFunction | string | undefined;
  // Not the native one: at replay the interpreter has its own in place.
  const below = Function.prototype.toString;
  const stand = {
    toString(this: unknown): string {
      const known = typeof this === 'function' ? lookUp(this) : undefined;
      return typeof known === 'string' ? known : (apply(below, known ?? this, []) as string);
    },
  }.toString;
  disguise(stand, nativeToString);
  defineProperty(Function.prototype, 'toString', { value: stand, writable: true, enumerable: false, configurable: true });
}

/** Gives `standIn` the own properties of `original`, and its text. Returns `standIn`. */
export function disguise<T extends AnyFunction>(standIn: T, original: AnyFunction): T {
  for (const key of ownKeys(standIn)) if (key !== 'prototype' && !ownKeys(original).includes(key)) Reflect.deleteProperty(standIn, key);
  for (const key of ownKeys(original)) {
    const property = getOwnPropertyDescriptor(original, key)!;
    defineProperty(standIn, key, property);
  }
  disguised.set(standIn, original);
  return standIn;
}

/** Replaces a function-valued property by a disguised stand-in; the attributes of the property stay. */
export function replace(target: Members, member: string | symbol, standIn: AnyFunction): void {
  const property = getOwnPropertyDescriptor(target, member);
  const original = target[member] as AnyFunction;
  defineProperty(target, member, {
    value: disguise(standIn, original),
    writable: property?.writable ?? true,
    enumerable: property?.enumerable ?? false,
    configurable: property?.configurable ?? true,
  });
}

/** Function.prototype.toString gives for `standIn` what it gives for `original`, or that text. */
export function speakFor(standIn: AnyFunction, original: AnyFunction | string): void {
  disguised.set(standIn, original);
}
