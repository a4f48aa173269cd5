/**
 * The boundary in replay mode: every crossing is answered from the trace, and the driver delivers the recorded entries.
 *
 * Invariant: events are consumed strictly in order; a call that is not the next event is a Divergence, never a live call.
 */
/* oxlint-disable no-this-alias -- wrappers are called with a receiver of the program's */
import { EventTag, type CallEvent, type EndEvent, type EntryEvent, type EventHead, type ThrowEvent, type TraceReader } from '../trace';
import { ContextFrames } from './context-frames';
import {
  OWN_SCOPE,
  SAME_SCOPE,
  type Boundary,
  type Delivery,
  type EntryOptions,
  type PromiseOptions,
  type Site,
  type SyncOptions,
} from './core';
import { disguise } from './disguise';
import { Agreement, attempt, describeCall, stackHere, type Attempt } from './agreement';
import type { CrossingFacts, Divergence } from './divergence';
import type { AnyFunction, Host, Members } from './host';
import { handOn, passThrough } from './origins';
import { readNumber, writeNumber } from './numbers';
import { silentThen, type Watch } from './silent-then';

const { apply, defineProperty, getOwnPropertyDescriptor } = Reflect;
const captureStackTrace = Error.captureStackTrace;

export interface FactSource {
  /** The last answer written not after event `at`, undefined if there is none. */
  find(kind: string, key: string, at: number): { value: unknown } | { error: unknown } | undefined;
}

export interface ReplayEvents {
  /** Begins a turn; 0 is the main script. */
  onTurn(turn: number): void;
  /** Must not return. */
  onDivergence(divergence: Divergence): never;
  /** The last event of a trace that just stops has been taken; the program may never ask for another. Called once. */
  onLastEvent?(): void;
  /** Event `witness` has been taken by a call with this stack; only if a witness was asked for. */
  onWitness?(stack: string): void;
  /** The trace has no more events, though the program goes on. Must not return. */
  onRanOut(): never;
}

type Maker = (args: unknown[], handle: number) => Omit<Delivery, 'asyncId' | 'triggerId'>;

/** What may be asked outside of the recorded run: its last answer will do. */
const CLOCKS = new Set([
  'Date.now',
  'Math.random',
  'performance.now',
  'Event.timeStamp',
  'process.hrtime',
  'process.hrtimeBigInt',
  'timers.getLibuvNow',
]);

/** A promise that native code settled in the recording. */
interface Waiting {
  readonly options: PromiseOptions;
  resolve(value: unknown): void;
  reject(error: unknown): void;
  /** What native code settles it under, 0 for nothing. */
  asyncId: number;
  readonly triggerId: number;
  settled: boolean;
  /** The rest of its turn has been run once more. */
  drained: boolean;
}

const NO_ENTRIES: ReadonlySet<string> = new Set();
export class ReplayBoundary implements Boundary {
  readonly mode = 'replay' as const;
  fatal: unknown;
  private readonly watch: Watch;
  own = 0;
  whatIf = false;
  turn = 0;
  private apart = 0;
  /** The marker of leftOver is among the microtasks. */
  private marked = false;
  /** Last answers of CLOCKS, for evaluations. */
  readonly clocks = new Map<string, unknown>([
    ['Math.random', 0.5],
    ['performance.now', 0],
    ['Event.timeStamp', 0],
    ['timers.getLibuvNow', 0],
  ]);
  private next = 1;
  private readonly sites = new Map<string, Site>();
  private readonly makers = new Map<string, Maker>();
  private readonly preludes = new Map<string, (args: unknown[], handle: number) => void>();
  private readonly objects = new Map<number, object>();
  private readonly promises = new Map<number, Waiting>();
  private readonly waitingOf = new WeakMap<object, number>();
  /** How the arguments of one object's callback are made, where it is not the same for the whole site. */
  private readonly loads = new Map<number, NonNullable<EntryOptions['load']>>();
  readonly agreement: Agreement;
  /** The entry that was taken last. */
  private taken: EventHead | undefined;
  /** Index of the event whose call is to be told to `onWitness`; -1 for none. */
  witness = -1;
  private atLast = false;
  /** process.version of the recording. */
  recordedNode = process.version;
  private readonly frames: ContextFrames;
  private readonly asyncIds: Float64Array;
  private readonly kCounter: number;
  private readonly kExecution: number;
  /** Its first byte says whether ticks wait: lib/internal/process/task_queues.js, kHasTickScheduled. */
  private readonly tickInfo: Uint8Array;
  private readonly enqueueMicrotask: (task: () => void) => void;
  private readonly ticks: { emitBefore: AnyFunction; emitAfter: AnyFunction; getDefaultTriggerAsyncId: () => number };
  /** Set when the loop is handed back to libuv for the process to end: Node then emits beforeExit a second time. */
  ending = false;

