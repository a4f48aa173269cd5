/**
 * What every hook is written against: one interface, implemented by record.ts and replay.ts.
 *
 * HOW TO ADD A HOOK FILE. Write `hooks/<area>.ts` exporting `install(boundary: Boundary): void`, add it to the list in
 * hooks/index.ts and its members to bindings.ts. install() runs in both modes, before the program, in the same order; it
 * replaces members of bindings and native prototypes with crossings:
 *
 *   S, a call that returns        boundary.sync(binding, 'member', 'binding.member', options)
 *                                 boundary.ask(site, () => live())            for cold, hand-written places
 *   E, native calls JavaScript    boundary.callback(object, 'oncomplete', site)         an own property, set before the call
 *                                 boundary.callbackProperty(Proto, 'onread', site)      any instance, whenever it is set
 *                                 boundary.entryFunction(site, fn)                      a function handed to native code
 *   a native promise              boundary.promise(site, () => live())
 *
 * Reach a binding through host.whenBinding('tcp_wrap', (binding) => ...) and a built-in through host.whenModule(id, ...):
 * they load nothing that the program would not load itself.
 *
 * RECORD runs the native function and logs its answer, or logs the entry and then runs the callback. REPLAY never calls the
 * native function: sync() takes the next event, which must be the same site on the same handle (anything else is a
 * Divergence), after delivering entries that were made inside the call (sites declared with `nested`); entries are delivered
 * by the driver. `save` turns what the native call produced (result, bytes written into arguments, out-objects) into one
 * codable value, `load` is its inverse at replay: it fills the arguments and returns the result. Native objects are numbered
 * at their first crossing, in the same order in both modes: `numberOf(object)`; native handles created by native code (an
 * accepted client) are numbered in `save` and made again in `load` with `adopt(object, number)`.
 *
 * Rules. Forward exactly the arguments received (`arguments`): native functions check counts and abort the process. Hook
 * leaves only, or suppress the leaf with quiet(). No JavaScript side effects in a hook that the two modes would not share.
 * A hook's own frames are hidden from stacks by file name; keep the same wrapper shapes in both modes.
 *
 * Invariant: outside of `quiet` no native call reaches the world at replay.
 */
import type { AnyFunction, Host, Members } from './host';

/** An interned name of a crossing, `binding.member`. `id` is its number in the trace, 0 while unknown. */
export interface Site {
  readonly name: string;
  id: number;
  /** Entries of this site may be made inside a native call that has not returned yet. */
  readonly nested: boolean;
}

/** The mark ahead of an entry that native code makes in the callback scope of the entry before: no ticks or microtasks in between. */
export const SAME_SCOPE = 'scope';
/**
 * The mark ahead of the first entry that native code makes in a callback scope of its own. Whatever its callbacks throw, the scope is gone
 * through to the end; then the last exception is met.
 */
export const OWN_SCOPE = 'own scope';

export interface SyncOptions {
  /** True: the receiver is a native handle and its number goes into the event. */
  readonly handle?: boolean;
  /** Runs before the native call in both modes: the place to hook callbacks among the arguments. */
  prepare?(args: IArguments, self: Members): void;
  /** Takes over a form of the call that is no plain call, such as one that returns a promise; undefined for the others. */
  divert?(args: IArguments, self: Members, original: AnyFunction): object | undefined;
  /** Record: the value to log. Default: the result. */
  save?(result: unknown, args: IArguments, self: Members): unknown;
  /** Replay: the result for a logged value. Default: the value. */
  load?(value: unknown, args: IArguments, self: Members): unknown;
  /** Replay, in an evaluation of a debugger's: what can be done without the trace, as output can. Undefined for the others. */
  evaluated?(args: IArguments, self: Members): { result: unknown } | undefined;
  /** For the module loader's questions: the fact that this call is about, undefined where it is an event. */
  fact?: ((args: IArguments) => Fact | undefined) | undefined;
  /** As save and load, for an answer that is a fact. */
  saveFact?(result: unknown, args: IArguments): unknown;
  loadFact?(value: unknown, args: IArguments): unknown;
}

/** What the module loader asks: kept by kind and key, not by its place in the trace. */
export interface Fact {
  readonly kind: string;
  readonly key: string;
}

export interface EntryOptions {
  /** The property is put back to the original before the first call: for requests, which complete once. */
  readonly once?: boolean;
  /** See Site.nested. */
  readonly nested?: boolean;
  /** Native code may call it again while it runs. Only for bound functions: V8 names others by the property that holds them. */
  readonly reentrant?: boolean;
  /** Record: the arguments to log. Default: the arguments as they are. */
  save?(args: IArguments, self: Members): unknown[];
  /** Replay: the arguments for logged values. Runs just before the callback: the place to fill native state arrays. */
  load?(args: unknown[], self: Members): unknown[];
}

