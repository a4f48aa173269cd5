/**
 * Watching files: fs.watch (the system tells of changes) and fs.watchFile (Node asks again and again).
 *
 * Invariant: at replay nothing is watched; changes are told where they were recorded.
 */
import type { Boundary } from '../core';
import type { AnyFunction, Members } from '../host';
import { installClose } from './streams';

export function install(boundary: Boundary): void {
  const { host } = boundary;
  host.whenBinding('fs_event_wrap', (binding) => {
    const { prototype } = binding['FSEvent'] as { prototype: Members };
    // The native getter stays: where it cannot tell, the object itself does.
    const tell = (self: Members, initialized: boolean): void => {
      if (boundary.mode === 'replay') Object.defineProperty(self, 'initialized', { value: initialized, configurable: true });
    };
    boundary.sync(prototype, 'start', 'fs.watch.start', {
      handle: true,
      load(status, _args, self) {
        tell(self, status === 0);
        return status;
      },
    });
    boundary.callbackProperty(prototype, 'onchange', boundary.site('fs.watch.onchange'));
    installClose(boundary, 'fs.watch', prototype);
    const close = prototype['close'] as AnyFunction;
    prototype['close'] = {
      close(this: Members): unknown {
        tell(this, false);
        return Reflect.apply(close, this, arguments) as unknown;
      },
    }.close;
  });

  const { prototype } = host.internalBinding('fs')['StatWatcher'] as { prototype: Members };
  boundary.sync(prototype, 'start', 'fs.watchFile.start', { handle: true });
  boundary.callbackProperty(prototype, 'onchange', boundary.site('fs.watchFile.onchange'));
  installClose(boundary, 'fs.watchFile', prototype);
}