  constructor(
    readonly host: Host,
    readonly reader: TraceReader,
    private readonly facts: FactSource,
    private readonly events: ReplayEvents,
  ) {
    this.watch = silentThen(host);
    this.agreement = new Agreement(reader);
    this.frames = new ContextFrames(host);
    const wrap = host.internalBinding('async_wrap');
    this.asyncIds = wrap['async_id_fields'] as Float64Array;
    this.tickInfo = host.internalBinding('task_queue')['tickInfo'] as Uint8Array;
    const constants = wrap['constants'] as Record<string, number>;
    this.kCounter = constants['kAsyncIdCounter']!;
    this.kExecution = constants['kExecutionAsyncId']!;
    this.enqueueMicrotask = host.internalBinding('task_queue')['enqueueMicrotask'] as typeof this.enqueueMicrotask;
    const hooks = host.requireInternal('internal/async_hooks');
    this.ticks = hooks as typeof this.ticks;
  }

  get aside(): boolean {
    return this.own !== 0;
  }

  get evaluating(): boolean {
    return this.apart !== 0;
  }

  site(name: string, nested = false): Site {
    let site = this.sites.get(name);
    if (site === undefined) this.sites.set(name, (site = { name, id: 0, nested }));
    return site;
  }

  numberOf(object: object): number {
    let handle = readNumber(object);
    if (handle === 0) {
      writeNumber(object, (handle = this.next++));
      this.objects.set(handle, object);
      this.frames.touch(object);
    }
    return handle;
  }

  knownNumber(object: object): number {
    return readNumber(object);
  }

  adopt(object: object, handle: number): void {
    writeNumber(object, handle);
    this.objects.set(handle, object);
    this.frames.touch(object);
    if (handle >= this.next) this.next = handle + 1;
  }

  /** The number that the next object gets. */
  get nextNumber(): number {
    return this.next;
  }

  objectOf(handle: number): object | undefined {
    return this.objects.get(handle);
  }

  forget(object: object): void {
    const handle = readNumber(object);
    this.objects.delete(handle);
    this.loads.delete(handle);
  }

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

  crossing(original: AnyFunction, site: Site, options: SyncOptions): AnyFunction {
    const core = this;
    const { handle: onHandle = false, prepare, divert, load, fact, loadFact, evaluated } = options;
    const wrapper = {
      crossing(this: Members): unknown {
        if (core.own !== 0) return apply(original, this, arguments);
        if (fact !== undefined) {
          const asked = fact(arguments);
          if (asked !== undefined) {
            const kept: unknown = core.fact(asked.kind, asked.key);
            return loadFact === undefined ? kept : loadFact(kept, arguments);
          }
        }
        if (core.apart !== 0 && evaluated !== undefined) {
          const done = evaluated(arguments, this);
          if (done !== undefined) return done.result;
        }
        if (divert !== undefined) {
          const diverted = divert(arguments, this, original);
          if (diverted !== undefined) return diverted;
        }
        const handle = onHandle ? core.numberOf(this) : 0;
        if (prepare !== undefined) prepare(arguments, this);
        const value = core.answer(site, handle, wrapper);
        return load === undefined ? value : load(value, arguments, this);
      },
    }.crossing;
    return wrapper;
  }

  same(site: Site, value: number, what: () => string, said = false): void {
    if (this.aside) return;
    const head = this.reader.peek();
    if (this.answer(site, 0) === value || (said && this.whatIf)) return;
    const expected = head === undefined ? undefined : { ...head, name: `${head.name} of other data` };
    this.diverge(what(), { kind: 'data', call: attempt(site.name, 0), expected });
  }

