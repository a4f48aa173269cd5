/**
 * The boundary in record mode: native functions run, their answers and the entries they make are written to the trace.
 *
 * Called by hooks on every crossing, so what runs per crossing stays small: no rest arguments, no maps, no objects of its own.
 * Invariant: the recorder's own work logs nothing and never throws into the program.
 */
/* oxlint-disable no-this-alias -- wrappers are called with a receiver of the program's */
import { isOverflow, SOURCE, type TraceWriter } from '../trace';
import { OWN_SCOPE, SAME_SCOPE, type Boundary, type EntryOptions, type PromiseOptions, type Site, type SyncOptions } from './core';
import { disguise } from './disguise';
import type { AnyFunction, Host, Members } from './host';
import { handOn, passThrough } from './origins';
import { readNumber, writeNumber } from './numbers';
import { silentThen, type Watch } from './silent-then';

const { apply, defineProperty, getOwnPropertyDescriptor } = Reflect;
const captureStackTrace = Error.captureStackTrace;

/** Where facts of the module loader go. */
export interface FactSink {
  /** at: count of trace events written when the fact was learned. */
  write(kind: string, key: string, at: number, answer: unknown): void;
}

export class RecordBoundary implements Boundary {
  readonly mode = 'record' as const;
  fatal: unknown;
  private readonly watch: Watch;
  /** Above 0: own work, or the trace is closed. */
  own = 0;
  private next = 1;
  private readonly sites = new Map<string, Site>();
  private readonly asyncIds: Float64Array;
  private readonly kExecution: number;
  private readonly kTrigger: number;
  private readonly kCounter: number;
  private readonly enqueueMicrotask: (task: () => void) => void;
  /** Depth of native callback scopes: async_hook_fields[kStackLength]. */
  private readonly hookFields: Uint32Array;
  private readonly kDepth: number;
  /** A nested callback has thrown: what the call around it throws is not of native code's making. */
  private escaped = false;
  /** A nested callback has returned into native code, and no microtask has run since. */
  private scopeOpen = false;
  /** The marker of leftOver is among the microtasks. */
  private marked = false;
  private readonly drained = (): void => {
    this.marked = false;
    if (this.own === 0) this.writer.drain();
  };
  private readonly closeScope = (): void => {
    this.scopeOpen = false;
  };
  private readonly promiseDetails: (promise: object) => [state: number, outcome?: unknown];
  private readonly kPending: number;
  private readonly kRejected: number;
  /** TraceWriter.deferred: where there is no stack left to write a call that was made, it is filled in place, without a call. */
  private readonly deferred: unknown[];
  private readonly lastFacts = new Map<string, unknown>();

  constructor(
    readonly host: Host,
    readonly writer: TraceWriter,
    private readonly facts: FactSink,
    private readonly onFailure: (error: Error) => void,
  ) {
    this.watch = silentThen(host);
    this.deferred = writer.deferred;
    const util = host.internalBinding('util');
    this.promiseDetails = util['getPromiseDetails'] as typeof this.promiseDetails;
    const states = util['constants'] as { kPending: number; kRejected: number };
    this.kPending = states.kPending;
    this.kRejected = states.kRejected;
    const wrap = host.internalBinding('async_wrap');
    this.asyncIds = wrap['async_id_fields'] as Float64Array;
    const constants = wrap['constants'] as Record<string, number>;
    this.kExecution = constants['kExecutionAsyncId']!;
    this.kTrigger = constants['kTriggerAsyncId']!;
    this.kCounter = constants['kAsyncIdCounter']!;
    this.hookFields = wrap['async_hook_fields'] as Uint32Array;
    this.kDepth = constants['kStackLength']!;
    this.enqueueMicrotask = host.internalBinding('task_queue')['enqueueMicrotask'] as typeof this.enqueueMicrotask;
  }

  get evaluating(): boolean {
    return false;
  }

  get whatIf(): boolean {
    return false;
  }

  get aside(): boolean {
    return this.own !== 0;
  }

  site(name: string, nested = false): Site {
    let site = this.sites.get(name);
    if (site === undefined) this.sites.set(name, (site = { name, id: this.writer.intern(name), nested }));
    return site;
  }

  numberOf(object: object): number {
    let handle = readNumber(object);
    if (handle === 0) writeNumber(object, (handle = this.next++));
    return handle;
  }

  knownNumber(object: object): number {
    return readNumber(object);
  }

  adopt(object: object, handle: number): void {
    writeNumber(object, handle);
  }

