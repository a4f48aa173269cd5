/**
 * Child processes: started in the recording, never at replay. Their pipes are ordinary pipes: see net.ts.
 *
 * Invariant: what a child writes to descriptors it inherited is not this program's output, and is not reproduced.
 */
import type { Boundary } from '../core';
import type { Members } from '../host';
import { installClose } from './streams';

export function install(boundary: Boundary): void {
  const { host } = boundary;
  host.whenBinding('process_wrap', (binding) => {
    const { prototype } = binding['Process'] as { prototype: Members };
    const exited = boundary.site('process.onexit');
    boundary.sync(prototype, 'spawn', 'process.spawn', {
      handle: true,
      // onexit of a child that could not be started is called by Node's JavaScript, and is no entry.
      save(status, _args, self) {
        if (status !== 0) return [status];
        boundary.callback(self, 'onexit', exited);
        return [0, self['pid']];
      },
      load(value, _args, self) {
        const [status, pid] = value as [number, number | undefined];
        if (status !== 0) return status;
        boundary.callback(self, 'onexit', exited);
        self['pid'] = pid;
        return status;
      },
    });
    boundary.sync(prototype, 'kill', 'process.kill', { handle: true });
    installClose(boundary, 'process', prototype);
  });
  host.whenBinding('spawn_sync', (binding) => boundary.sync(binding, 'spawn', 'process.spawnSync'));
}