  ask<T>(site: Site, handle: number, live: () => T): T {
    if (this.own !== 0) return live();
    return this.answer(site, handle) as T;
  }

  /** The next event. An `end` that is followed by more was not the end. */
  private head(): EventHead | undefined {
    for (;;) {
      const head = this.reader.peek();
      if (head?.tag !== EventTag.End) return head;
      this.reader.next();
    }
  }

  /** Nothing is left in the trace: it was cut short, unless it says how the process ended. */
  private ranOut(actual: string, call?: CrossingFacts): never {
    return this.reader.ended === undefined ? this.events.onRanOut() : this.diverge(actual, { kind: 'call', ...(call ? { call } : {}) });
  }

  /** A debugger's evaluation asks: clocks stand still, chance repeats itself, the rest is not known. */
  private answerApart(site: Site): unknown {
    const last = this.clocks.get(site.name);
    if (last !== undefined) return last;
    throw new Error(`${site.name} was not recorded here: the outside world cannot be asked afterwards.`);
  }

  /** The next event must be this call; entries made inside it come first. Throws what was thrown. */
  answer(site: Site, handle: number, wrapper?: AnyFunction): unknown {
    if (this.apart !== 0) return this.answerApart(site);
    let event = this.nextInside(site, handle, NO_ENTRIES);
    // What a callback throws goes through native code to the caller.
    let thrown: { error: unknown } | undefined;
    for (; !('tag' in event); event = this.nextInside(site, handle, NO_ENTRIES))
      try {
        this.perform(event);
      } catch (error) {
        thrown = { error };
      }
    if (event.tag === EventTag.Throw) {
      if (thrown !== undefined) {
        handOn(thrown.error);
        throw thrown.error;
      }
      if (wrapper !== undefined && event.error instanceof Error) captureStackTrace(event.error, wrapper);
      passThrough(event.error);
      throw event.error; // node-do-not-add-exception-line
    }
    const { value } = event;
    if (CLOCKS.has(site.name)) this.clocks.set(site.name, value);
    return value;
  }

  /**
   * What comes next inside of a call: its event, whatever its outcome was, or an entry for the caller to perform; plain: names of
   * entries whose callbacks never throw.
   */
  nextInside(site: Site, handle: number, plain: ReadonlySet<string>): CallEvent | ThrowEvent | Delivery {
    if (this.apart !== 0) this.answerApart(site);
    for (;;) {
      const head = this.head();
      if (head === undefined) return this.ranOut(describeCall(site, handle), attempt(site.name, handle));
      if (this.scopeMark(head) !== undefined) continue;
      if (head.tag === EventTag.Entry) {
        if (this.siteOf(head)?.nested === true) return this.makeDelivery(false, plain.has(head.name));
      } else if ((head.tag === EventTag.Call || head.tag === EventTag.Throw) && head.handle === handle && this.matches(head, site)) {
        this.agreement.with(head);
        const event = this.reader.next() as CallEvent | ThrowEvent;
        if (head.index === this.witness) this.events.onWitness?.(stackHere());
        this.lookForEnd();
        return event;
      }
      const kind = head.tag === EventTag.Entry ? 'turn' : head.handle !== handle && this.matches(head, site) ? 'handle' : 'call';
      return this.diverge(describeCall(site, handle), { kind, call: attempt(site.name, handle) });
    }
  }

  private matches(head: EventHead, site: Site): boolean {
    if (head.site === site.id) return true;
    if (site.id !== 0 || head.name !== site.name) return false;
    site.id = head.site;
    return true;
  }

  private siteOf(head: EventHead): Site | undefined {
    return this.sites.get(head.name);
  }

  private lookForEnd(): void {
    if (this.reader.peek() !== undefined || this.reader.ended !== undefined || this.atLast) return;
    this.atLast = true;
    this.events.onLastEvent?.();
  }

  diverge(actual: string, attempt: Attempt = { kind: 'turn' }): never {
    if (this.apart !== 0) throw new Error(`not recorded here: ${actual}.`);
    const expected = this.own++ === 0 ? (attempt.expected ?? this.reader.peek()) : undefined;
    const { fatal, recordedNode, turn } = this;
    return this.events.onDivergence(this.agreement.divergence(actual, { ...attempt, expected }, { fatal, recordedNode, turn }));
  }

