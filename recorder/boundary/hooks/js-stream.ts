/**
 * Native streams made of JavaScript streams: how TLS runs over something that is no socket, such as a tunnel through a proxy.
 *
 * Invariant: at replay TLS computes nothing, so nothing is handed to it: bytes given to the stream go nowhere, and what native
 * code asked of the stream is asked again from the trace.
 */
import type { Boundary } from '../core';
import type { Members } from '../host';
import { installTraffic } from './streams';

export function install(boundary: Boundary): void {
  boundary.host.whenBinding('js_stream', (binding) => {
    const { prototype } = binding['JSStream'] as { prototype: Members };
    const { WriteWrap, ShutdownWrap } = boundary.host.internalBinding('stream_wrap') as Record<string, new () => Members>;
    for (const member of ['readBuffer', 'emitEOF', 'finishWrite', 'finishShutdown'])
      boundary.sync(prototype, member, `jsstream.${member}`, { handle: true });
    installTraffic(boundary, { name: 'jsstream', prototype, nested: true });

    /** A request that came from the stream above, or one that native code has made. */
    const request = (Class: new () => Members, number: number): object => {
      const known = boundary.objectOf(number);
      if (known !== undefined) return known;
      const made = new Class();
      boundary.adopt(made, number);
      return made;
    };
    const nested = true;
    for (const member of ['onreadstart', 'onreadstop'])
      boundary.callbackProperty(prototype, member, boundary.site(`jsstream.${member}`, nested), { nested });
    boundary.callbackProperty(prototype, 'onwrite', boundary.site('jsstream.onwrite', nested), {
      nested,
      save: (args) => [boundary.numberOf(args[0] as object), args[1]],
      load: ([number, buffers]) => [request(WriteWrap!, number as number), buffers],
    });
    boundary.callbackProperty(prototype, 'onshutdown', boundary.site('jsstream.onshutdown', nested), {
      nested,
      save: (args) => [boundary.numberOf(args[0] as object)],
      load: ([number]) => [request(ShutdownWrap!, number as number)],
    });
  });
}
