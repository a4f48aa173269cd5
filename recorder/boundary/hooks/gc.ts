/**
 * What the garbage collector lets a program see: WeakRef.prototype.deref and FinalizationRegistry callbacks.
 *
 * Invariant: an object is dead at replay exactly where it was found dead in the recording. Until then the replay keeps it.
 */
import type { Boundary } from '../core';
import { disguise, replace } from '../disguise';
import type { AnyFunction, Members } from '../host';

const { apply, construct, defineProperty } = Reflect;

export function install(boundary: Boundary): void {
  installWeakRef(boundary);
  installRegistry(boundary);
}

/** Puts a stand-in in the place of a global class; instances keep the native prototype. */
function standFor(native: AnyFunction, name: string, make: (args: IArguments, newTarget: AnyFunction) => object): void {
  function StandIn(this: unknown): object {
    if (new.target === undefined) return apply(native, undefined, arguments) as object;
    return make(arguments, new.target as unknown as AnyFunction);
  }
  disguise(StandIn, native);
  defineProperty(native.prototype as object, 'constructor', { value: StandIn, writable: true, enumerable: false, configurable: true });
  defineProperty(globalThis, name, { value: StandIn, writable: true, enumerable: false, configurable: true });
}

function installWeakRef(boundary: Boundary): void {
  const Native = WeakRef as unknown as AnyFunction;
  const site = boundary.site('WeakRef.deref');
  /** Replay: what a reference stands for, until it is recorded as dead. */
  const kept = new WeakMap<object, { target: unknown }>();
  standFor(Native, 'WeakRef', (args, newTarget) => {
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
  const removed = boundary.site('FinalizationRegistry.unregister');

  /** Calls the program's callback for a cell: natively in record mode, by the driver in replay. */
  const finalized = (state: Registry, cell: number): void => {
    const held = state.cells.get(cell);
    state.cells.delete(cell);
    apply(state.callback, undefined, [held]);
  };
  boundary.deliver(finalize, (args, handle) => {
    const state = registries.get(boundary.objectOf(handle) as object)!;
    return { recv: boundary.host.process, fn: () => finalized(state, args[0] as number), args: [] };
  });

  standFor(Native, 'FinalizationRegistry', (args, newTarget) => {
    const callback: unknown = args[0];
    if (typeof callback !== 'function') return construct(Native, args, newTarget) as object;
    const state: Registry = { cells: new Map(), tokens: new WeakMap(), callback: callback as AnyFunction, next: 0 };
    const weak = (cell: number): void => {
      if (boundary.mode === 'replay' || !state.cells.has(cell)) return;
      if (boundary.own === 0) boundary.logEntry(finalize, number, [cell]);
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
        const live = (): boolean => apply(unregister, this, arguments) as boolean;
        if (state === undefined) return live();
        const answer = boundary.ask(removed, 0, live);
        for (const cell of state.tokens.get(token as object) ?? []) state.cells.delete(cell);
        state.tokens.delete(token as object);
        return answer;
      },
    }.unregister,
  );
}