  refuse(native: string): never {
    return this.diverge(`${native}, which retrace does not record yet`, { kind: 'refused', call: attempt(native, 0) });
  }

  callback(object: Members, property: string, site: Site, options: EntryOptions = {}): void {
    if (typeof object[property] !== 'function') return;
    const handle = this.numberOf(object);
    if (options.load !== undefined) this.loads.set(handle, options.load);
    this.declare(site, property, options);
  }

  callbackProperty(prototype: Members, property: string, site: Site, options: EntryOptions = {}): void {
    const core = this;
    this.declare(site, property, options);
    defineProperty(prototype, property, {
      configurable: true,
      enumerable: false,
      get: () => undefined,
      set(this: object, value: unknown) {
        if (typeof value === 'function') core.numberOf(this);
        defineProperty(this, property, { value, writable: true, enumerable: true, configurable: true });
      },
    });
  }

  entryFunction(site: Site, callback: AnyFunction, receiver: object, options: EntryOptions = {}): AnyFunction {
    const { load } = options;
    this.deliver(site, (args) => ({ recv: receiver, fn: callback, args: load === undefined ? args : load(args, receiver as Members) }));
    return () => undefined;
  }

  wrapEntry(_site: Site, callback: AnyFunction): AnyFunction {
    return callback;
  }

  private declare(site: Site, property: string, options: EntryOptions): void {
    if (this.makers.has(site.name)) return;
    const { once } = options;
    this.deliver(site, (args, handle) => {
      const load = this.loads.get(handle) ?? options.load;
      const receiver = this.objects.get(handle) as Members | undefined;
      const callback = receiver?.[property] as AnyFunction | undefined;
      if (receiver === undefined || typeof callback !== 'function')
        return this.diverge(`nothing waits for ${site.name} on handle ${handle}`, { kind: 'waiting', expected: this.taken });
      if (once === true) {
        this.objects.delete(handle);
        this.loads.delete(handle);
      }
      return { recv: receiver, fn: callback, args: load === undefined ? args : load(args, receiver) };
    });
  }

  deliver(site: Site, make: Maker): void {
    this.makers.set(site.name, make);
  }

  promise(site: Site, _live: () => Promise<unknown>, options: PromiseOptions = {}): Promise<unknown> {
    if (this.own !== 0) return _live();
    const handle = this.next++;
    const settled = this.site(site.name + '.settled');
    const waiting: Waiting = {
      options,
      resolve: undefined!,
      reject: undefined!,
      asyncId: 0,
      triggerId: this.ticks.getDefaultTriggerAsyncId(),
      settled: false,
      drained: false,
    };
    // As native code does: the promise and the request behind it are made, and hooks told of them, before the call returns.
    const promise = new Promise<unknown>((resolve, reject) => {
      waiting.resolve = resolve;
      waiting.reject = reject;
    });
    waiting.asyncId = options.resource?.() ?? 0;
    options.during?.();
    const outcome = this.answer(site, handle) as unknown[] | undefined;
    if (options.atOnce === true && outcome !== undefined) {
      outcomeOf(waiting, outcome)();
      return promise;
    }
    this.promises.set(handle, waiting);
    this.waitingOf.set(promise, handle);
    // Watched as in record mode, so that hooks on promises are called as often. The entry is where the reaction stands.
    const reached = (): void => this.reachSettled(settled, handle);
    this.watch(promise, reached, reached);
    this.makers.set(settled.name, () => this.diverge(`no promise waits for ${settled.name}`, { kind: 'waiting', expected: this.taken }));
    return promise;
  }

  isSettled(promise: object): boolean {
    const waiting = this.promises.get(this.waitingOf.get(promise) ?? 0);
    return waiting === undefined || waiting.settled;
  }

  settleNow(promise: object): void {
    const handle = this.waitingOf.get(promise) ?? 0;
    const waiting = this.promises.get(handle);
    const found = this.reader.findEntry((event) => event.handle === handle);
    if (waiting === undefined || found === undefined) return void this.diverge('a promise settled inside of a call');
    waiting.settled = true;
    outcomeOf(waiting, found.event.args.slice(2))();
  }

