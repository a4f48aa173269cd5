/**
 * The membrane in replay mode: native functions answer from the trace, and the program's functions are called where native code
 * called them. No addon is loaded.
 *
 * Invariant: numbers are given in the order in which record.ts gives them.
 */
/* oxlint-disable no-this-alias -- stubs are called with a receiver of the program's */
import { types } from 'node:util';
import { EventTag } from '../../trace';
import type { Delivery, Site } from '../core';
import type { AnyFunction } from '../host';
import { handOn, passThrough } from '../origins';
import type { ReplayBoundary } from '../replay';
import { addProperty, build, fromTree, refresh, type Stubs } from './build';
import { Effect, EFFECTS, FIRST_ARGUMENT, goesByValue, INSTANCE, PROMISE } from './forms';
import { takeIn, type Bytes, type Inside } from './inward';
import { namedFunction } from './named';
import { bytesOf } from './watch';

const { apply, construct } = Reflect;
const { isArray } = Array;
const { isNativeError } = types;
const captureStackTrace = Error.captureStackTrace;
// Taken before hooks/gc.ts puts its own in their place.
const Weak = WeakRef;
const deref = Function.prototype.call.bind(WeakRef.prototype.deref) as (ref: WeakRef<object>) => object | undefined;

/** Marks entries that are no callbacks. */
const INIT = {};

/** Dead entries of the weak map are looked for each time it has doubled. */
const FIRST_SWEEP = 1024;

export class ReplayMembrane implements Inside, Stubs {
  /** Plain data that has a number. Native code may hand it out again, but then its contents come along. */
  private readonly weak = new Map<number, WeakRef<object>>();
  private sweepAt = FIRST_SWEEP;
  /** Symbols of somebody's own, by number less one. */
  private readonly symbols: symbol[] = [];
  private readonly stubs = new WeakSet<object>();
  private readonly pledges = new Map<number, { resolve(value: unknown): void; reject(reason: unknown): void }>();
  private readonly asyncIds: Float64Array;
  private readonly kCounter: number;
  /** A call is being answered. */
  private native = false;
  /** The value loaded last is an error that did not exist before. */
  private freshError = false;
  private label = '';
  /** The asynchronous resource that native code has made last, inside of the call that is being answered. */
  private resource: object | undefined;
  /** In whose context functions of the program are called back. */
  private readonly resources = new WeakMap<object, object>();
  /** Names of the sites of callbacks. */
  private readonly callbacks = new Set<string>();

  constructor(private readonly boundary: ReplayBoundary) {
    const wrap = boundary.host.internalBinding('async_wrap');
    this.asyncIds = wrap['async_id_fields'] as Float64Array;
    this.kCounter = (wrap['constants'] as Record<string, number>)['kAsyncIdCounter'];
  }

  /** What the program gets for recorded exports. */
  import(saved: unknown, label: string): unknown {
    const { boundary } = this;
    this.label = label;
    const callback = boundary.site(`${label}.callback`, true);
    const init = boundary.site(`${label}.init`, true);
    this.callbacks.add(callback.name);
    this.callbacks.add(init.name);
    boundary.deliver(init, (args) => ({ recv: INIT, fn: this.makeResource.bind(this), args }));
    boundary.deliver(callback, (args, handle) => this.delivery(args, handle));
    boundary.deliver(boundary.site(`${label}.promise`), (args) => ({
      recv: boundary.host.process,
      fn: () => this.applyEffects(args),
      args: [],
    }));
    return this.load(saved);
  }

  // Inside

  numberOf(object: object): number {
    const { boundary } = this;
    const known = boundary.knownNumber(object);
    if (known !== 0) return known;
    const number = boundary.numberOf(object);
    if (goesByValue(object)) this.loosen(object, number);
    return number;
  }

  functionIn(fn: AnyFunction): { fn: AnyFunction; program: boolean } {
    const program = !this.stubs.has(fn);
    if (program) this.boundary.numberOf(fn);
    return { fn, program };
  }

  objectIn(object: object): object {
    return object;
  }

  symbolIn(symbol: symbol): number {
    let number = this.symbols.indexOf(symbol) + 1;
    if (number === 0) number = this.symbols.push(symbol);
    return number;
  }

  symbolOf(number: number, description: string | undefined): symbol {
    return (this.symbols[number - 1] ??= Symbol(description));
  }

  copied(): void {}

