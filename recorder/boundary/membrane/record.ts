/**
 * The membrane around native code in record mode: every function that native code hands out has a stand-in in front, which logs
 * calls and answers; every function of the program that native code gets is wrapped, so that its calls are entries.
 *
 * Called by hooks that meet native code of other people (hooks/addons.ts). Receivers stay the real native objects, because
 * native code looks inside of them. Invariant: nothing here keeps an object alive, but promises until they are settled.
 */
/* oxlint-disable no-this-alias -- wrappers are called with a receiver of the program's */
import { types } from 'node:util';
import type { Site } from '../core';
import { replace, speakFor } from '../disguise';
import type { AnyFunction, Host, Members } from '../host';
import { handOn } from '../origins';
import type { RecordBoundary } from '../record';
import { Description, type Natives } from './describe';
import { Effect, EFFECTS, FIRST_ARGUMENT, goesByValue, INSTANCE, isNamedByCodec, isOwnSymbol, isPlainData, PROMISE, Tree } from './forms';
import { isBare, takeIn, type Given, type Inside } from './inward';
import { isChangeable, liveInstance } from './live';
import { callerIsJavaScript } from '../hooks/stacks';
import { namedFunction } from './named';
import { NO_RULES, rulesFor, type Overrides, type Rules } from './overrides';
import { BytesBefore, Watch } from './watch';

const { apply, construct, defineProperty, getOwnPropertyDescriptor, ownKeys, getPrototypeOf, setPrototypeOf, isExtensible } = Reflect;
const { isPromise, isProxy, isNativeError } = types;
const call = Function.prototype.call;
// The program may patch those of arrays.
const indexOf = call.bind(Array.prototype.indexOf) as (list: object[], item: object) => number;
const unshift = call.bind(Array.prototype.unshift) as (list: object[], item: object) => number;
const captureStackTrace = Error.captureStackTrace;

/** A promise of native code that is not settled yet, and the one the program has. */
interface Pledge {
  readonly native: Promise<unknown>;
  resolve(value: unknown): void;
  reject(reason: unknown): void;
  readonly bytes: BytesBefore[] | undefined;
}

type PromiseDetails = (promise: Promise<unknown>) => [number, unknown];

/** One addon. */
interface Area {
  /** First word of the names of its crossings. */
  readonly label: string;
  readonly overrides: Overrides;
  /** Callbacks: from the event loop, and from inside of a call. */
  readonly callback: Site;
  readonly inner: Site;
  readonly settled: Site;
  /** Native code makes an asynchronous resource, and somebody wants to know. */
  readonly init: Site;
}

export class RecordMembrane implements Inside, Natives {
  /** Whose native code ran last, or runs. */
  private area!: Area;
  /** What native code has in the place of what the program has, and the other way round. */
  private readonly insides = new WeakMap<object, object>();
  private readonly outsides = new WeakMap<object, object>();
  /** Objects that were given their number by a definition. */
  private readonly held = new WeakSet<object>();
  /** Buffers that native code may write into until it calls this function back. */
  private readonly lent = new WeakMap<object, BytesBefore[]>();
  private readonly pledges = new Map<number, Pledge>();
  private readonly promiseDetails: PromiseDetails;
  private readonly asyncIds: Float64Array;
  private readonly kCounter: number;
  /** Errors and the like are stamped with their numbers once they have been written by value. */
  private later: [object, number][] = [];
  /** The context of AsyncLocalStorage that is current, where Node keeps it beside V8; and in which a function was handed over. */
  private readonly contextFrame: () => unknown;
  private readonly contexts = new WeakMap<object, object>();
  /** Numbers from here on are given in the event that is being written. */
  private base = 0;
  /** Buffers that native code may write into whenever it likes. */
  private readonly lentForLong: BytesBefore[] = [];
  /** Prototypes that have been looked at for what native code calls on them. */
  private readonly looked = new WeakSet<object>();
  private readonly symbols = new WeakMap<object, number>();
  private symbolsMet = 0;
  /** Exports and what is in them: as receivers of functions they are not looked at. */
  private readonly namespaces = new WeakSet<object>();
  private exporting = false;
  /** What the call whose answer is being saved was given. */
  private given: Given | undefined;
  /** Prototypes of native classes. */
  private readonly classes = new WeakSet<object>();
  /** What native code calls on instances, by prototype and name: what the program has there. */
  private readonly called = new WeakMap<object, Map<string, (self: object) => unknown>>();
  private readonly classRules = new WeakMap<object, Rules>();
  /** Native code is running, called by the program. */
  private native = false;
  private watch: Watch | undefined;
  /** The async id counter when JavaScript last handed over to native code. */
  private counter = 0;
  /** What the program gets for the value that was saved last. */
  private outside: unknown;