  /** Settles a promise as native code does, in a callback scope of the request behind it. */
  private settle(waiting: Waiting, event: EntryEvent): Delivery {
    waiting.settled = true;
    this.asyncIds[this.kCounter] = event.asyncCounter;
    const outcome = event.args.slice(2);
    const fn = waiting.options.inside === true ? () => outcomeOf(waiting, outcome)() : outcomeOf(waiting, outcome);
    return { recv: this.host.process, fn, args: [], asyncId: waiting.asyncId, triggerId: waiting.triggerId };
  }

  /** The first reaction of a settled promise runs: record mode logs the entry here, after what hooks on the settling had to say. */
  private reachSettled(site: Site, handle: number): void {
    if (this.own !== 0 || this.apart !== 0) return;
    const head = this.head();
    if (head?.tag !== EventTag.Entry || head.handle !== handle || head.name !== site.name)
      return void this.diverge(`the reaction to ${site.name}`);
    this.promises.delete(handle);
    this.agreement.with(head);
    this.reader.next();
    this.lookForEnd();
  }

  logEntry(): void {}

  /** Takes a mark that says in which callback scope of native code the next entry is made. */
  private scopeMark(head: EventHead): string | undefined {
    if (head.tag !== EventTag.Mark || (head.name !== SAME_SCOPE && head.name !== OWN_SCOPE)) return undefined;
    this.reader.next();
    return head.name;
  }

  /** A callback scope of native code, as one delivery. */
  private ownScope(): Delivery {
    const first = this.makeDelivery();
    const core = this;
    return {
      ...first,
      fn(this: unknown) {
        core.wholeScope(() => apply(first.fn, this, first.args) as unknown);
      },
    };
  }

  /** Runs an entry and the others of its scope, whatever they throw; the last exception comes out, with the place V8 knows it by. */
  private wholeScope(run: () => unknown): void {
    for (;;) {
      let returned = false;
      try {
        run();
        returned = true;
      } finally {
        if (!returned && this.goesOn()) this.wholeScope(this.performNext);
      }
      if (!this.goesOn()) return;
      run = this.performNext;
    }
  }

  private readonly performNext = (): void => this.perform(this.makeDelivery());

  /** The scope goes on with the next entry. */
  private goesOn(): boolean {
    const head = this.head();
    return head?.name === SAME_SCOPE && this.scopeMark(head) !== undefined && this.head()?.tag === EventTag.Entry;
  }

  private makeDelivery(top = false, plain = false): Delivery {
    const head = this.reader.peek()!;
    this.agreement.with(head);
    const event = this.reader.next() as EntryEvent;
    this.taken = head;
    if (head.index === this.witness) this.events.onWitness?.('');
    this.lookForEnd();
    const maker = this.makers.get(head.name);
    if (maker === undefined) return this.diverge(`nothing is waiting for ${head.name}`, { kind: 'waiting', expected: head });
    const [asyncId, triggerId, ...args] = event.args;
    this.asyncIds[this.kCounter] = event.asyncCounter;
    const owner = event.handle === 0 ? undefined : this.objects.get(event.handle);
    const frame = owner === undefined ? undefined : this.frames.of(owner);
    const { recv, fn, args: values, direct = head.name === 'timers.timers' } = maker(args, event.handle);
    return {
      recv,
      fn: plain ? fn : this.watched(fn, top, frame),
      args: values,
      asyncId: asyncId as number,
      triggerId: triggerId as number,
      direct,
    };
  }

  /** The callback, with the marker that record mode leaves among the microtasks when it throws. */
  private watched(fn: AnyFunction, top: boolean, frame: unknown): AnyFunction {
    const core = this;
    return function (this: unknown): unknown {
      let returned = false;
      try {
        const result: unknown = core.frames.run(frame, fn, this, arguments);
        returned = true;
        if (top && core.goesOn()) core.wholeScope(core.performNext);
        return result;
      } finally {
        if (!returned) core.leftOver();
      }
    };
  }

  leftOver(): void {
    if (this.marked) return;
    this.marked = true;
    this.enqueueMicrotask(this.drained);
  }

