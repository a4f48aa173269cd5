/**
 * The destroy callbacks of async hooks. Native code makes them some time after a resource has ended, or has been collected.
 *
 * Invariant: at replay they run where they were recorded, for the recorded ids, and never because of what is collected now.
 */
import type { Boundary } from '../core';
import { replace } from '../disguise';
import type { AnyFunction, Members } from '../host';
import { objectFor } from './streams';

export function install(boundary: Boundary): void {
  const { host } = boundary;
  const symbol = (host.requireInternal('internal/async_hooks')['symbols'] as Record<string, symbol>)['destroy_symbol']!;
  const site = boundary.site('async_hooks.destroy');
  /** The program's callback, of each hook whose own has been replaced. */
  const callbacks = new WeakMap<object, AnyFunction>();

  host.whenModule('async_hooks', (exports) => {
    const hook = (exports['createHook'] as AnyFunction)({}) as Members;
    const prototype = Object.getPrototypeOf(hook) as Members;
    const enable = prototype['enable'] as AnyFunction;
    replace(
      prototype,
      'enable',
      {
        enable(this: Members): unknown {
          const callback: unknown = this[symbol];
          if (typeof callback === 'function' && !callbacks.has(this)) {
            callbacks.set(this, callback as AnyFunction);
            boundary.numberOf(this);
            this[symbol] = boundary.mode === 'record' ? boundary.wrapEntry(site, callback as AnyFunction) : () => undefined;
          }
          return Reflect.apply(enable, this, arguments) as unknown;
        },
      }.enable,
    );
  });
  boundary.deliver(site, (args, handle) => {
    const recv = objectFor(boundary, site, handle);
    return { recv, fn: callbacks.get(recv)!, args };
  });
}
