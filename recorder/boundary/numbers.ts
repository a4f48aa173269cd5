/**
 * Numbers of native objects. A number lives in a private field put on the object itself: nothing the program can list, no map
 * to look up on the way of every crossing, and no reference that would keep the object alive.
 *
 * Invariant: numbers are given in the order of first crossings, which is the same in both modes.
 */
import { types } from 'node:util';

const { isExternal } = types;
/** V8 dies of a private field on an external of Node 24: their numbers are kept aside, once there are any. */
let externals: WeakMap<object, number> | undefined;

class Identity {
  constructor(object: object) {
    return object;
  }
}

class Numbered extends Identity {
  #number: number;

  constructor(object: object, handle: number) {
    super(object);
    this.#number = handle;
  }

  static read(object: object): number {
    if (#number in object) return (object as Numbered).#number;
    return externals === undefined ? 0 : (externals.get(object) ?? 0);
  }

  static write(object: object, handle: number): void {
    if (#number in object) (object as Numbered).#number = handle;
    else if (isExternal(object)) (externals ??= new WeakMap()).set(object, handle);
    else new Numbered(object, handle);
  }
}

/** The number of an object, 0 if it has none. */
export const readNumber = Numbered.read;
/** Gives an object a number. Works on any object, frozen ones and proxies included. */
export const writeNumber = Numbered.write;