export interface PromiseOptions {
  save?(value: unknown): unknown;
  load?(value: unknown): unknown;
  /** The same for what it is rejected with. */
  saveError?(error: unknown): unknown;
  loadError?(value: unknown): unknown;
  /** load and loadError run JavaScript of the program: they are called where it is settled, not ahead of it. */
  readonly inside?: boolean;
  /** Native code may settle it before the call returns. */
  readonly atOnce?: boolean;
  /** Replay: what native code does with JavaScript of the program before the call returns. */
  during?(): void;
  /** Replay: takes the async id that native code settles the promise under, once the promise is made; without it there is none. */
  resource?(): number;
}

/** What a driver delivers: a callback as node::MakeCallback makes it. */
export interface Delivery {
  readonly recv: object;
  readonly fn: AnyFunction;
  readonly args: unknown[];
  readonly asyncId: number;
  readonly triggerId: number;
  /** Called as Node calls its timers: async hooks put no function in between. */
  readonly direct?: boolean;
}

export interface Boundary {
  readonly mode: 'record' | 'replay';
  readonly host: Host;
  /** Above 0: the recorder's own work, in which nothing is a crossing. */
  own: number;
  /** The exception that Node is handling or dying of: a divergence report shows it. */
  fatal: unknown;

  site(name: string, nested?: boolean): Site;

  /** The number of a native object, given at its first crossing. */
  numberOf(object: object): number;
  /** Its number, or 0 if it has none yet. */
  knownNumber(object: object): number;
  /** Replay: says which object stands for a recorded number. */
  adopt(object: object, handle: number): void;
  /** Replay: the object of a number. */
  objectOf(handle: number): object | undefined;
  /** Lets go of an object that will not be called back again. */
  forget(object: object): void;

  /** Replaces target[member], a native function, by a crossing. Does nothing if there is no such function. */
  sync(target: Members, member: string, site: string, options?: SyncOptions): void;
  /** A crossing written by hand: record logs live()'s answer or error, replay answers from the trace. handle: a number or 0. */
  ask<T>(site: Site, handle: number, live: () => T): T;
  /**
   * Something of the program's that must come out the same at replay, as a 32-bit number: logged, then compared. what: for the report.
   * said: it goes to stdout or stderr, where nothing depends on it: a what-if may say something else.
   */
  same(site: Site, value: number, what: () => string, said?: boolean): void;
  /** Replay: what runs now is an evaluation of a debugger's. */
  readonly evaluating: boolean;
  /** Replay: the program has been changed by a debugger. */
  readonly whatIf: boolean;
  /** True where a wrapper must step aside: in the recorder's own work, after the end. */
  readonly aside: boolean;

  /** Hooks the own callback property of an object about to be handed to native code. */
  callback(object: Members, property: string, site: Site, options?: EntryOptions): void;
  /** Hooks a callback property of all instances with an accessor on their prototype; native reads it through the accessor. */
  callbackProperty(prototype: Members, property: string, site: Site, options?: EntryOptions): void;
  /** A function for native code to call; its entries carry no handle, or the receiver's if options.handle. */
  entryFunction(site: Site, callback: AnyFunction, receiver: object, options?: EntryOptions): AnyFunction;
  /** For callbacks of a kind of their own: record gives a function that logs the entry under its receiver's number, replay the callback as it is. See deliver. */
  wrapEntry(site: Site, callback: AnyFunction, options?: EntryOptions): AnyFunction;
  /** A promise that native code settles: record returns the native one untouched, replay one that the driver settles. */
  promise(site: Site, live: () => Promise<unknown>, options?: PromiseOptions): Promise<unknown>;

  /** Whether a promise has been settled. */
  isSettled(promise: object): boolean;
  /** Replay: settles a promise where native code did it inside of another call. */
  settleNow(promise: object): void;

  /** Replay: an entry that is delivered by the hook's own means. */
  deliver(site: Site, make: (args: unknown[], handle: number) => Omit<Delivery, 'asyncId' | 'triggerId'>): void;
  /**
   * Replay: what native code does of itself before it makes the callback of an entry (a handle whose `init` hooks run), where
   * that crosses the boundary. Called ahead of the delivery of an entry, perhaps more than once.
   */
  prelude(site: Site, run: (args: unknown[], handle: number) => void): void;
  /** Record: logs an entry made by hand; call it first thing in the callback. */
  logEntry(site: Site, handle: number, args: unknown[]): void;

  /** The module loader's question about the file system: answered from the path-keyed store at replay. */
  fact<T>(kind: string, key: string, live: () => T): T;
  /** Runs something of the recorder's own: nothing in it is a crossing. */
  quiet<T>(run: () => T): T;
  /** Replay: ends it, because a native function was called that was not recorded. */
  refuse(native: string): never;
  /**
   * An exception went past a callback or a tick: the ticks and microtasks it left run at a moment that differs between versions,
   * so a marker among the microtasks says when.
   */
  leftOver(): void;
  /** A moment in the life of the process that both modes must reach at the same place. */
  mark(name: string): void;
}
