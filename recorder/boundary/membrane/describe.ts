/**
 * Writes down what native code hands out that is no plain data: functions, classes, instances, namespaces. On the way
 * its functions get their stand-ins: in place where that can be, or on a copy that the program gets instead.
 *
 * Used by the recording membrane. Invariant: a definition names everything that build.ts needs to make an object that looks the
 * same: prototype, own properties in order with their attributes, text of functions.
 */
import { types } from 'node:util';
import type { AnyFunction } from '../host';
import { isOwnSymbol, attributesOf, Attribute, Flag, isPlainData, Kind, nameOf, nameOfGlobalClass, textOfKey, Tree } from './forms';

const { getPrototypeOf, setPrototypeOf, getOwnPropertyDescriptor, getOwnPropertyDescriptors, create, isExtensible } = Object;
const { defineProperty, ownKeys } = Reflect;
const { isArray } = Array;
const functionText = Function.prototype.call.bind(Function.prototype.toString) as (fn: AnyFunction) => string;

/** What the describer needs of the recording membrane. */
export interface Natives {
  numberOf(object: object): number;
  symbolIn(symbol: symbol): number;
  /** Both modes have it under its number. */
  isKnown(object: object): boolean;
  /** They had it before this event, so that the codec can name it. */
  readonly isOld: (object: object) => boolean;
  /** It gets its number from a definition. */
  hold(object: object): void;
  /** What the program has in the place of a native object, if that is something else. */
  outsideOf(object: object): object;
  /** Makes the stand-in of a native function; name: of its crossing. */
  standIn(native: AnyFunction, name: string, method: boolean): AnyFunction;
  /** The program gets `outside` in the place of `native`. */
  putOutside(native: object, outside: object): void;
  /** Whether the program has to get a proxy for this instance: see live.ts. */
  isLive(object: object): boolean;
  /** Makes it. callbacks: names of properties in which native code looks for functions. */
  live(object: object, className: string): object;
  callbacksOf(object: object): readonly string[];
  /** Begins to follow a promise; what the program gets for it. */
  follow(promise: Promise<unknown>): Promise<unknown>;
  /** A class has been met. */
  classMet(prototype: object, className: string): void;
}

export class Description {
  readonly definitions: unknown[][] = [];

  /** label: the first word of the names of crossings. */
  constructor(
    private readonly natives: Natives,
    private readonly label: string,
  ) {}

  /** path: what leads to the value from the exports, for names. */
  tree(value: unknown, path: string): unknown {
    if (typeof value === 'symbol' && Symbol.keyFor(value) === undefined)
      return isOwnSymbol(value) ? [Tree.Symbol, this.natives.symbolIn(value), value.description] : [Tree.Named, nameOf(value) ?? ''];
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return value;
    const { natives } = this;
    const outside = natives.outsideOf(value);
    if (natives.isKnown(outside)) return [Tree.Ref, natives.numberOf(outside)];
    const name = nameOf(value);
    if (name !== undefined) return [Tree.Named, name];
    if (types.isPromise(value)) {
      const followed = natives.follow(value);
      const number = natives.numberOf(followed);
      this.definitions.push([number, Kind.Promise]);
      return [Tree.Ref, number];
    }
    if (isPlainData(value, natives.isOld)) return [Tree.Data, value];
    return [Tree.Ref, typeof value === 'function' ? this.func(value as AnyFunction, path, false) : this.object(value, path)];
  }

  /** Defines a native function, and the class it may be. Returns its number. */
  private func(native: AnyFunction, path: string, method: boolean): number {
    const { natives } = this;
    const site = `${this.label}.${path === '' ? 'exports' : path}`;
    const stand = natives.standIn(native, site, method);
    const number = this.begin(stand);
    const prototype = method ? undefined : (getOwnPropertyDescriptor(native, 'prototype')?.value as object | undefined);
    let plainPrototype = 0;
    if (typeof prototype === 'object' && prototype !== null) {
      if (isPlainPrototype(prototype)) {
        plainPrototype = this.begin(prototype);
        defineProperty(prototype, 'constructor', { value: stand });
        defineProperty(stand, 'prototype', { value: prototype });
      } else {
        const own = this.prototypeFor(prototype, path);
        defineProperty(stand, 'prototype', { value: own });
        // Native code asks whether something is an instance, and makes instances itself.
        if (own !== prototype) Reflect.set(native, 'prototype', own);
      }
    }
    const parent = getPrototypeOf(native) as object | null;
    this.patch(stand, path, false);
    for (const key of ownKeys(native))
      if (key !== 'prototype' && getOwnPropertyDescriptor(stand, key)?.configurable === true)
        defineProperty(stand, key, { configurable: getOwnPropertyDescriptor(native, key)!.configurable === true });
    const proto = this.prototypeTree(parent, path);
    const outside = parent === null ? null : natives.outsideOf(parent);
    if (getPrototypeOf(stand) !== outside) setPrototypeOf(stand, outside);
    const properties = this.properties(stand, path, plainPrototype === 0 ? undefined : 'prototype');
    this.define(number, Kind.Function, proto, properties, method ? Flag.Method : 0, site, functionText(native), plainPrototype);
    return number;
  }