  constructor(private readonly boundary: RecordBoundary) {
    const { host } = boundary;
    this.promiseDetails = host.internalBinding('util')['getPromiseDetails'] as PromiseDetails;
    const wrap = host.internalBinding('async_wrap');
    this.asyncIds = wrap['async_id_fields'] as Float64Array;
    this.kCounter = (wrap['constants'] as Record<string, number>)['kAsyncIdCounter'];
    this.contextFrame = contextFrameOf(host);
    this.watchResources(host);
  }

  /**
   * A hook among Node's own, where the program cannot list it, ahead of the program's and only while there are some: native code
   * tells nobody else, and Node 24 makes a resource of every microtask as soon as there is any hook.
   */
  private watchResources(host: Host): void {
    const hooks = host.requireInternal('internal/async_hooks');
    const { init_symbol } = hooks['symbols'] as Record<string, symbol>;
    const getHookArrays = hooks['getHookArrays'] as () => [object[]];
    const own = {
      [init_symbol]: (asyncId: number, type: string, trigger: number) => {
        const { boundary, area } = this;
        if (!this.native || boundary.own !== 0) return;
        boundary.logEntry(area.init, 0, [asyncId, type, trigger]);
        // The entry has the counter before it.
        this.counter = asyncId;
      },
    };
    const settle = (): void => {
      const [active] = getHookArrays();
      const at = indexOf(active, own);
      if (at === -1 && active.length > 0) unshift(active, own);
      else if (at !== -1 && active.length === 1) active.length = 0;
    };
    host.whenModule('async_hooks', (exports) => {
      const prototype = Object.getPrototypeOf((exports['createHook'] as AnyFunction)({})) as Members;
      for (const member of ['enable', 'disable']) {
        const live = prototype[member] as AnyFunction;
        replace(
          prototype,
          member,
          {
            [member](this: object): unknown {
              const result: unknown = apply(live, this, arguments);
              settle();
              return result;
            },
          }[member] as AnyFunction,
        );
      }
    });
  }

  /** What native code hands out without being called: the exports of an addon. Returns what the program gets, and its saved form. */
  export(value: unknown, label: string, overrides: Overrides): { readonly outside: unknown; readonly saved: unknown } {
    const { boundary } = this;
    const callback = boundary.site(`${label}.callback`, true);
    this.area = {
      label,
      overrides,
      callback,
      // Made inside of a call, it is not one more in the scope of the callback before.
      inner: { ...callback, nested: false },
      settled: boundary.site(`${label}.promise`),
      init: boundary.site(`${label}.init`),
    };
    this.base = boundary.nextNumber;
    this.exporting = true;
    const saved = this.saveOther(value, label + '.');
    this.exporting = false;
    return { outside: this.outside, saved };
  }

  // Inside

  numberOf(object: object): number {
    return this.boundary.numberOf(object);
  }

  functionIn(fn: AnyFunction): { fn: AnyFunction; program: boolean } {
    const inside = this.insides.get(fn) as AnyFunction | undefined;
    if (inside !== undefined) {
      const program = this.outsides.get(inside) === fn && this.wrappers.has(inside);
      return { fn: inside, program };
    }
    this.boundary.numberOf(fn);
    const frame = this.contextFrame();
    if (frame !== undefined) this.contexts.set(fn, frame as object);
    return { fn: this.wrap(fn), program: true };
  }

  private readonly wrappers = new WeakSet<object>();

  objectIn(object: object): object {
    return this.insides.get(object) ?? object;
  }

