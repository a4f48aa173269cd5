/**
 * Makes at replay what describe.ts wrote down: functions that answer from the trace, classes, instances, namespaces.
 *
 * Used by the replaying membrane. Invariant: nothing of the addon is loaded; what a definition does not name is a plain object.
 */
import { speakFor } from '../disguise';
import type { AnyFunction, Members } from '../host';
import { Attribute, Flag, keyOfText, Kind, namedValue, Tree } from './forms';
import { liveInstance } from './live';

const { setPrototypeOf, preventExtensions } = Object;
const { defineProperty } = Reflect;
const { isArray } = Array;

/** What the builder needs of the replaying membrane. */
export interface Stubs {
  /** A function that answers from the trace. */
  stub(site: string, name: string, method: boolean): AnyFunction;
  objectOf(number: number): object | undefined;
  adopt(object: object, number: number): void;
  promise(number: number): Promise<unknown>;
  symbolOf(number: number, description: string | undefined): symbol;
  /** Reads own properties of the live instance with that number. */
  reader(className: string, number: number): () => unknown;
  /** Native code gets a function of the program. */
  given(fn: object): void;
  /** The recording names something that is not there. */
  missing(what: string): never;
}

type Definition = [number, Kind, ...unknown[]];

/** Makes the objects of an event. Shells first, because definitions may go round in circles. */
export function build(definitions: unknown, stubs: Stubs): void {
  const all = definitions as Definition[];
  const shells = all.map((definition) => shell(definition, stubs));
  all.forEach((definition, i) => {
    if (definition[1] !== Kind.Promise) fill(shells[i], definition, stubs);
  });
}

/** The object to define, bare; for a live instance what is behind its proxy. */
function shell([number, kind, , properties, ...rest]: Definition, stubs: Stubs): object {
  const known = stubs.objectOf(number);
  if (known !== undefined) return known;
  switch (kind) {
    case Kind.Function: {
      const [flags, site, text, prototype] = rest as [number, string, string, number];
      const stub = stubs.stub(site, nameAmong(properties as unknown[][]), (flags & Flag.Method) !== 0);
      speakFor(stub, text);
      stubs.adopt(stub, number);
      if (prototype !== 0) stubs.adopt(stub.prototype as object, prototype);
      return stub;
    }
    case Kind.Array:
      return adopted([], number, stubs);
    case Kind.Promise:
      return stubs.promise(number);
    case Kind.Error:
      return adopted(new Error(rest[0] as string), number, stubs);
    default: {
      const target = {};
      // The proxy of a live one is made when the keys are there.
      if (((rest[0] as number) & Flag.Live) === 0) stubs.adopt(target, number);
      return target;
    }
  }
}

/** The `name` of a function that is being defined. */
function nameAmong(properties: readonly unknown[][]): string {
  const name = properties.find(([key]) => key === 'name')?.[2];
  return typeof name === 'string' ? name : '';
}

function adopted(object: object, number: number, stubs: Stubs): object {
  stubs.adopt(object, number);
  return object;
}

function fill(object: object, [number, kind, prototype, properties, flags, path, names]: Definition, stubs: Stubs): void {
  setPrototypeOf(object, fromTree(prototype, stubs) as object | null);
  for (const property of properties as unknown[][]) addProperty(object, property, stubs);
  if (kind !== Kind.Object) return;
  if (((flags as number) & Flag.Closed) !== 0) preventExtensions(object);
  if (((flags as number) & Flag.Live) === 0 || stubs.objectOf(number) !== undefined) return;
  const given = (fn: object): object => {
    stubs.given(fn);
    return fn;
  };
  const callbacks = { names: new Set(names as string[]), inside: given, outside: (fn: object) => fn };
  stubs.adopt(liveInstance(object, stubs.reader(path as string, number), callbacks), number);
}

export function addProperty(object: object, [text, attributes, first, second]: unknown[], stubs: Stubs): void {
  const bits = attributes as number;
  const shape = {
    enumerable: (bits & Attribute.Enumerable) !== 0,
    configurable: (bits & Attribute.Configurable) !== 0,
  };
  const key = keyOfText(text as string, bits);
  defineProperty(
    object,
    key,
    (bits & Attribute.Accessor) !== 0
      ? { ...shape, get: fromTree(first, stubs) as () => unknown, set: fromTree(second, stubs) as (value: unknown) => void }
      : { ...shape, writable: (bits & Attribute.Writable) !== 0, value: fromTree(first, stubs) },
  );
}

export function fromTree(tree: unknown, stubs: Stubs): unknown {
  if (!isArray(tree)) return tree;
  switch (tree[0] as Tree) {
    case Tree.Data:
      return tree[1];
    case Tree.Named:
      return namedValue(tree[1] as string) ?? stubs.missing(`${tree[1] as string}, which this Node does not have`);
    case Tree.Symbol:
      return stubs.symbolOf(tree[1] as number, tree[2] as string | undefined);
    default:
      return stubs.objectOf(tree[1] as number) ?? stubs.missing(`the native object ${tree[1] as number}, which is gone`);
  }
}

/** Makes `old` equal to `fresh`, in place where that can be: native code handed out the same object again. */
export function refresh(old: object, fresh: object): void {
  if (ArrayBuffer.isView(old) || old instanceof ArrayBuffer) {
    const [to, from] = [bytes(old), bytes(fresh as ArrayBufferView)];
    if (to.length === from.length) to.set(from);
    return;
  }
  const [target, source] = [old as Members, fresh as Members];
  if (isArray(old)) old.length = (fresh as unknown[]).length;
  for (const key of Object.keys(target)) if (!Object.hasOwn(source, key)) Reflect.deleteProperty(target, key);
  for (const key of Object.keys(source)) {
    const [now, then] = [source[key], target[key]] as [unknown, unknown];
    if (Object.is(now, then)) continue;
    if (isContainer(now) && isContainer(then) && isArray(now) === isArray(then)) refresh(then, now);
    else defineProperty(target, key, { value: now, writable: true, enumerable: true, configurable: true });
  }
}

function isContainer(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (isArray(value) || ArrayBuffer.isView(value)) return true;
  const proto = Object.getPrototypeOf(value) as unknown;
  return proto === Object.prototype || proto === null;
}

function bytes(view: ArrayBufferView | ArrayBuffer): Uint8Array {
  return ArrayBuffer.isView(view) ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array(view);
}