  hasFunctions(object: object): void {
    // Native code may call them with the object as receiver when the program has long forgotten it.
    this.boundary.adopt(object, this.boundary.knownNumber(object));
  }

  private loosen(object: object, number: number): void {
    this.boundary.forget(object);
    this.weak.set(number, new Weak(object));
    if (this.weak.size < this.sweepAt) return;
    for (const [key, ref] of this.weak) if (deref(ref) === undefined) this.weak.delete(key);
    this.sweepAt = Math.max(FIRST_SWEEP, 2 * this.weak.size);
  }

  // Stubs

  objectOf(number: number): object | undefined {
    const object = this.boundary.objectOf(number);
    if (object !== undefined) return object;
    const ref = this.weak.get(number);
    return ref === undefined ? undefined : deref(ref);
  }

  adopt(object: object, number: number): void {
    this.boundary.adopt(object, number);
  }

  missing(what: string): never {
    return this.boundary.diverge(what);
  }

  promise(number: number): Promise<unknown> {
    const promise = new Promise<unknown>((resolve, reject) => this.pledges.set(number, { resolve, reject }));
    this.adopt(promise, number);
    return promise;
  }

  reader(className: string, number: number): () => unknown {
    const { boundary } = this;
    const site = boundary.site(`${this.label}.${className}.own`);
    return () => this.load(boundary.answer(site, number));
  }

  given(fn: object): void {
    this.functionIn(fn as AnyFunction);
  }

  stub(name: string, functionName: string, method: boolean): AnyFunction {
    const membrane = this;
    const site = this.boundary.site(name);
    const { label } = this;
    const stub: AnyFunction = method
      ? {
          method(this: unknown): unknown {
            return membrane.call(site, label, this, arguments, undefined, stub);
          },
        }.method
      : namedFunction(functionName, (self, args, newTarget) => membrane.call(site, label, self, args, newTarget, stub));
    this.stubs.add(stub);
    return stub;
  }

  // Calls

  private call(site: Site, label: string, self: unknown, args: IArguments, newTarget: AnyFunction | undefined, stub: AnyFunction): unknown {
    const { boundary, native: outer, label: outerLabel } = this;
    if (boundary.own !== 0) return undefined;
    let handle = 0;
    if (newTarget === undefined) {
      if ((typeof self === 'object' && self !== null) || typeof self === 'function') handle = boundary.knownNumber(self);
    } else if (newTarget !== stub) boundary.numberOf(newTarget.prototype as object);
    const given = takeIn(args, this);
    this.native = true;
    this.label = label;
    this.resource = undefined;
    let value: unknown;
    let thrown: boolean;
    try {
      let event = boundary.nextInside(site, handle, this.callbacks);
      for (; !('tag' in event); event = boundary.nextInside(site, handle, this.callbacks)) {
        if (event.recv === INIT) apply(event.fn, undefined, event.args);
        else boundary.perform(event);
      }
      // Who is called back later is called in the context of what has been made here.
      if (this.resource !== undefined && given !== undefined) for (const fn of given.functions) this.resources.set(fn, this.resource);
      thrown = event.tag === EventTag.Throw;
      this.freshError = false;
      value = this.load(event.tag === EventTag.Throw ? event.error : event.value);
    } finally {
      this.native = outer;
      this.label = outerLabel;
    }
    if (this.freshError && isNativeError(value)) captureStackTrace(value, stub);
    if (!thrown) return value;
    passThrough(value);
    handOn(value);
    throw value;
  }

  private load(saved: unknown): unknown {
    if (!isArray(saved)) return saved;
    switch (saved[0]) {
      case EFFECTS: {
        const effects = saved[2] as unknown[][];
        const [first] = effects;
        // Ids that native code took come before those of promises that the program gets.
        if (first[0] === Effect.AsyncId) this.applyEffects([first]);
        const value = this.load(saved[1]);
        const { freshError } = this;
        this.applyEffects(effects);
        this.freshError = freshError;
        return value;
      }
      case INSTANCE: {
        const number = saved[1] as number;
        const prototype = this.objectOf(saved[2] as number) ?? this.missing('an instance of a class that is gone');
        const instance = Object.create(prototype) as object;
        this.adopt(instance, number);
        return instance;
      }
      case PROMISE:
        return this.objectOf(saved[1] as number) ?? this.promise(saved[1] as number);
      default: {
        if (saved.length === 3) {
          const before = this.boundary.nextNumber;
          build(saved[2], this);
          const value = fromTree(saved[1], this);
          this.freshError = isNativeError(value) && this.boundary.knownNumber(value) >= before;
          return value;
        }
        return this.loadData(saved[0] as number, saved[1]);
      }
    }
  }