  symbolIn(symbol: symbol): number {
    // As keys of weak maps, which the types do not know yet.
    const symbols = this.symbols as unknown as WeakMap<never, number>;
    let number = symbols.get(symbol as never);
    if (number === undefined) symbols.set(symbol as never, (number = ++this.symbolsMet));
    return number;
  }

  copied(object: object, copy: object): void {
    this.outsides.set(copy, object);
  }

  hasFunctions(object: object): void {
    this.held.add(object);
  }

  // Natives

  isKnown(object: object): boolean {
    return this.boundary.knownNumber(object) !== 0 && (this.held.has(object) || (!goesByValue(object) && !isPromise(object)));
  }

  /** True if the number was given before the event that is being written: the codec can name it. */
  readonly isOld = (object: object): boolean => this.isKnown(object) && this.boundary.knownNumber(object) < this.base;

  hold(object: object): void {
    if (this.exporting && goesByValue(object)) this.namespaces.add(object);
    this.held.add(object);
  }

  outsideOf(object: object): object {
    return this.outsides.get(object) ?? object;
  }

  putOutside(native: object, outside: object): void {
    this.outsides.set(native, outside);
    this.insides.set(outside, native);
  }

  isLive(object: object): boolean {
    const proto = getPrototypeOf(object);
    if (proto === null || proto === Object.prototype || isNativeError(object)) return false;
    const { live, callbacks } = this.rulesOf(proto);
    if (callbacks !== undefined || live !== undefined) return callbacks !== undefined || live === true;
    return ownKeys(object).some((key) => typeof key === 'string' && isChangeable(getOwnPropertyDescriptor(object, key)!));
  }

  callbacksOf(object: object): readonly string[] {
    return this.rulesOf(getPrototypeOf(object)).callbacks ?? [];
  }

  live(target: object, className: string): object {
    const { boundary } = this;
    const site = boundary.site(`${this.area.label}.${className}.own`);
    const ask = (key: string): unknown => {
      const value: unknown = (target as Members)[key];
      if (boundary.own !== 0) return value;
      this.base = boundary.nextNumber;
      const saved = this.save(value, className);
      const { outside } = this;
      boundary.logCall(site, boundary.knownNumber(proxy), saved);
      this.stampLater();
      return outside;
    };
    const names = this.callbacksOf(target);
    const { area } = this;
    const inside = (fn: object): object => {
      this.area = area;
      return this.functionIn(fn as AnyFunction).fn;
    };
    const callbacks = names.length === 0 ? undefined : { names: new Set(names), inside, outside: (fn: object) => this.outsideOf(fn) };
    const proxy = liveInstance(target, ask, callbacks);
    boundary.adopt(target, boundary.numberOf(proxy));
    this.putOutside(target, proxy);
    return proxy;
  }

  /** What the overrides say of the class of an instance with that prototype. */
  private rulesOf(prototype: object | null): Rules {
    for (let proto = prototype; proto !== null; proto = getPrototypeOf(proto)) {
      const rules = this.classRules.get(proto);
      if (rules !== undefined) return rules;
    }
    return NO_RULES;
  }

  follow(native: Promise<unknown>): Promise<unknown> {
    return this.pledge(native, undefined);
  }

  classMet(prototype: object, className: string): void {
    this.classes.add(prototype);
    const rules = this.rules(className);
    if (rules === NO_RULES) return;
    this.classRules.set(prototype, rules);
    for (const member of rules.calls ?? []) this.expectCalls(prototype, member);
  }

  standIn(native: AnyFunction, name: string, method: boolean): AnyFunction {
    const membrane = this;
    const site = this.boundary.site(name);
    const { area } = this;
    const rules = this.rules(name.slice(area.label.length + 1));
    const stand: AnyFunction = method
      ? {
          method(this: unknown): unknown {
            return membrane.call(native, site, area, rules, this, arguments, undefined, stand);
          },
        }.method
      : namedFunction(native.name, (self, args, newTarget) => membrane.call(native, site, area, rules, self, args, newTarget, stand));
    dress(stand, native);
    this.putOutside(native, stand);
    this.held.add(stand);
    return stand;
  }

  private rules(path: string): Rules {
    return rulesFor(this.area.overrides, path);
  }