  /** The number that the next object gets. */
  get nextNumber(): number {
    return this.next;
  }

  /** Uses up a number; adopt() gives it to an object later. */
  reserve(): number {
    return this.next++;
  }

  objectOf(): undefined {
    return undefined;
  }

  forget(): void {}

  sync(target: Members, member: string, name: string, options: SyncOptions = {}): void {
    const original = target[member] as AnyFunction | undefined;
    if (typeof original !== 'function') return;
    const property = getOwnPropertyDescriptor(target, member);
    defineProperty(target, member, {
      value: disguise(this.crossing(original, this.site(name), options), original),
      writable: property?.writable ?? true,
      enumerable: property?.enumerable ?? true,
      configurable: property?.configurable ?? true,
    });
  }

  /** The wrapper of a native function. */
  crossing(original: AnyFunction, site: Site, options: SyncOptions): AnyFunction {
    const { handle: onHandle = false, prepare, divert, save, fact, saveFact } = options;
    if (prepare === undefined && divert === undefined && save === undefined && fact === undefined)
      return this.plainCrossing(original, site, onHandle);
    const core = this;
    const wrapper = {
      crossing(this: Members): unknown {
        if (core.own !== 0) return apply(original, this, arguments);
        if (fact !== undefined) {
          const asked = fact(arguments);
          if (asked !== undefined) {
            let result: unknown;
            const kept = core.fact(asked.kind, asked.key, () => {
              result = apply(original, this, arguments);
              return saveFact === undefined ? result : saveFact(result, arguments);
            });
            return saveFact === undefined ? kept : result;
          }
        }
        if (divert !== undefined) {
          const diverted = divert(arguments, this, original);
          if (diverted !== undefined) return diverted;
        }
        const handle = onHandle ? core.numberOf(this) : 0;
        if (prepare !== undefined) prepare(arguments, this);
        let result: unknown;
        core.escaped = false;
        try {
          result = apply(original, this, arguments);
        } catch (error) {
          if (core.escaped || !isOverflow(error)) core.logThrow(site, handle, error, wrapper);
          throw error; // node-do-not-add-exception-line
        }
        const before = core.writer.pending[1];
        try {
          core.logCall(site, handle, save === undefined ? result : save(result, arguments, this));
        } catch {
          core.deferred[core.deferred.length] = site.id;
          core.deferred[core.deferred.length] = handle;
          core.deferred[core.deferred.length] = () => (save === undefined ? result : save(result, arguments, this));
          core.deferred[core.deferred.length] = before;
          core.deferred[core.deferred.length] = core.writer.pending[1];
          core.writer.pending[0] = 1;
        }
        return result;
      },
    }.crossing;
    return wrapper;
  }

  /** The commonest form, in a function of its own: with nothing to look at them, the arguments are passed on without being made an object. */
  private plainCrossing(original: AnyFunction, site: Site, onHandle: boolean): AnyFunction {
    const core = this;
    const wrapper = {
      crossing(this: Members): unknown {
        if (core.own !== 0) return apply(original, this, arguments);
        const handle = onHandle ? core.numberOf(this) : 0;
        let result: unknown;
        try {
          result = apply(original, this, arguments);
        } catch (error) {
          if (!isOverflow(error)) core.logThrow(site, handle, error, wrapper);
          throw error; // node-do-not-add-exception-line
        }
        const before = core.writer.pending[1];
        try {
          core.logCall(site, handle, result);
        } catch {
          core.deferred[core.deferred.length] = site.id;
          core.deferred[core.deferred.length] = handle;
          core.deferred[core.deferred.length] = () => result;
          core.deferred[core.deferred.length] = before;
          core.deferred[core.deferred.length] = core.writer.pending[1];
          core.writer.pending[0] = 1;
        }
        return result;
      },
    }.crossing;
    return wrapper;
  }

  same(site: Site, value: number): void {
    if (!this.aside) this.logCall(site, 0, value);
  }

  ask<T>(site: Site, handle: number, live: () => T): T {
    if (this.aside) return live();
    let result: T;
    try {
      result = live();
    } catch (error) {
      if (!isOverflow(error)) this.logThrow(site, handle, error);
      throw error; // node-do-not-add-exception-line
    }
    const before = this.writer.pending[1];
    try {
      this.logCall(site, handle, result);
    } catch {
      this.deferred[this.deferred.length] = site.id;
      this.deferred[this.deferred.length] = handle;
      this.deferred[this.deferred.length] = () => result;
      this.deferred[this.deferred.length] = before;
      this.deferred[this.deferred.length] = this.writer.pending[1];
      this.writer.pending[0] = 1;
    }
    return result;
  }