  /** The prototype that instances of a class get: the native one with stand-ins, or one like it where it is fixed. */
  private prototypeFor(native: object, path: string): object {
    const { natives } = this;
    const known = natives.outsideOf(native);
    if (known !== native || natives.isKnown(native)) return known;
    let own = native;
    if (!isPatchable(native)) {
      own = create(getPrototypeOf(native) as object | null) as object;
      for (const key of ownKeys(native)) defineProperty(own, key, { ...getOwnPropertyDescriptor(native, key)!, configurable: true });
      natives.putOutside(native, own);
    }
    const attributes = getOwnPropertyDescriptors(native);
    const number = this.begin(own);
    this.patch(own, path, true);
    if (own !== native)
      for (const key of ownKeys(native)) if (!attributes[key as string].configurable) defineProperty(own, key, { configurable: false });
    this.define(
      number,
      Kind.Object,
      this.prototypeTree(getPrototypeOf(native) as object | null, path),
      this.properties(own, path),
      0,
      path,
      [],
    );
    natives.classMet(own, path);
    return own;
  }

  private prototypeTree(proto: object | null, path: string): unknown {
    if (proto === null) return null;
    const name = nameOf(proto);
    if (name !== undefined) return [Tree.Named, name];
    if (typeof proto === 'function') return this.tree(proto, proto.name || path);
    const constructor = getOwnPropertyDescriptor(proto, 'constructor')?.value as unknown;
    if (typeof constructor === 'function' && !this.natives.isKnown(proto) && isJavaScript(constructor)) {
      // Not native code's, so not to be touched. A replay has it if everybody can reach it.
      const global = nameOfGlobalClass(constructor);
      return [Tree.Named, global === undefined ? 'Object.prototype' : `${global}.prototype`];
    }
    const { natives } = this;
    const own = this.prototypeFor(proto, classNameOf(proto) ?? path);
    return [Tree.Ref, natives.numberOf(own)];
  }

  private object(value: object, path: string): number {
    const { natives } = this;
    const proto = getPrototypeOf(value) as object | null;
    if (isArray(value)) {
      const number = this.begin(value);
      this.patch(value, path, false);
      this.define(number, Kind.Array, this.prototypeTree(proto, path), this.properties(value, path));
      return number;
    }
    const className = proto === null || nameOf(proto) !== undefined ? undefined : classNameOf(proto);
    const inherited = this.prototypeTree(proto, className ?? path);
    const outsideProto = proto === null ? null : natives.outsideOf(proto);
    if (outsideProto !== proto) setPrototypeOf(value, outsideProto);
    let own = value;
    if (!isPatchable(value)) {
      // A namespace with fixed functions. Instances keep what cannot be changed: native code knows them by identity.
      if (nameOf(proto) === 'Object.prototype' || proto === null) {
        own = create(proto) as object;
        for (const key of ownKeys(value)) defineProperty(own, key, { ...getOwnPropertyDescriptor(value, key)!, configurable: true });
        natives.putOutside(value, own);
      }
    }
    const live = own === value && natives.isLive(value);
    if (live) own = natives.live(value, className ?? path);
    const number = this.begin(own);
    if (types.isNativeError(value)) {
      this.patch(value, className ?? path, true);
      this.define(
        number,
        Kind.Error,
        inherited,
        this.properties(value, path, 'stack'),
        String(getOwnPropertyDescriptor(value, 'message')?.value ?? ''),
      );
      return number;
    }
    const attributes = own === value || live ? undefined : getOwnPropertyDescriptors(value);
    this.patch(live ? value : own, className ?? path, className !== undefined);
    if (attributes !== undefined)
      for (const key of ownKeys(own)) if (!attributes[key as string].configurable) defineProperty(own, key, { configurable: false });
    const flags = (live ? Flag.Live : 0) | (isExtensible(value) ? 0 : Flag.Closed);
    const properties = this.properties(live ? value : own, path);
    this.define(number, Kind.Object, inherited, properties, flags, className ?? path, live ? natives.callbacksOf(value) : []);
    return number;
  }