  private describe(): Description {
    return new Description(this, this.area.label);
  }

  // Calls

  private call(
    native: AnyFunction,
    site: Site,
    area: Area,
    rules: Rules,
    self: unknown,
    args: IArguments,
    newTarget: AnyFunction | undefined,
    stand: AnyFunction,
  ): unknown {
    const { boundary } = this;
    let receiver = self;
    let handle = 0;
    if (newTarget === undefined) {
      if ((typeof self === 'object' && self !== null) || typeof self === 'function') {
        handle = boundary.knownNumber(self);
        receiver = this.insides.get(self) ?? self;
      }
    } else if (newTarget !== stand) boundary.numberOf(newTarget.prototype as object);
    const outerArea = this.area;
    this.area = area;
    const given = takeIn(args, this);
    // Own properties of a live instance are asked for, one by one.
    const watched = newTarget === undefined && receiver === self && !this.namespaces.has(self as object) ? receiver : undefined;
    const watch = Watch.of(watched, given, rules.reads !== true);
    const { native: outerNative, watch: outerWatch } = this;
    this.native = true;
    this.watch = watch;
    this.counter = this.asyncIds[this.kCounter];
    let result: unknown;
    let failed = true;
    try {
      result = newTarget === undefined ? apply(native, receiver, args) : construct(native, args, newTarget === stand ? native : newTarget);
      failed = false;
    } catch (error) {
      result = error;
    }
    const counter = this.asyncIds[this.kCounter];
    const taken = counter !== this.counter;
    this.native = outerNative;
    this.watch = outerWatch;
    this.base = boundary.nextNumber;
    const effects: unknown[] = taken ? [[Effect.AsyncId, counter]] : [];
    const lent = given === undefined || failed || rules.reads === true ? undefined : this.lend(given, rules, result);
    this.given = given;
    const saved = this.saveAnswer(result, site.name, lent, stand);
    this.given = undefined;
    const { outside } = this;
    if (watch !== undefined) watch.changes(effects, this.number, this.saveProperty);
    if (this.pledges.size > 0) this.settlements(effects);
    const form = effects.length === 0 ? saved : [EFFECTS, saved, effects];
    if (boundary.own === 0) {
      if (failed) boundary.logThrown(site, handle, form, outside);
      else boundary.logCall(site, handle, form);
    }
    if (this.later.length > 0) this.stampLater();
    this.area = outerArea;
    if (!failed) return outside;
    handOn(outside);
    throw outside;
  }

  /** Buffers that native code may go on writing into, because it will call back or settle a promise. */
  private lend(given: Given, rules: Rules, result: unknown): BytesBefore[] | undefined {
    if (given.views.length === 0 || (given.functions.length === 0 && !isPromise(result) && rules.writesLater !== true)) return undefined;
    const lent = given.views.map((view) => new BytesBefore(view));
    for (const fn of given.functions) this.lent.set(fn, [...(this.lent.get(fn) ?? []), ...lent]);
    if (rules.writesLater === true) this.lentForLong.push(...lent);
    return lent;
  }

  private saveAnswer(value: unknown, path: string, lent: BytesBefore[] | undefined, stand: AnyFunction): unknown {
    // An error that native code made has our frame on top: the stack is taken again below it, as the replay takes it.
    if (isNativeError(value) && this.boundary.knownNumber(value) === 0) captureStackTrace(value, stand);
    return this.save(value, path, lent);
  }