  callback(object: Members, property: string, site: Site, options: EntryOptions = {}): void {
    const original = object[property] as AnyFunction | undefined;
    if (typeof original !== 'function') return;
    const handle = this.numberOf(object);
    if (options.once !== true) {
      object[property] = this.entering(original, site, handle, options);
      return;
    }
    const core = this;
    const { save } = options;
    object[property] = function (this: Members): unknown {
      // Back to the original first: V8 names a frame by the property that holds its function.
      object[property] = original;
      if (core.own !== 0) return apply(original, this, arguments);
      core.logEntry(site, handle, save === undefined ? arguments : save(arguments, this));
      let returned = false;
      try {
        const result: unknown = apply(original, this, arguments);
        returned = true;
        return result;
      } finally {
        if (!returned) core.leftOver();
        if (site.nested) core.left(returned);
      }
    };
  }

  /**
   * What is assigned becomes an own property, as without us; while the callback runs it holds the program's function, because
   * V8 names a frame by the property that holds its function.
   */
  callbackProperty(prototype: Members, property: string, site: Site, options: EntryOptions = {}): void {
    const core = this;
    const wrapped = new WeakMap<object, AnyFunction>();
    const put = (object: Members, value: unknown): void => {
      defineProperty(object, property, { value, writable: true, enumerable: true, configurable: true });
    };
    const wrap = (value: AnyFunction): AnyFunction => {
      let wrapper = wrapped.get(value);
      if (wrapper !== undefined) return wrapper;
      const entered = core.entering(value, site, -1, options);
      if (options.reentrant === true) wrapper = entered;
      else
        wrapper = function (this: Members): unknown {
          this[property] = value;
          try {
            return apply(entered, this, arguments);
          } finally {
            const now: unknown = this[property];
            this[property] = typeof now === 'function' ? wrap(now as AnyFunction) : now;
          }
        };
      wrapped.set(value, wrapper);
      wrapped.set(wrapper, wrapper);
      return wrapper;
    };
    defineProperty(prototype, property, {
      configurable: true,
      enumerable: false,
      get: () => undefined,
      set(this: Members, value: unknown) {
        if (typeof value === 'function') core.numberOf(this);
        put(this, typeof value === 'function' ? wrap(value as AnyFunction) : value);
      },
    });
  }

  entryFunction(site: Site, callback: AnyFunction, _receiver: object, options: EntryOptions = {}): AnyFunction {
    return this.entering(callback, site, 0, options);
  }

  wrapEntry(site: Site, callback: AnyFunction, options: EntryOptions = {}): AnyFunction {
    return this.entering(callback, site, -1, options);
  }

  /** handle: the number logged; -1 for the receiver's. */
  private entering(original: AnyFunction, site: Site, handle: number, options: EntryOptions): AnyFunction {
    const core = this;
    const { save } = options;
    return function (this: Members): unknown {
      if (core.own !== 0) return apply(original, this, arguments);
      core.logEntry(site, handle === -1 ? core.numberOf(this) : handle, save === undefined ? arguments : save(arguments, this));
      let returned = false;
      try {
        const result: unknown = apply(original, this, arguments);
        returned = true;
        return result;
      } finally {
        if (!returned) core.leftOver();
        if (site.nested) core.left(returned);
      }
    };
  }

  promise(site: Site, live: () => Promise<unknown>, options: PromiseOptions = {}): Promise<unknown> {
    if (this.aside) return live();
    const handle = this.next++;
    const settled = this.site(site.name + '.settled');
    let promise: Promise<unknown>;
    try {
      promise = live();
    } catch (error) {
      this.logThrow(site, handle, error);
      throw error; // node-do-not-add-exception-line
    }
    const { save, saveError, atOnce } = options;
    const fulfilled = (value: unknown): unknown[] => [true, save === undefined ? value : save(value)];
    const rejected = (error: unknown): unknown[] => [false, saveError === undefined ? error : saveError(error)];
    if (atOnce === true && this.isSettled(promise)) {
      const [state, outcome] = this.promiseDetails(promise);
      this.logCall(site, handle, state === this.kRejected ? rejected(outcome) : fulfilled(outcome));
      return promise;
    }
    this.logCall(site, handle, undefined);
    // Registered before the program's own reactions, so the entry is logged first thing in the drain that settles it.
    this.watch(
      promise,
      (value) => {
        if (this.own === 0) this.logEntry(settled, handle, fulfilled(value));
      },
      (error) => {
        if (this.own === 0) this.logEntry(settled, handle, rejected(error));
      },
    );
    return promise;
  }

