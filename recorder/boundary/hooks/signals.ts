/**
 * Signal handlers: the native object that watches for one signal.
 *
 * Invariant: at replay nothing is watched; a handler runs where it was recorded.
 */
import type { Boundary } from '../core';
import type { Members } from '../host';
import { installClose } from './streams';

export function install(boundary: Boundary): void {
  // Not whenBinding(): a module that is loaded already asks for it when the first listener is added.
  const { prototype } = boundary.host.internalBinding('signal_wrap')['Signal'] as { prototype: Members };
  const site = boundary.site('signal.onsignal');
  boundary.sync(prototype, 'start', 'signal.start', {
    handle: true,
    prepare: (_args, self) => boundary.callback(self, 'onsignal', site),
  });
  boundary.sync(prototype, 'stop', 'signal.stop', { handle: true });
  installClose(boundary, 'signal', prototype);
}