  /** The saved form of a value of native code; `outside` is then what the program gets for it. */
  private save(value: unknown, path: string, lent?: BytesBefore[]): unknown {
    this.outside = value;
    if (typeof value === 'symbol') return Symbol.keyFor(value) === undefined ? this.saveOther(value, path) : value;
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return value;
    const { boundary } = this;
    const mapped = this.outsides.get(value) ?? value;
    if (this.isKnown(mapped)) {
      this.outside = mapped;
      return this.isOld(mapped) && isNamedByCodec(mapped) ? mapped : [0, [Tree.Ref, boundary.numberOf(mapped)], []];
    }
    if (isPromise(value)) {
      // One of the program's, that it handed over before.
      if (mapped === value && boundary.knownNumber(value) !== 0) return [0, [Tree.Ref, boundary.numberOf(value)], []];
      const promise = mapped === value ? this.pledge(value as Promise<unknown>, lent) : mapped;
      this.outside = promise;
      return [PROMISE, boundary.numberOf(promise)];
    }
    // Handed back: what has changed in it is among the effects.
    if (this.given !== undefined && ArrayBuffer.isView(value) && this.given.views.includes(value))
      return [0, [Tree.Ref, boundary.numberOf(value)], []];
    if (isPlainData(mapped, this.isOld)) {
      this.outside = mapped;
      if (goesByValue(mapped)) return [boundary.numberOf(mapped), mapped];
      const number = boundary.reserve();
      this.later.push([mapped, number]);
      return [number, mapped];
    }
    if (mapped === value && typeof value === 'object' && !isProxy(value) && isBare(value) && isExtensible(value)) {
      const native = getPrototypeOf(value);
      const proto = native === null ? native : (this.outsides.get(native) ?? native);
      if (proto !== null && this.isKnown(proto) && !this.isLive(value)) {
        if (proto !== native) setPrototypeOf(value, proto);
        this.instanceMet(value, proto);
        return [INSTANCE, boundary.numberOf(value), boundary.numberOf(proto)];
      }
    }
    return this.saveOther(mapped, path);
  }

  private saveOther(value: unknown, path: string): unknown {
    const description = this.describe();
    const tree = description.tree(value, path.slice(this.area.label.length + 1));
    this.outside = (typeof value === 'object' && value !== null) || typeof value === 'function' ? this.outsideOf(value) : value;
    return [0, tree, description.definitions];
  }

  private readonly saveProperty = (object: object, key: string): unknown[] | undefined => {
    const description = this.describe();
    const outside = this.outsideOf(object);
    const property = description.property(object, key, key);
    if (property === undefined) return undefined;
    const value: unknown = getOwnPropertyDescriptor(object, key)!.value;
    const given = (typeof value === 'object' && value !== null) || typeof value === 'function' ? this.outsideOf(value) : value;
    if (outside !== object || given !== value) defineProperty(outside, key, { ...getOwnPropertyDescriptor(object, key)!, value: given });
    return [property, description.definitions];
  };

  private readonly number = (object: object): number => this.boundary.numberOf(this.outsideOf(object));

  private stampLater(): void {
    for (const [object, number] of this.later) this.boundary.adopt(object, number);
    this.later = [];
  }

  // Promises

  private pledge(native: Promise<unknown>, bytes: BytesBefore[] | undefined): Promise<unknown> {
    const { boundary, area } = this;
    let settle!: Pick<Pledge, 'resolve' | 'reject'>;
    // Another promise than the native one: settling can be watched only by handling it, and an unhandled rejection must stay one.
    const promise = new Promise<unknown>((resolve, reject) => {
      settle = { resolve, reject };
    });
    const number = boundary.numberOf(promise);
    this.putOutside(native, promise);
    this.pledges.set(number, { native, ...settle, bytes });
    const settled = (): void => {
      if (!this.pledges.has(number)) return;
      this.area = area;
      this.base = boundary.nextNumber;
      const effects: unknown[] = [];
      this.settlements(effects);
      if (boundary.own === 0) boundary.logEntry(area.settled, number, effects);
      this.stampLater();
    };
    boundary.follow(native, settled, settled);
    return promise;
  }

  /** Settles what native code has settled in the meantime, in the order in which it was promised. */
  private settlements(effects: unknown[]): void {
    for (const [number, pledge] of this.pledges) {
      const [state, value] = this.promiseDetails(pledge.native);
      if (state === 0) continue;
      this.pledges.delete(number);
      if (pledge.bytes !== undefined) this.returned(pledge.bytes, effects);
      const saved = this.save(value, `${this.area.label}.promised`);
      effects.push([Effect.Settled, number, state === 1, saved]);
      if (state === 1) pledge.resolve(this.outside);
      else pledge.reject(this.outside);
    }
  }