  private loadData(number: number, data: unknown): unknown {
    if (number === 0 || typeof data !== 'object' || data === null) return data;
    const known = this.objectOf(number);
    if (known !== undefined) {
      refresh(known, data);
      return known;
    }
    this.adopt(data, number);
    if (goesByValue(data)) this.loosen(data, number);
    this.freshError = isNativeError(data);
    return data;
  }

  private applyEffects(effects: readonly unknown[]): void {
    for (const effect of effects as [Effect, ...unknown[]][])
      switch (effect[0]) {
        case Effect.Bytes: {
          const view = this.objectOf(effect[1] as number);
          if (view !== undefined) bytesOf(view as Bytes).set(effect[3] as Uint8Array, effect[2] as number);
          break;
        }
        case Effect.Properties: {
          const object = this.objectOf(effect[1] as number);
          if (object === undefined) break;
          for (const [property, definitions] of effect[2] as [unknown[], unknown][]) {
            build(definitions, this);
            addProperty(object, property, this);
          }
          for (const name of effect[3] as string[]) Reflect.deleteProperty(object, name);
          break;
        }
        case Effect.Settled: {
          const number = effect[1] as number;
          const pledge = this.pledges.get(number) ?? this.missing(`the promise ${number}, which nobody waits for`);
          this.pledges.delete(number);
          const promise = this.objectOf(number);
          if (promise !== undefined) this.loosen(promise, number);
          const value = this.load(effect[3]);
          if (effect[2] === true) pledge.resolve(value);
          else pledge.reject(value);
          break;
        }
        case Effect.AsyncId:
          this.asyncIds[this.kCounter] = effect[1] as number;
          break;
        case Effect.NoContext:
          this.boundary.withoutContext();
      }
  }

  /** What native code does where hooks are: it tells them of a resource it has made. */
  private makeResource(asyncId: number, type: string, trigger: number): void {
    this.resource = {};
    this.asyncIds[this.kCounter] = asyncId;
    (this.boundary.host.requireInternal('internal/async_hooks')['emitInit'] as AnyFunction)(asyncId, type, trigger, this.resource);
  }

  // Callbacks

  private delivery(args: unknown[], handle: number): Omit<Delivery, 'asyncId' | 'triggerId'> {
    const { boundary } = this;
    const target = this.objectOf(handle) ?? this.missing(`a callback of ${handle}, which is gone`);
    // Bound, so that as many frames of ours lie below the program's as in the recording: they count for the limit of a stack.
    return { recv: this.resources.get(target) ?? boundary.host.process, fn: this.enter.bind(this, target, args), args: [], direct: true };
  }

  private enter(target: object, entry: unknown[]): void {
    const { native: nested, label } = this;
    const [how, self, effects] = entry;
    this.native = false;
    try {
      if (effects !== undefined) this.applyEffects(effects as unknown[]);
      const receiver = self === true ? globalThis : this.load(self);
      const args: unknown[] = [];
      for (let i = FIRST_ARGUMENT; i < entry.length; i++) args[i - FIRST_ARGUMENT] = this.load(entry[i]);
      const fn = typeof how === 'string' ? (Reflect.get(target, how) as AnyFunction) : (target as AnyFunction);
      if (nested) this.runInside(fn, receiver, args, how === true);
      else this.runFromLoop(fn, receiver, args);
    } finally {
      this.native = nested;
      this.label = label;
    }
  }

  private runFromLoop(fn: AnyFunction, receiver: unknown, args: unknown[]): void {
    try {
      takeIn([apply(fn, receiver, args)], this);
    } catch (error) {
      this.thrown(error);
      throw error;
    }
  }

  private thrown(error: unknown): void {
    if ((typeof error === 'object' && error !== null) || typeof error === 'function') this.boundary.numberOf(error);
    handOn(error);
  }

  /** What is thrown goes to native code, which may hand it on: the answer of its call says so. */
  private runInside(fn: AnyFunction, receiver: unknown, args: unknown[], constructs: boolean): void {
    let result: unknown;
    try {
      result = constructs ? construct(fn, args) : apply(fn, receiver, args);
    } catch (error) {
      this.thrown(error);
      return;
    }
    takeIn([result], this);
  }
}
