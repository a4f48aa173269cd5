/**
 * What the garbage collector lets a program see: WeakRef.prototype.deref and FinalizationRegistry callbacks. Node's own weak
 * references count too where built-ins compiled later use them (AbortSignal.any and timeout, process.finalization).
 *
 * Invariant: an object is dead at replay exactly where it was found dead in the recording. Until then the replay keeps it.
 */
import type { Boundary } from '../core';
import { disguise, replace } from '../disguise';
import type { AnyFunction, Members } from '../host';
import type { ReplayBoundary } from '../replay';

const { apply, construct, defineProperty } = Reflect;

export function install(boundary: Boundary): void {
  installWeakRef(boundary);
  installRegistry(boundary);
}

/** Puts a stand-in in the place of a global class; instances keep the native prototype. */
function standFor(native: AnyFunction, name: string, make: (args: IArguments, newTarget: AnyFunction) => object): AnyFunction {
  function StandIn(this: unknown): object {
    if (new.target === undefined) return apply(native, undefined, arguments) as object;
    return make(arguments, new.target as unknown as AnyFunction);
  }
  disguise(StandIn, native);
  defineProperty(native.prototype as object, 'constructor', { value: StandIn, writable: true, enumerable: false, configurable: true });
  defineProperty(globalThis, name, { value: StandIn, writable: true, enumerable: false, configurable: true });
  return StandIn;
}

/** What Node's primordials call `Safe...`: a subclass whose methods the program cannot reach. Call when they are in place. */
function substituteSafe(boundary: Boundary, name: string, StandIn: AnyFunction): void {
  const Safe = class extends (StandIn as unknown as new (argument: unknown) => object) {};
  const { prototype } = Safe;
  for (const key of Reflect.ownKeys(StandIn.prototype as object))
    if (key !== 'constructor') defineProperty(prototype, key, Reflect.getOwnPropertyDescriptor(StandIn.prototype as object, key)!);
  Object.setPrototypeOf(prototype, null);
  Object.freeze(prototype);
  defineProperty(Safe, 'name', { value: `Safe${name}`, configurable: true });
  boundary.host.substitute(`Safe${name}`, Object.freeze(Safe));
}

function installWeakRef(boundary: Boundary): void {
  const Native = WeakRef as unknown as AnyFunction;
  const site = boundary.site('WeakRef.deref');
  /** Replay: what a reference stands for, until it is recorded as dead. */
  const kept = new WeakMap<object, { target: unknown }>();
  const StandIn = standFor(Native, 'WeakRef', (args, newTarget) => {
    const ref = construct(Native, args, newTarget) as object;
    if (boundary.mode === 'replay') kept.set(ref, { target: args[0] });
    return ref;
  });
  const prototype = Native.prototype as Members;
  const deref = prototype['deref'] as AnyFunction;
  replace(
    prototype,
    'deref',
    {
      deref(this: object): unknown {
        const target: unknown = apply(deref, this, []);
        if (boundary.aside) return target;
        if (boundary.mode === 'record') {
          boundary.ask(site, 0, () => target !== undefined);
          return target;
        }
        // One made before the boundary, by Node itself, is left to the collector.
        const entry = kept.get(this);
        const alive = boundary.ask(site, 0, () => true);
        if (entry === undefined) return alive ? target : undefined;
        if (!alive) entry.target = undefined;
        return entry.target;
      },
    }.deref,
  );
  substituteSafe(boundary, 'WeakRef', StandIn);
}

interface Registry {
  /** Held values by cell; a cell is the number of a registration. */
  readonly cells: Map<number, unknown>;
  readonly tokens: WeakMap<object, number[]>;
  readonly callback: AnyFunction;
  next: number;
}

function installRegistry(boundary: Boundary): void {
  const Native = FinalizationRegistry as unknown as AnyFunction;
  const registries = new WeakMap<object, Registry>();
  const finalize = boundary.site('FinalizationRegistry.callback');
  // One task of V8's cleans up several cells before ticks and microtasks run: all but the first are entries inside the first.
  const another = boundary.site('FinalizationRegistry.another', true);
  const enqueueMicrotask = boundary.host.internalBinding('task_queue')['enqueueMicrotask'] as (task: () => void) => void;
  const triggerUncaughtException = boundary.host.internalBinding('errors')['triggerUncaughtException'] as AnyFunction;
  let begun = false;
  const removed = boundary.site('FinalizationRegistry.unregister');

  /** Calls the program's callback for a cell: natively in record mode, by the driver in replay. */
  const finalized = (state: Registry, cell: number): void => {
    const held = state.cells.get(cell);
    state.cells.delete(cell);
    apply(state.callback, undefined, [held]);
  };
  if (boundary.mode === 'replay') {
    const replay = boundary as ReplayBoundary;
    const inTask = (name: string): boolean => name === another.name;
    const deliver = (after: () => void) => (args: unknown[], handle: number) => ({
      recv: boundary.host.process,
      fn() {
        try {
          finalized(registries.get(boundary.objectOf(handle) as object)!, args[0] as number);
        } catch (error) {
          // V8's task reports the exception at once, and ends in order.
          triggerUncaughtException(error, false);
        }
        after();
      },
      args: [],
    });
    boundary.deliver(
      finalize,
      deliver(() => {
        while (replay.nest(inTask) !== undefined);
      }),
    );
    boundary.deliver(
      another,
      deliver(() => undefined),
    );
  }

  const StandIn = standFor(Native, 'FinalizationRegistry', (args, newTarget) => {
    const callback: unknown = args[0];
    if (typeof callback !== 'function') return construct(Native, args, newTarget) as object;
    const state: Registry = { cells: new Map(), tokens: new WeakMap(), callback: callback as AnyFunction, next: 0 };
    const weak = (cell: number): void => {
      if (boundary.mode === 'replay' || !state.cells.has(cell)) return;
      if (boundary.own === 0) boundary.logEntry(begun ? another : finalize, number, [cell]);
      if (!begun) {
        begun = true;
        enqueueMicrotask(() => {
          begun = false;
        });
      }
      finalized(state, cell);
    };
    const registry = construct(Native, [weak], newTarget) as object;
    const number = boundary.numberOf(registry);
    registries.set(registry, state);
    return registry;
  });

  const prototype = Native.prototype as Members;
  const register = prototype['register'] as AnyFunction;
  const unregister = prototype['unregister'] as AnyFunction;
  replace(
    prototype,
    'register',
    {
      register(this: object, target: unknown, held: unknown, token: unknown): unknown {
        const state = registries.get(this);
        if (state === undefined || target === held) return apply(register, this, arguments) as unknown;
        const cell = state.next++;
        // The native registry checks the arguments, and keeps the cell in the place of the held value.
        const result: unknown = apply(register, this, token === undefined ? [target, cell] : [target, cell, token]);
        state.cells.set(cell, held);
        if (token !== undefined) {
          const cells = state.tokens.get(token as object);
          if (cells === undefined) state.tokens.set(token as object, [cell]);
          else cells.push(cell);
        }
        return result;
      },
    }.register,
  );
  replace(
    prototype,
    'unregister',
    {
      unregister(this: object, token: unknown): unknown {
        const state = registries.get(this);
        // It checks the token; whether a cell was still there is the collector's doing.
        const live = apply(unregister, this, arguments) as boolean;
        if (state === undefined) return live;
        const answer = boundary.ask(removed, 0, () => live);
        for (const cell of state.tokens.get(token as object) ?? []) state.cells.delete(cell);
        state.tokens.delete(token as object);
        return answer;
      },
    }.unregister,
  );
  substituteSafe(boundary, 'FinalizationRegistry', StandIn);
}
