/**
 * The HTTP parser: it runs for real in both modes, over the bytes that the sockets deliver.
 *
 * Invariant: the parser reads no socket by itself. consume() would let native code feed it past JavaScript, so it does nothing:
 * the bytes then come through onread, which is recorded.
 */
import type { Boundary } from '../core';
import type { Members } from '../host';

export function install(boundary: Boundary): void {
  boundary.host.whenBinding('http_parser', (binding) => {
    const { prototype } = binding['HTTPParser'] as { prototype: Members };
    prototype['consume'] = { consume: () => undefined }.consume;
    prototype['unconsume'] = { unconsume: () => undefined }.unconsume;
    boundary.sync(prototype, 'duration', 'http.duration', { handle: true });

    // Lists of parsers by age: they ask the clock and order by address. A parser has a number from its start.
    const initialize = prototype['initialize'] as (...args: unknown[]) => unknown;
    prototype['initialize'] = {
      initialize(this: Members): unknown {
        boundary.numberOf(this);
        return Reflect.apply(initialize, this, arguments) as unknown;
      },
    }.initialize;
    const lists = (binding['ConnectionsList'] as { prototype: Members }).prototype;
    for (const member of ['all', 'idle', 'active', 'expired']) boundary.sync(lists, member, `http.connections.${member}`);
  });
}