  isSettled(promise: object): boolean {
    return this.promiseDetails(promise)[0] !== this.kPending;
  }

  settleNow(): void {}

  deliver(): void {}

  prelude(): void {}

  refuse(native: string): never {
    throw new Error(`${native} is not refused in record mode.`);
  }

  logCall(site: Site, handle: number, value: unknown): void {
    try {
      this.writer.call(site.id, handle, value);
    } catch (error) {
      if (isOverflow(error)) throw error;
      this.giveUp(site, error);
    }
  }

  /** The error's stack is taken again below the wrapper, so that its own frame does not use up the program's limit. */
  logThrow(site: Site, handle: number, error: unknown, wrapper?: AnyFunction): void {
    if (this.escaped) {
      // The program's own exception, which goes through: replay meets it again.
      this.escaped = false;
      handOn(error);
      return this.writer.throw(site.id, handle, undefined);
    }
    this.logThrown(site, handle, error, error);
    if (wrapper !== undefined && error instanceof Error) captureStackTrace(error, wrapper);
  }

  /** saved: what is written for the error. */
  logThrown(site: Site, handle: number, saved: unknown, error: unknown): void {
    try {
      this.writer.throw(site.id, handle, saved);
    } catch (problem) {
      this.giveUp(site, problem);
    }
    passThrough(error);
  }

  /** Tells when a promise settles. Handles its rejection. */
  follow(promise: Promise<unknown>, fulfilled: (value: unknown) => void, rejected: (error: unknown) => void): void {
    this.watch(promise, fulfilled, rejected);
  }

  logEntry(site: Site, handle: number, args: ArrayLike<unknown>): void {
    const ids = this.asyncIds;
    try {
      if (site.nested && (this.scopeOpen || this.hookFields[this.kDepth]! > 1)) this.writer.mark(this.scopeOpen ? SAME_SCOPE : OWN_SCOPE);
      this.writer.entry(site.id, handle, ids[this.kCounter]!, ids[this.kExecution]!, ids[this.kTrigger]!, args);
    } catch (error) {
      if (isOverflow(error)) throw error;
      this.giveUp(site, error);
    }
  }

  /**
   * A callback of a site that may be nested has returned. Native code may make it in a callback scope of its own and go on to
   * the next one in there: whether ticks and microtasks ran in between, a microtask tells.
   */
  private left(returned: boolean): void {
    if (!returned) this.escaped = true;
    if (this.hookFields[this.kDepth]! >= 2) this.mayGoOn();
  }

  /** Native code that has just called back may do so again before ticks and microtasks run. */
  mayGoOn(): void {
    if (this.scopeOpen) return;
    this.scopeOpen = true;
    this.enqueueMicrotask(this.closeScope);
  }

  /** Something has no place in a trace: the recording ends here, the program goes on. */
  private giveUp(site: Site, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.onFailure(new Error(`${site.name}: ${reason}`));
  }

  leftOver(): void {
    if (this.marked) return;
    this.marked = true;
    this.enqueueMicrotask(this.drained);
  }

  fact<T>(kind: string, key: string, live: () => T): T {
    if (this.own !== 0) return live();
    const full = kind + '\0' + key;
    let answer: T;
    try {
      answer = live();
    } catch (error) {
      this.learn(kind, key, { error });
      this.lastFacts.delete(full);
      throw error; // node-do-not-add-exception-line
    }
    const simple = typeof answer !== 'object' || answer === null;
    // Each reading of a source counts: files change, and a replay asks as often.
    if (kind === SOURCE) this.learn(kind, key, { value: answer });
    else if (!simple || !this.lastFacts.has(full) || this.lastFacts.get(full) !== answer) {
      this.learn(kind, key, { value: answer });
      if (simple) this.lastFacts.set(full, answer);
    }
    return answer;
  }

  private learn(kind: string, key: string, answer: { value: unknown } | { error: unknown }): void {
    try {
      this.facts.write(kind, key, this.writer.count, answer);
    } catch (error) {
      if (isOverflow(error)) throw error;
      this.onFailure(error as Error);
    }
  }

  quiet<T>(run: () => T): T {
    this.own++;
    try {
      return run();
    } finally {
      this.own--;
    }
  }

  mark(name: string): void {
    if (!this.aside) this.writer.mark(name);
  }
}