  private returned(lent: readonly BytesBefore[], effects: unknown[]): void {
    for (const bytes of lent) {
      const change = bytes.change(this.number);
      if (change !== undefined) effects.push(change);
    }
  }

  // Callbacks

  /** What native code gets in the place of a function of the program. */
  private wrap(fn: AnyFunction): AnyFunction {
    const membrane = this;
    const { area } = this;
    const wrapper = function (this: unknown): unknown {
      membrane.area = area;
      return membrane.enter(fn, this, arguments, new.target === undefined ? undefined : new.target === wrapper ? fn : new.target);
    } as AnyFunction;
    for (const key of ownKeys(fn)) {
      if (key === 'arguments' || key === 'caller') continue;
      const property = getOwnPropertyDescriptor(fn, key)!;
      if (getOwnPropertyDescriptor(wrapper, key)?.configurable === false) wrapper.prototype = property.value;
      else defineProperty(wrapper, key, property);
    }
    this.wrappers.add(wrapper);
    this.putOutside(wrapper, fn);
    return wrapper;
  }

  /** Native code calls the program. */
  private enter(fn: AnyFunction, self: unknown, args: IArguments, newTarget: AnyFunction | undefined): unknown {
    const { boundary, native: nested } = this;
    const form = this.savedEntry(fn, newTarget === undefined ? self : undefined, args, newTarget !== undefined);
    const receiver = this.outside;
    if (boundary.own === 0) boundary.logEntry(nested ? this.area.inner : this.area.callback, boundary.knownNumber(fn), form);
    return this.run(fn, receiver, args, newTarget);
  }

  /** What an entry is written down as; puts what the program gets into `args`, and its receiver into `outside`. */
  private savedEntry(fn: AnyFunction, self: unknown, args: IArguments, constructs: boolean): unknown[] {
    this.base = this.boundary.nextNumber;
    const effects: unknown[] = [];
    if (this.native) this.watch?.changes(effects, this.number, this.saveProperty);
    else if (this.contexts.get(fn) !== undefined && this.contextFrame() === undefined) effects.push([Effect.NoContext]);
    const lent = this.lent.get(fn);
    if (lent !== undefined) this.returned(lent, effects);
    if (this.lentForLong.length > 0) this.returned(this.lentForLong, effects);
    if (this.pledges.size > 0) this.settlements(effects);
    if (!this.native && typeof self === 'object' && self !== null) this.receiverChanges(self, effects);
    const form: unknown[] = [constructs, self === globalThis ? true : this.save(self, `${this.area.label}.this`), undefined];
    const receiver = self === globalThis ? self : this.outside;
    for (let i = 0; i < args.length; i++) {
      form[i + FIRST_ARGUMENT] = this.save(args[i], `${this.area.label}.argument`);
      args[i] = this.outside;
    }
    if (effects.length > 0) form[2] = effects;
    this.outside = receiver;
    return form;
  }

  /** The program runs, called by native code; what it returns goes back in. */
  private run(fn: AnyFunction, receiver: unknown, args: IArguments, newTarget: AnyFunction | undefined): unknown {
    const { native: nested, watch } = this;
    if (this.later.length > 0) this.stampLater();
    this.native = false;
    this.watch = undefined;
    if (!nested) return this.runFromLoop(fn, receiver, args);
    try {
      const result: unknown[] = [newTarget === undefined ? apply(fn, receiver, args) : construct(fn, args, newTarget)];
      takeIn(result, this);
      return result[0];
    } catch (error) {
      this.thrown(error);
      throw error;
    } finally {
      this.native = true;
      this.watch = watch;
      watch?.retake();
      this.counter = this.asyncIds[this.kCounter];
    }
  }

  private runFromLoop(fn: AnyFunction, receiver: unknown, args: IArguments): unknown {
    const { boundary } = this;
    try {
      const result: unknown[] = [apply(fn, receiver, args)];
      takeIn(result, this);
      return result[0];
    } catch (error) {
      boundary.leftOver();
      this.thrown(error);
      throw error;
    } finally {
      boundary.mayGoOn();
    }
  }

  /** Native code may hand on what a callback threw. */
  private thrown(error: unknown): void {
    if ((typeof error === 'object' && error !== null) || typeof error === 'function') this.boundary.numberOf(error);
    handOn(error);
  }