  private readonly drained = (): void => {
    this.marked = false;
    if (this.own !== 0 || this.apart !== 0) return;
    const head = this.head();
    if (head === undefined) this.ranOut('what a throwing callback left to run');
    else if (head.tag !== EventTag.Drain) this.diverge('what a throwing callback left to run');
    else {
      this.agreement.with(head);
      this.reader.next();
    }
  };

  /** The callback that runs now was made outside of any context of AsyncLocalStorage. */
  withoutContext(): void {
    this.frames.leave();
  }

  /** Makes the callback of an entry that native code made before its call returned: no drain, the stack is not empty. */
  perform({ recv, fn, args, asyncId, triggerId }: Delivery): void {
    // Without a context there is nothing to push, and no hook is told.
    if (asyncId === 0 && this.asyncIds[this.kExecution] === 0) return void apply(fn, recv, args);
    this.ticks.emitBefore(asyncId, triggerId, recv);
    try {
      apply(fn, recv, args);
    } finally {
      this.ticks.emitAfter(asyncId);
    }
  }

  /** Runs the entry that comes next inside of the callback that runs now, if `wanted` says so. Returns the name of its site. */
  nest(wanted: (name: string, handle: number) => boolean): string | undefined {
    const head = this.head();
    if (head?.tag !== EventTag.Entry || !wanted(head.name, head.handle)) return undefined;
    this.perform(this.makeDelivery());
    return head.name;
  }

  /** A hook's part of an entry that native code does before the callback, outside of any turn: see `prelude` in core.ts. */
  prelude(site: Site, run: (args: unknown[], handle: number) => void): void {
    this.preludes.set(site.name, run);
  }

  /**
   * What crosses the boundary ahead of an entry, outside of any turn: hooks of the program on `init`, of a handle that native code
   * makes (see prelude), and on `before`, which the driver's callback runs before it takes the entry.
   */
  private ahead(head: EventHead): Delivery | undefined {
    const found = this.reader.findEntry();
    if (found === undefined) return undefined;
    const { event, name } = found;
    const [asyncId, triggerId, ...args] = event.args as [number, number, ...unknown[]];
    this.preludes.get(name)?.(args, event.handle);
    if (this.head()?.index !== head.index) return this.nextDelivery();
    const waiting = this.promises.get(event.handle);
    if (waiting?.settled === false) {
      this.events.onTurn(++this.turn);
      return this.settle(waiting, event);
    }
    const wrap = this.host.internalBinding('async_wrap');
    if ((wrap['async_hook_fields'] as Uint32Array)[(wrap['constants'] as Record<string, number>)['kBefore']!] === 0) return undefined;
    const core = this;
    this.events.onTurn(++this.turn);
    this.asyncIds[this.kCounter] = event.asyncCounter;
    return {
      recv: this.objects.get(event.handle) ?? this.host.process,
      fn() {
        const head = core.head();
        const own = head !== undefined && core.scopeMark(head) !== undefined;
        if (core.head()?.index !== event.index) return core.diverge('the turn has ended');
        const { recv, fn, args: values } = own ? core.ownScope() : core.makeDelivery(true);
        return apply(fn, recv, values) as unknown;
      },
      args: [],
      asyncId,
      triggerId,
    };
  }

