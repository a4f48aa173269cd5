/**
 * Name resolution: getaddrinfo, getnameinfo and the c-ares channel.
 *
 * Invariant: a channel is a real object at replay (it reads the machine's resolver settings, which nothing shows), but no
 * query is ever sent.
 */
import type { Boundary, SyncOptions } from '../core';
import type { Members } from '../host';
import { takeAsyncId } from './async-ids';

export function install(boundary: Boundary): void {
  boundary.host.whenBinding('cares_wrap', (binding) => {
    const hooks = boundary.host.requireInternal('internal/async_hooks');
    const query = (name: string, provider: string, handle: boolean): SyncOptions => {
      const site = boundary.site(`${name}.oncomplete`);
      return {
        handle,
        prepare(args) {
          boundary.callback(args[0] as Members, 'oncomplete', site, { once: true });
          if (boundary.mode === 'replay') takeAsyncId(hooks, provider, args[0] as object);
        },
      };
    };
    boundary.sync(binding, 'getaddrinfo', 'dns.getaddrinfo', query('dns.getaddrinfo', 'GETADDRINFOREQWRAP', false));
    boundary.sync(binding, 'getnameinfo', 'dns.getnameinfo', query('dns.getnameinfo', 'GETNAMEINFOREQWRAP', false));

    const { prototype } = binding['ChannelWrap'] as { prototype: Members };
    for (const member of Object.getOwnPropertyNames(prototype)) {
      if (member === 'constructor') continue;
      const name = `dns.${member}`;
      const asks = member.startsWith('query') || member === 'getHostByAddr';
      boundary.sync(prototype, member, name, asks ? query(name, 'QUERYWRAP', true) : { handle: true });
    }
  });
}
