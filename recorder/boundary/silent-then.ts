/**
 * Watches a promise without a trace in the program's async ids: promise.then() makes another promise, which hooks on promises
 * (async_hooks, and AsyncLocalStorage on Node 20) would see and number. Used in both modes, for native promises and their
 * stand-ins.
 *
 * Invariant: no async id is used up. A before/after hook of the program is called once more, with the watched promise's own id.
 */
import type { AnyFunction, Host } from './host';

export type Watch = (promise: Promise<unknown>, fulfilled: (value: unknown) => void, rejected: (error: unknown) => void) => void;

export function silentThen(host: Host): Watch {
  const { apply, defineProperty, deleteProperty, getOwnPropertyDescriptor } = Reflect;
  const { hasOwn } = Object;
  const then = Promise.prototype.then as AnyFunction;
  const wrap = host.internalBinding('async_wrap');
  const fields = wrap['async_hook_fields'] as Uint32Array;
  const { kTotals } = wrap['constants'] as { kTotals: number };
  const getPromiseHooks = wrap['getPromiseHooks'] as () => unknown[];
  const setPromiseHooks = wrap['setPromiseHooks'] as AnyFunction;
  const { async_id_symbol, trigger_async_id_symbol } = host.internalBinding('symbols') as Record<string, symbol>;
  const { species } = Symbol;
  const Native = Promise;
  const speciesOf = getOwnPropertyDescriptor(Native, species)!.get;
  const prototype = Native.prototype;
  /** Whether `then` asks the promise for its class in vain: nobody has changed what it would find. */
  const untouched = (promise: object): boolean =>
    !hasOwn(promise, 'constructor') &&
    getOwnPropertyDescriptor(prototype, 'constructor')?.value === Native &&
    getOwnPropertyDescriptor(Native, species)?.get === speciesOf;
  const react = (promise: object, args: unknown[]): unknown => {
    if (untouched(promise)) return apply(then, promise, args);
    const own = getOwnPropertyDescriptor(promise, 'constructor');
    // ES2024 27.2.5.4: without a constructor the class is %Promise%.
    defineProperty(promise, 'constructor', { value: undefined, configurable: true });
    try {
      return apply(then, promise, args);
    } finally {
      if (own === undefined) deleteProperty(promise, 'constructor');
      else defineProperty(promise, 'constructor', own);
    }
  };
  return (promise, fulfilled, rejected) => {
    if (fields[kTotals] === 0) {
      react(promise, [fulfilled, rejected]);
      return;
    }
    const hooks = getPromiseHooks();
    setPromiseHooks(undefined, undefined, undefined, undefined);
    const derived = react(promise, [fulfilled, rejected]) as Record<symbol, unknown>;
    const watched = promise as unknown as Record<symbol, unknown>;
    derived[async_id_symbol!] = watched[async_id_symbol!];
    derived[trigger_async_id_symbol!] = watched[trigger_async_id_symbol!];
    setPromiseHooks(hooks[0], hooks[1], hooks[2], hooks[3]);
  };
}