  /** What the driver runs next; undefined hands the loop back to libuv, which ends the process. */
  nextDelivery(threw = false): Delivery | undefined {
    const head = this.head();
    if (head === undefined) {
      if (this.reader.ended === undefined) return this.events.onRanOut();
      this.ending = true;
      return undefined;
    }
    const proc = this.host.process;
    switch (head.tag) {
      case EventTag.Entry: {
        const waiting = this.promises.get(head.handle);
        if (waiting?.settled === true) {
          // A tick that ran before its reaction threw.
          if (!threw && this.tickInfo[0] === 0 && waiting.drained) return this.diverge(`the reaction to ${head.name} was not called`);
          waiting.drained = true;
          return { recv: proc, fn: () => undefined, args: [], asyncId: 0, triggerId: 0 };
        }
        this.events.onTurn(++this.turn);
        if (waiting !== undefined) return this.settle(waiting, this.reader.findEntry()!.event);
        return this.makeDelivery(true);
      }
      case EventTag.Drain:
        // The marker among the waiting microtasks takes the event.
        this.events.onTurn(++this.turn);
        return { recv: proc, fn: () => undefined, args: [], asyncId: 0, triggerId: 0 };
      case EventTag.Mark: {
        const mark = head.name;
        if (this.scopeMark(head) !== undefined) {
          if (this.head()?.tag !== EventTag.Entry) return this.nextDelivery();
          this.events.onTurn(++this.turn);
          return this.ownScope();
        }
        if (mark === 'beforeExit') {
          this.events.onTurn(++this.turn);
          return { recv: proc, fn: proc.emit as AnyFunction, args: ['beforeExit', proc.exitCode ?? 0], asyncId: 0, triggerId: 0 };
        }
        if (mark === 'exit') {
          this.ending = true;
          return undefined;
        }
        return this.diverge(`the event loop, at the mark ${mark}`);
      }
      default:
        // What a throwing callback or tick left to run begins with ticks, before the marker among the microtasks.
        if (threw || this.tickInfo[0] !== 0) return { recv: proc, fn: () => undefined, args: [], asyncId: 0, triggerId: 0 };
        return this.ahead(head) ?? this.diverge('the turn has ended');
    }
  }

  fact<T>(kind: string, key: string, live?: () => T): T {
    if (this.own !== 0 && live !== undefined) return live();
    const found = this.facts.find(kind, key, this.reader.index);
    if (found === undefined)
      return this.diverge(`the module loader asks ${kind} ${JSON.stringify(key)}, which it did not ask in the recording`, {
        kind: 'loader',
        call: { event: null, kind: 'fact', member: kind, handle: 0 },
      });
    if ('error' in found) throw found.error;
    return found.value as T;
  }

  /** Runs something that is not part of the recorded run: crossings throw, and use up no event. */
  apartFrom<T>(run: () => T): T {
    const { own } = this;
    this.own = 0;
    this.apart++;
    try {
      return run();
    } finally {
      this.apart--;
      this.own = own;
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

  /** The program ends: the recorded one must end here too, in the same way. */
  end(kind: string, code: number): void {
    if (this.own !== 0 || this.apart !== 0) return;
    const head = this.reader.peek();
    if (head === undefined && this.reader.ended === undefined) return this.events.onRanOut();
    const call: CrossingFacts = { event: null, kind: 'end', member: kind, handle: 0 };
    const actual = kind === 'exit' ? `the end of the program, exit code ${code}` : `death by an exception, exit code ${code}`;
    if (head?.tag !== EventTag.End) return this.diverge(actual, { kind: 'turn', call });
    const event = this.reader.next() as EndEvent;
    if (event.kind === kind && event.code === code) return;
    this.diverge(actual, { kind: 'turn', call, expected: { ...head, name: `${event.kind}, exit code ${event.code}` } });
  }

  /** Makes something that the recorded process had before the recorder: no crossing, and no object of it has a number. */
  before<T>(make: () => T): T {
    const first = this.next;
    try {
      return this.quiet(make);
    } finally {
      for (; this.next > first; this.next--) {
        const object = this.objects.get(this.next - 1);
        if (object !== undefined) writeNumber(object, 0);
        this.objects.delete(this.next - 1);
      }
    }
  }

  mark(name: string): void {
    if (this.aside || this.apart !== 0) return;
    const head = this.head();
    const call: CrossingFacts = { event: null, kind: 'mark', member: name, handle: 0 };
    if (head === undefined) return this.ranOut(`the mark ${name}`, call);
    if (head.tag !== EventTag.Mark || head.name !== name) return this.diverge(`the mark ${name}`, { kind: 'turn', call });
    this.agreement.with(head);
    this.reader.next();
  }
}

/** Prepares what a promise is settled with, as logged: [true, value] or [false, error]; settles it when called. */
function outcomeOf({ options, resolve, reject }: Waiting, [fulfilled, logged]: unknown[]): () => void {
  const { load, loadError } = options;
  const change = fulfilled === true ? load : loadError;
  const value: unknown = change === undefined ? logged : change(logged);
  return () => (fulfilled === true ? resolve : reject)(value);
}