  /** Native code sets properties on the receiver just before it calls back. Only primitives: the rest may be the program's. */
  private receiverChanges(self: object, effects: unknown[]): void {
    if (!this.isKnown(this.outsideOf(self)) || typeof self === 'function' || isProxy(self)) return;
    const names = Object.keys(self);
    if (names.length === 0) return;
    const values: unknown[][] = [];
    for (const name of names) {
      const value: unknown = getOwnPropertyDescriptor(self, name)!.value;
      if (typeof value !== 'object' && typeof value !== 'function' && value !== undefined && typeof value !== 'symbol')
        values.push(this.saveProperty(self, name)!);
    }
    if (values.length > 0) effects.push([Effect.Properties, this.number(self), values, []]);
  }

  /** A new instance: classes that inherit from EventEmitter have their `emit` called. */
  private instanceMet(instance: object, prototype: object): void {
    if (this.looked.has(prototype)) return;
    this.looked.add(prototype);
    if (typeof (instance as Members)['emit'] !== 'function') return;
    let holder: object | null = prototype;
    while (holder !== null && !this.classes.has(holder) && !Object.hasOwn(holder, 'emit')) holder = getPrototypeOf(holder);
    if (holder !== null && holder !== Object.prototype) this.expectCalls(holder, 'emit');
  }

  /** Native code looks `member` up on its own instances and calls it: there it finds a function of ours, the program its own. */
  private expectCalls(prototype: object, member: string): void {
    const membrane = this;
    const { boundary, area } = this;
    const hooked = this.called.get(prototype) ?? new Map<string, (self: object) => unknown>();
    if (hooked.has(member)) return;
    this.called.set(prototype, hooked);
    let own = getOwnPropertyDescriptor(prototype, member)?.value as unknown;
    const entering = function (this: object): unknown {
      membrane.area = area;
      const fn = current(this) as AnyFunction;
      const form = membrane.savedEntry(entering, this, arguments, false);
      const receiver = membrane.outside;
      form[0] = member;
      if (boundary.own === 0)
        boundary.logEntry(membrane.native ? area.inner : area.callback, boundary.knownNumber(receiver as object), form);
      return membrane.run(fn, receiver, arguments, undefined);
    };
    const current = (self: object): unknown => {
      for (let above = getPrototypeOf(prototype); own === undefined && above !== null; above = getPrototypeOf(above)) {
        const there = this.called.get(above)?.get(member);
        if (there !== undefined) return there(self);
        if (Object.hasOwn(above, member)) return Reflect.get(above, member, self) as unknown;
      }
      return own;
    };
    hooked.set(member, current);
    const accessor = {
      get [member](): unknown {
        const self = this as unknown as object;
        const value = current(self);
        const native = typeof value === 'function' && boundary.own === 0 && (membrane.native || !callerIsJavaScript(getter));
        return native ? entering : value;
      },
      set [member](value: unknown) {
        const self = this as unknown as object;
        if (self === prototype) own = value;
        else defineProperty(self, member, { value, writable: true, enumerable: true, configurable: true });
      },
    };
    const property = getOwnPropertyDescriptor(accessor, member)!;
    const getter = property.get!;
    defineProperty(prototype, member, { ...property, enumerable: false });
  }
}

function contextFrameOf(host: Host): () => unknown {
  try {
    const get: unknown = host.internalBinding('async_context_frame')['getContinuationPreservedEmbedderData'];
    return typeof get === 'function' ? (get as () => unknown) : () => undefined;
  } catch {
    // A Node without it.
    return () => undefined;
  }
}

/** Gives a stand-in the own properties and the text of what it stands for; what every function has of its own stays. */
function dress(standIn: AnyFunction, native: AnyFunction): void {
  for (const key of ownKeys(native)) {
    if (key === 'prototype' || key === 'arguments' || key === 'caller' || isOwnSymbol(key)) continue;
    // Fixed ones are fixed again when they have their own stand-ins.
    defineProperty(standIn, key, { ...getOwnPropertyDescriptor(native, key)!, configurable: true });
  }
  speakFor(standIn, native);
}
