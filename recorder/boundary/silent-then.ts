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
  const { apply } = Reflect;
  const then = Promise.prototype.then as AnyFunction;
  const wrap = host.internalBinding('async_wrap');
  const fields = wrap['async_hook_fields'] as Uint32Array;
  const { kTotals } = wrap['constants'] as { kTotals: number };
  const getPromiseHooks = wrap['getPromiseHooks'] as () => unknown[];
  const setPromiseHooks = wrap['setPromiseHooks'] as AnyFunction;
  const { async_id_symbol, trigger_async_id_symbol } = host.internalBinding('symbols') as Record<string, symbol>;
  return (promise, fulfilled, rejected) => {
    if (fields[kTotals] === 0) {
      apply(then, promise, [fulfilled, rejected]);
      return;
    }
    const hooks = getPromiseHooks();
    setPromiseHooks(undefined, undefined, undefined, undefined);
    const derived = apply(then, promise, [fulfilled, rejected]) as Record<symbol, unknown>;
    const watched = promise as unknown as Record<symbol, unknown>;
    derived[async_id_symbol!] = watched[async_id_symbol!];
    derived[trigger_async_id_symbol!] = watched[trigger_async_id_symbol!];
    setPromiseHooks(hooks[0], hooks[1], hooks[2], hooks[3]);
  };
}
