/**
 * What a program hands to native code: arguments, and what its callbacks return. Both modes walk it in the same order, to
 * number what native code may hand back later; record mode also puts its own functions in the place of the program's.
 *
 * Invariant: no getter and no proxy trap of the program's runs here. What the program handed over is never changed: where a
 * function inside of a plain object has to be replaced, native code gets a copy.
 */
import { types } from 'node:util';
import type { AnyFunction } from '../host';
import { isOwnSymbol } from './forms';

const { isProxy, isAnyArrayBuffer, isPromise } = types;
const { getPrototypeOf, getOwnPropertyDescriptor, getOwnPropertyDescriptors, create, keys } = Object;
const { defineProperty, ownKeys } = Reflect;
const { isArray } = Array;
const { isView } = ArrayBuffer;
const objectProto = Object.prototype;

/** How deep containers are looked into. */
const DEPTH = 6;

export type Bytes = ArrayBufferView | ArrayBuffer;

/** What was found among the arguments of a call. */
export class Given {
  readonly views: Bytes[] = [];
  /** Plain objects, arrays and instances of the program's classes, as native code has them. */
  readonly objects: object[] = [];
  readonly functions: AnyFunction[] = [];
  /** Functions and accessors met so far. */
  met = 0;
  readonly seen = new Set<object>();
}

export interface Inside {
  numberOf(object: object): number;
  /** What native code gets for a function. program: it is the program's, not one that native code made. */
  functionIn(fn: AnyFunction): { readonly fn: AnyFunction; readonly program: boolean };
  /** What native code gets for any other object. */
  objectIn(object: object): object;
  /** Native code gets a symbol of the program's own. Returns its number among symbols. */
  symbolIn(symbol: symbol): number;
  /** Native code gets `copy` in the place of `object`. */
  copied(object: object, copy: object): void;
  /** There are functions of the program in this plain object or array: it is always named by its number. */
  hasFunctions(object: object): void;
}

/** Puts what native code is to get in the place of each argument. Undefined if there are primitives only. */
export function takeIn(args: IArguments | unknown[], inside: Inside): Given | undefined {
  let given: Given | undefined;
  for (let i = 0; i < args.length; i++) {
    const value: unknown = args[i];
    if (isOwnSymbol(value)) inside.symbolIn(value);
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) continue;
    given ??= new Given();
    const taken = take(value, inside, given, 0);
    if (taken !== value) args[i] = taken;
  }
  return given;
}

function take(value: object, inside: Inside, given: Given, depth: number): object {
  if (typeof value === 'function') {
    given.met++;
    const { fn, program } = inside.functionIn(value as AnyFunction);
    if (program) given.functions.push(value as AnyFunction);
    return fn;
  }
  inside.numberOf(value);
  if (isProxy(value)) return inside.objectIn(value);
  if (isView(value) || isAnyArrayBuffer(value)) {
    given.views.push(value as Bytes);
    return value;
  }
  const within = inside.objectIn(value);
  if (within !== value || depth > DEPTH || isPromise(value)) return within;
  const array = isArray(value);
  const proto = getPrototypeOf(value) as unknown;
  if (!array && proto !== objectProto && proto !== null) {
    if (depth === 0) given.objects.push(value);
    return value;
  }
  if (depth > 0) {
    if (given.seen.has(value)) return value;
    given.seen.add(value);
  }
  const { met } = given;
  const taken = array ? takeElements(value as unknown[], inside, given, depth) : takeProperties(value, inside, given, depth);
  if (taken !== value) inside.copied(value, taken);
  if (given.met !== met) inside.hasFunctions(value);
  if (depth === 0) given.objects.push(taken);
  return taken;
}

function takeElements(array: unknown[], inside: Inside, given: Given, depth: number): unknown[] {
  let copy: unknown[] | undefined;
  for (let i = 0; i < array.length; i++) {
    const element = array[i];
    if ((typeof element !== 'object' && typeof element !== 'function') || element === null) continue;
    const taken = take(element, inside, given, depth + 1);
    if (taken === element) continue;
    copy ??= array.slice();
    copy[i] = taken;
  }
  return copy ?? array;
}

function takeProperties(object: object, inside: Inside, given: Given, depth: number): object {
  let copy: object | undefined;
  const replace = (key: string, property: PropertyDescriptor): void => {
    copy ??= create(getPrototypeOf(object) as object | null, getOwnPropertyDescriptors(object)) as object;
    defineProperty(copy, key, { ...property, configurable: true });
  };
  const names = keys(object);
  for (let i = 0; i < names.length; i++) {
    const key = names[i];
    const property = getOwnPropertyDescriptor(object, key)!;
    const value: unknown = property.value;
    if (property.get !== undefined) {
      given.met++;
      const get = inside.functionIn(property.get);
      const set = property.set === undefined ? undefined : inside.functionIn(property.set);
      if (get.fn !== property.get) replace(key, { ...property, get: get.fn, set: set?.fn });
    } else if ((typeof value === 'object' && value !== null) || typeof value === 'function') {
      const taken = take(value, inside, given, depth + 1);
      if (taken !== value) replace(key, { ...property, value: taken });
    }
  }
  return copy ?? object;
}

/** Whether an object has own properties at all. */
export const isBare = (object: object): boolean => ownKeys(object).length === 0;
