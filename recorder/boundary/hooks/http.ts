/**
 * The HTTP parser. A client's runs for real in both modes, over the bytes that its socket delivers to JavaScript. A server's is
 * joined to its socket below JavaScript (`consume`), which decides when ticks and microtasks run between the parts of a request:
 * from then on it is native code like any other, whose callbacks are entries and whose methods are calls.
 *
 * Invariant: at replay a parser that was joined to a socket is never given a byte.
 */
import type { Boundary } from '../core';
import type { AnyFunction, Members } from '../host';
import type { ReplayBoundary } from '../replay';
import { objectFor } from './streams';

const { apply, defineProperty } = Reflect;

/** Callbacks by their index on the parser. After those that do not drain, the next one follows in the same callback scope. */
const CALLBACKS = [
  { name: 'onMessageBegin', drains: false },
  { name: 'onHeaders', drains: true },
  { name: 'onHeadersComplete', drains: false },
  { name: 'onBody', drains: true },
  { name: 'onMessageComplete', drains: false },
  { name: 'onExecute', drains: true },
  { name: 'onTimeout', drains: true },
] as const;

/** Methods that a parser which is joined to a socket answers from the trace. */
const METHODS = ['execute', 'finish', 'getCurrentBuffer'] as const;

/** What is known of one parser. */
interface ParserState {
  /** Joined to a socket since it was last initialised. */
  joined: boolean;
  readonly callbacks: unknown[];
  /** Record: the same callbacks, logging. */
  readonly logging: unknown[];
}

export function install(boundary: Boundary): void {
  boundary.host.whenBinding('http_parser', (binding) => {
    const { prototype } = binding['HTTPParser'] as { prototype: Members };
    const states = new WeakMap<object, ParserState>();
    const stateOf = (parser: object): ParserState => {
      let state = states.get(parser);
      if (state === undefined) states.set(parser, (state = { joined: false, callbacks: [], logging: [] }));
      return state;
    };
    installMethods(boundary, prototype, stateOf);
    installCallbacks(boundary, prototype, stateOf);

    // Lists of parsers by age: they ask the clock and order by address.
    const lists = (binding['ConnectionsList'] as { prototype: Members }).prototype;
    for (const member of ['all', 'idle', 'active', 'expired']) boundary.sync(lists, member, `http.connections.${member}`);
  });
}

/**
 * Record: what native code finds on a parser that is joined to a socket is the logging callback itself, and not an accessor that it
 * would have to call for each. What the program assigns from then on must come by the accessor, so only callbacks are put there.
 */
function show(parser: Members, index: number, callback: unknown): void {
  if (typeof callback !== 'function') return;
  defineProperty(parser, index, { value: callback, writable: true, enumerable: true, configurable: true });
}

/** The accessor again; what the program has taken away in the meantime is gone. */
function unshow(parser: Members, index: number, state: ParserState): void {
  const own = Object.getOwnPropertyDescriptor(parser, index);
  if (own === undefined) return;
  if (own.value !== state.logging[index]) state.callbacks[index] = state.logging[index] = own.value as unknown;
  Reflect.deleteProperty(parser, index);
}

function installMethods(boundary: Boundary, prototype: Members, stateOf: (parser: object) => ParserState): void {
  // A joined parser has the crossings as its own; others keep the native methods, with no frame of ours in their stacks.
  const crossings: Members = Object.create(prototype) as Members;
  const natives: Members = {};
  for (const member of METHODS) {
    natives[member] = prototype[member] as unknown;
    boundary.sync(crossings, member, `http.${member}`, { handle: true });
  }
  const consume = prototype['consume'] as AnyFunction;
  const unconsume = prototype['unconsume'] as AnyFunction;
  const live = boundary.mode === 'record';
  prototype['consume'] = {
    consume(this: Members): unknown {
      const state = stateOf(this);
      state.joined = true;
      for (const member of METHODS) this[member] = crossings[member] as unknown;
      if (live) for (let index = 0; index < CALLBACKS.length; index++) show(this, index, state.logging[index]);
      return live ? (apply(consume, this, arguments) as unknown) : undefined;
    },
  }.consume;
  prototype['unconsume'] = {
    unconsume(this: Members): unknown {
      return live ? (apply(unconsume, this, arguments) as unknown) : undefined;
    },
  }.unconsume;
  const initialize = prototype['initialize'] as AnyFunction;
  prototype['initialize'] = {
    initialize(this: Members): unknown {
      boundary.numberOf(this);
      const state = stateOf(this);
      if (state.joined) {
        for (const member of METHODS) this[member] = natives[member] as unknown;
        if (live) for (let index = 0; index < CALLBACKS.length; index++) unshow(this, index, state);
      }
      state.joined = false;
      return apply(initialize, this, arguments) as unknown;
    },
  }.initialize;
  boundary.sync(prototype, 'duration', 'http.duration', { handle: true });
}

function installCallbacks(boundary: Boundary, prototype: Members, stateOf: (parser: object) => ParserState): void {
  const sites = CALLBACKS.map(({ name }) => boundary.site(`http.${name}`, true));
  const live = boundary.mode === 'record';
  CALLBACKS.forEach((_, index) =>
    defineProperty(prototype, index, {
      configurable: true,
      enumerable: false,
      get(this: object) {
        const state = stateOf(this);
        return state.joined && live ? state.logging[index] : state.callbacks[index];
      },
      set(this: object, callback: unknown) {
        const state = stateOf(this);
        state.callbacks[index] = callback;
        state.logging[index] =
          live && typeof callback === 'function' ? boundary.wrapEntry(sites[index]!, callback as AnyFunction, { nested: true }) : callback;
        if (live && state.joined) show(this as Members, index, state.logging[index]);
      },
    }),
  );
  if (live) return;

  const names = new Map(sites.map((site, index) => [site.name, index]));
  const replay = boundary as ReplayBoundary;
  let chained = false;
  sites.forEach((site, index) =>
    boundary.deliver(site, (args, handle) => {
      const recv = objectFor(boundary, site, handle);
      const fn = stateOf(recv).callbacks[index] as AnyFunction;
      if (CALLBACKS[index]!.drains || chained) return { recv, fn, args };
      // Native code went on to the next callback without letting ticks and microtasks run.
      const chain = function (this: object): void {
        apply(fn, this, arguments);
        chained = true;
        try {
          for (let done = false; !done;) {
            const name = replay.nest((next, of) => of === handle && names.has(next));
            done = name === undefined || CALLBACKS[names.get(name)!]!.drains;
          }
        } finally {
          chained = false;
        }
      };
      return { recv, fn: chain, args };
    }),
  );
}
