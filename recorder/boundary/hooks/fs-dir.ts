/**
 * Open directories: fs.opendir and recursive listings. A native handle answers a buffer of entries at a time.
 */
import type { Boundary, SyncOptions } from '../core';
import type { Members } from '../host';

export function install(boundary: Boundary): void {
  boundary.host.whenBinding('fs_dir', (binding) => {
    const requestPrototype = boundary.host.internalBinding('fs')['FSReqCallback'].prototype as object;
    const { prototype } = binding['DirHandle'] as { prototype: Members };

    const save = (value: unknown): unknown =>
      typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === prototype ? { dir: boundary.numberOf(value) } : value;
    const load = (value: unknown): unknown => {
      if (typeof value !== 'object' || value === null || !('dir' in value)) return value;
      const handle = Object.create(prototype) as object;
      boundary.adopt(handle, (value as { dir: number }).dir);
      return handle;
    };
    const options = (name: string, handle: boolean): SyncOptions => {
      const complete = boundary.site(`${name}.oncomplete`);
      return {
        handle,
        prepare(args) {
          for (let i = args.length - 1; i >= 0; i--) {
            const arg: unknown = args[i];
            if (typeof arg !== 'object' || arg === null || Object.getPrototypeOf(arg) !== requestPrototype) continue;
            boundary.callback(arg as Members, 'oncomplete', complete, {
              once: true,
              save: (values) => [values[0], save(values[1])],
              load: (values) => [values[0], load(values[1])],
            });
          }
        },
        // Node 20: the details of a failure go into the last argument.
        save(result, args) {
          const context: unknown = args[args.length - 1];
          const failed = typeof context === 'object' && context !== null && 'code' in context;
          return failed ? { failed: { ...context } } : save(result);
        },
        load(value, args) {
          if (typeof value !== 'object' || value === null || !('failed' in value)) return load(value);
          Object.assign(args[args.length - 1] as object, value.failed);
          return undefined;
        },
      };
    };
    boundary.sync(binding, 'opendir', 'fs_dir.opendir', options('fs_dir.opendir', false));
    boundary.sync(binding, 'opendirSync', 'fs_dir.opendirSync', options('fs_dir.opendirSync', false));
    boundary.sync(prototype, 'read', 'DirHandle.read', options('DirHandle.read', true));
    boundary.sync(prototype, 'close', 'DirHandle.close', options('DirHandle.close', true));
  });
}
