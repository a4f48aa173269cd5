/**
 * Signals the program listens to: the Signal handles behind process.on('SIGUSR2').
 */
import type { Boundary } from '../core';
import type { Members } from '../host';

export function install(boundary: Boundary): void {
  // Not whenBinding(): a module that is loaded already asks for it when the first listener is added.
  const binding = boundary.host.internalBinding('signal_wrap');
  const { prototype } = binding['Signal'] as { prototype: Members };
  const site = boundary.site('Signal.onsignal');
  boundary.sync(prototype, 'start', 'Signal.start', {
    handle: true,
    prepare: (_args, self) => boundary.callback(self, 'onsignal', site),
  });
  boundary.sync(prototype, 'stop', 'Signal.stop', { handle: true });
}
