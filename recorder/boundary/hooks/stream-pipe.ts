/**
 * Streams joined below JavaScript: how HTTP/2 sends files (`respondWithFile`, `respondWithFD`). What crosses is the making of the
 * two objects, their start, and the news of their end.
 *
 * Invariant: at replay both are objects of the right class with nothing native inside: a real FileHandle would close a real
 * descriptor when it is collected.
 */
import type { Boundary } from '../core';
import type { AnyFunction, Members } from '../host';
import { takeAsyncId } from './async-ids';
import { installReads } from './streams';

type NativeClass = AnyFunction & { prototype: Members };

export function install(boundary: Boundary): void {
  boundary.host.whenBinding('stream_pipe', (binding) => {
    const hooks = boundary.host.requireInternal('internal/async_hooks');
    const wrap = boundary.host.internalBinding('async_wrap');
    const ids = wrap['async_id_fields'] as Float64Array;
    const { kAsyncIdCounter } = wrap['constants'] as { kAsyncIdCounter: number };

    /** Makes `name` of `owner` a class whose instances are numbered and, at replay, `made` of nothing. */
    const replaceClass = (owner: Members, name: string, provider: string, made: (object: Members, args: unknown[]) => void): void => {
      const Class = owner[name] as NativeClass;
      owner[name] = new Proxy(Class, {
        construct(target, args: unknown[], newTarget) {
          let object: Members;
          if (boundary.mode === 'record') object = Reflect.construct(target, args, newTarget) as Members;
          else {
            object = Object.create(Class.prototype) as Members;
            takeAsyncId(hooks, provider, object);
            const asyncId = ids[kAsyncIdCounter]!;
            Object.defineProperty(object, 'getAsyncId', { value: () => asyncId, configurable: true });
          }
          boundary.numberOf(object);
          made(object, args);
          return object;
        },
      });
    };

    const files = boundary.host.internalBinding('fs');
    const { prototype: handles } = files['FileHandle'] as NativeClass;
    const attachReads = installReads(boundary, { name: 'FileHandle', prototype: handles, nested: true }, handles);
    replaceClass(files, 'FileHandle', 'FILEHANDLE', (object, [fd]) => {
      if (boundary.mode === 'replay') Object.defineProperty(object, 'fd', { value: fd, configurable: true });
      attachReads(object);
    });

    const { prototype: pipes } = binding['StreamPipe'] as NativeClass;
    for (const member of ['start', 'unpipe', 'isClosed', 'pendingWrites'])
      boundary.sync(pipes, member, `streamPipe.${member}`, { handle: true });
    boundary.callbackProperty(pipes, 'onunpipe', boundary.site('streamPipe.onunpipe', true), { nested: true });
    replaceClass(binding, 'StreamPipe', 'STREAMPIPE', (object, [source, sink]) => {
      // Native code sets these.
      if (boundary.mode === 'replay') Object.assign(object, { source, sink });
    });
  });
}