  /** Puts stand-ins in the place of native functions among the own properties. */
  private patch(object: object, path: string, methods: boolean): void {
    const { natives } = this;
    for (const key of ownKeys(object)) {
      const property = getOwnPropertyDescriptor(object, key)!;
      if ((property.configurable !== true && property.writable !== true) || isOwnSymbol(key)) continue;
      const name = join(path, textOfKey(key) ?? 'symbol');
      if (property.get !== undefined || property.set !== undefined) {
        if (property.configurable !== true) continue;
        // Getters and setters are methods of whatever they stand on.
        const get = property.get === undefined ? undefined : this.standInOf(property.get, name);
        const set = property.set === undefined ? undefined : this.standInOf(property.set, `${name}=`);
        if (get !== property.get || set !== property.set) defineProperty(object, key, { ...property, get, set });
        continue;
      }
      const value: unknown = property.value;
      if (typeof value === 'function' && nameOf(value) === undefined) {
        if (!natives.isKnown(natives.outsideOf(value)))
          this.func(value as AnyFunction, methods || key !== 'constructor' ? name : path, methods && key !== 'constructor');
      } else if (typeof value === 'object' && value !== null) {
        this.tree(value, name);
      } else continue;
      const outside = natives.outsideOf(value);
      if (outside !== value) defineProperty(object, key, { ...property, value: outside });
    }
  }

  private standInOf(native: AnyFunction, name: string): AnyFunction {
    const known = this.natives.outsideOf(native);
    if (known !== native || this.natives.isKnown(native)) return known as AnyFunction;
    this.func(native, name, true);
    return this.natives.outsideOf(native) as AnyFunction;
  }

  private properties(object: object, path: string, except?: string): unknown[] {
    const properties: unknown[] = [];
    for (const key of ownKeys(object)) {
      if (key === except) continue;
      const saved = this.property(object, key, path);
      if (saved !== undefined) properties.push(saved);
    }
    return properties;
  }

  /** One own property as forms.ts has it, undefined for a symbol that cannot be found again. */
  property(object: object, key: string | symbol, path: string): unknown[] | undefined {
    const text = textOfKey(key);
    if (text === undefined) return undefined;
    const property = getOwnPropertyDescriptor(object, key)!;
    const attributes = attributesOf(property, key);
    if ((attributes & Attribute.Accessor) !== 0) return [text, attributes, this.tree(property.get, text), this.tree(property.set, text)];
    return [text, attributes, this.tree(property.value, join(path, text))];
  }

  private begin(object: object): number {
    this.natives.hold(object);
    return this.natives.numberOf(object);
  }

  private define(number: number, kind: Kind, ...rest: unknown[]): void {
    this.definitions.push([number, kind, ...rest]);
  }
}

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

const isJavaScript = (fn: object): boolean => !functionText(fn as AnyFunction).endsWith('{ [native code] }');

/** What every function has as its `prototype`. */
function isPlainPrototype(prototype: object): boolean {
  const own = getOwnPropertyDescriptor(prototype, 'constructor');
  return own?.configurable === true && ownKeys(prototype).length === 1 && getPrototypeOf(prototype) === Object.prototype;
}

/** Whether every function and accessor among the own properties can be replaced in place. */
function isPatchable(object: object): boolean {
  for (const key of ownKeys(object)) {
    const property = getOwnPropertyDescriptor(object, key)!;
    if (property.configurable === true) continue;
    if (property.get !== undefined || property.set !== undefined) return false;
    if (typeof property.value === 'function' && property.writable !== true) return false;
  }
  return isExtensible(object) || !hasFunctions(object);
}

function hasFunctions(object: object): boolean {
  return ownKeys(object).some((key) => typeof getOwnPropertyDescriptor(object, key)!.value === 'function');
}

/** The name of the class that a prototype belongs to. */
export function classNameOf(prototype: object): string | undefined {
  const value = getOwnPropertyDescriptor(prototype, 'constructor')?.value as { name?: unknown } | undefined;
  if (typeof value !== 'function') return undefined;
  const name = getOwnPropertyDescriptor(value, 'name')?.value as unknown;
  return typeof name === 'string' && name !== '' ? name : undefined;
}
