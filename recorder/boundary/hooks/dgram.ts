/**
 * Datagram sockets.
 *
 * Invariant: at replay real UDP objects exist and none is ever bound.
 */
import type { Boundary } from '../core';
import type { Members } from '../host';
import { takeAsyncId } from './async-ids';
import { installClose } from './streams';

const OUT = new Map([
  ['getsockname', 0],
  ['getpeername', 0],
  ['bufferSize', 2],
]);

export function install(boundary: Boundary): void {
  boundary.host.whenBinding('udp_wrap', (binding) => {
    const { prototype } = binding['UDP'] as { prototype: Members };
    const hooks = boundary.host.requireInternal('internal/async_hooks');
    for (const member of Object.getOwnPropertyNames(prototype)) {
      const descriptor = Object.getOwnPropertyDescriptor(prototype, member)!;
      if (member === 'constructor' || typeof descriptor.value !== 'function') continue;
      const name = `udp.${member}`;
      const out = OUT.get(member);
      if (member.startsWith('send')) installSend(boundary, prototype, member, hooks);
      else if (out === undefined) boundary.sync(prototype, member, name, { handle: true });
      else
        boundary.sync(prototype, member, name, {
          handle: true,
          save: (result, args) => [result, { ...(args[out] as object) }],
          load(value, args) {
            const [result, filled] = value as [unknown, object];
            Object.assign(args[out] as object, filled);
            return result;
          },
        });
    }
    boundary.callbackProperty(prototype, 'onmessage', boundary.site('udp.onmessage'), {
      save: (args) => [args[0], args[2], args[3]],
      load: ([count, bytes, from], self) => [count, self, bytes, from],
    });
    boundary.callbackProperty(prototype, 'onerror', boundary.site('udp.onerror'), {
      save: (args) => [args[0], args[2]],
      load: ([count, error], self) => [count, self, error],
    });
    installClose(boundary, 'udp', prototype);
  });
}

/** A datagram goes out at once (an answer above 0) or later (0). */
function installSend(boundary: Boundary, prototype: Members, member: string, hooks: Members): void {
  const done = boundary.site(`udp.${member}.oncomplete`);
  boundary.sync(prototype, member, `udp.${member}`, {
    handle: true,
    save(result, args) {
      if (result === 0) boundary.callback(args[0] as Members, 'oncomplete', done, { once: true });
      return result;
    },
    load(result, args, self) {
      if (result !== 0) return result;
      takeAsyncId(hooks, 'UDPSENDWRAP', args[0] as object, self);
      boundary.callback(args[0] as Members, 'oncomplete', done, { once: true });
      return result;
    },
  });
}
