/**
 * TCP sockets, pipes (local sockets, standard streams, children's pipes) and terminals.
 *
 * Invariant: at replay real handle objects exist, so that class, identity and async ids are right, but none is ever opened: a
 * terminal, which native code cannot make without opening it, is a pipe in disguise.
 */
import type { Boundary } from '../core';
import type { AnyFunction, Members } from '../host';
import { takeAsyncId } from './async-ids';
import { isOutput } from './early-output';
import { installClose, installStream, nativeHandle, objectFor, reallyWrites, type HandleClass, type StreamClass } from './streams';

export function install(boundary: Boundary): void {
  const { host } = boundary;
  host.whenBinding('tcp_wrap', (binding) => installTcp(boundary, binding));
  host.whenBinding('pipe_wrap', (binding) => installPipe(boundary, binding));
  host.whenBinding('tty_wrap', (binding) => installTerminal(boundary, binding));
}

function installTcp(boundary: Boundary, binding: Members): void {
  const TCP = binding['TCP'] as HandleClass;
  const stream: StreamClass = { name: 'tcp', prototype: TCP.prototype, nested: false };
  installStream(boundary, stream, [
    'bind', 'bind6', 'setNoDelay', 'setKeepAlive', 'setSimultaneousAccepts', 'setBlocking', 'getTypeOfService', 'setTypeOfService',
  ]); // prettier-ignore
  installOpen(boundary, stream);
  for (const member of ['getsockname', 'getpeername']) installOut(boundary, stream, member);
  for (const member of ['connect', 'connect6']) installConnect(boundary, stream, member, 'TCPCONNECTWRAP');
  installListen(boundary, stream, TCP, (binding['constants'] as Record<string, number>)['SOCKET']!);
  installClose(boundary, 'tcp', TCP.prototype);
  installClose(boundary, 'tcp', TCP.prototype, 'reset');
}

function installPipe(boundary: Boundary, binding: Members): void {
  const Pipe = binding['Pipe'] as HandleClass;
  const stream: StreamClass = { name: 'pipe', prototype: Pipe.prototype, nested: false, passesHandles: true };
  installStream(boundary, stream, ['bind', 'fchmod', 'setPendingInstances', 'setBlocking']);
  installOpen(boundary, stream);
  for (const member of ['connect', 'connect2']) installConnect(boundary, stream, member, 'PIPECONNECTWRAP');
  installListen(boundary, stream, Pipe, (binding['constants'] as Record<string, number>)['SOCKET']!);
  installClose(boundary, 'pipe', Pipe.prototype);
}

function installOpen(boundary: Boundary, { name, prototype }: StreamClass): void {
  boundary.sync(prototype, 'open', `${name}.open`, {
    handle: true,
    prepare: (args, self) => reallyWrites(self, args[0]),
    evaluated(args, self) {
      if (!isOutput(args[0])) return undefined;
      reallyWrites(self, args[0]);
      return { result: 0 };
    },
  });
}

function installTerminal(boundary: Boundary, binding: Members): void {
  const TTY = binding['TTY'] as (new (fd: number, context: object) => Members) & { prototype: Members };
  const { prototype } = TTY;
  const stream: StreamClass = { name: 'tty', prototype, nested: false };
  boundary.sync(binding, 'isTTY', 'tty.isTTY');
  installStream(boundary, stream, ['setRawMode', 'setBlocking']);
  installOut(boundary, stream, 'getWindowSize');
  installClose(boundary, 'tty', prototype);

  const open = boundary.site('tty.new');
  const { Pipe, constants } = boundary.host.internalBinding('pipe_wrap') as { Pipe: HandleClass; constants: Record<string, number> };
  binding['TTY'] = new Proxy(TTY, {
    construct(target, args: [number, object], newTarget) {
      let live: Members | undefined;
      const failure =
        boundary.evaluating && isOutput(args[0])
          ? null
          : boundary.ask<object | null>(open, 0, () => {
              live = Reflect.construct(target, args, newTarget) as Members;
              return Object.keys(args[1] ?? {}).length > 0 ? { ...args[1] } : null;
            });
      if (live !== undefined) {
        reallyWrites(live, args[0]);
        return live;
      }
      if (failure !== null) Object.assign(args[1], failure);
      const stand = new Pipe(constants['SOCKET']!);
      Object.setPrototypeOf(stand, prototype);
      reallyWrites(stand, args[0]);
      return stand;
    },
  });
}

/** A call that fills the object or array it is given. */
function installOut(boundary: Boundary, { name, prototype }: StreamClass, member: string): void {
  boundary.sync(prototype, member, `${name}.${member}`, {
    handle: true,
    save: (status, args) => [status, { ...(args[0] as object) }],
    load(value, args) {
      const [status, out] = value as [unknown, object];
      Object.assign(args[0] as object, out);
      return status;
    },
  });
}

function installConnect(boundary: Boundary, { name, prototype }: StreamClass, member: string, provider: string): void {
  const site = boundary.site(`${name}.${member}.oncomplete`);
  const hooks = boundary.host.requireInternal('internal/async_hooks');
  boundary.sync(prototype, member, `${name}.${member}`, {
    handle: true,
    prepare(args, self) {
      const request = args[0] as Members;
      boundary.callback(request, 'oncomplete', site, {
        once: true,
        save: (values) => [values[0], values[3], values[4]],
        load: ([status, readable, writable]) => [status, self, request, readable, writable],
      });
      if (boundary.mode === 'replay') takeAsyncId(hooks, provider, request, self);
    },
  });
}

/** listen(): each connection arrives as a handle that native code has made. */
function installListen(boundary: Boundary, { name, prototype }: StreamClass, Class: HandleClass, kind: number): void {
  const { host } = boundary;
  const site = boundary.site(`${name}.onconnection`);
  const clientFor = (number: number, asyncId: number, server: Members): Members =>
    nativeHandle(boundary, Class, kind, number, asyncId, server);

  // Where hooks of the program on `init` cross the boundary, they did so before the entry.
  boundary.prelude(site, ([, number, asyncId], server) => {
    if (number !== undefined) clientFor(number as number, asyncId as number, objectFor(boundary, site, server));
  });
  const save = (args: IArguments | unknown[]): unknown[] => {
    const client = args[1] as Members | undefined;
    if (client === undefined) return [args[0]];
    return [args[0], boundary.numberOf(client), (client['getAsyncId'] as () => number)()];
  };
  boundary.sync(prototype, 'listen', `${name}.listen`, {
    handle: true,
    prepare(_args, self) {
      boundary.callback(self, 'onconnection', site, {
        save,
        load: ([status, number, asyncId], server) =>
          number === undefined ? [status, undefined] : [status, clientFor(number as number, asyncId as number, server)],
      });
    },
  });
  // The primary of a cluster puts a callback of its own in place of the server's, which then is not ours: it ends here.
  if (boundary.mode === 'record')
    host.whenModule('internal/cluster/round_robin_handle', (RoundRobinHandle) => {
      const primary = RoundRobinHandle['prototype'] as Members;
      const distribute = primary['distribute'] as AnyFunction;
      primary['distribute'] = function (this: Members): unknown {
        const server = this['handle'] as Members | null;
        const client = arguments[1] as Members | undefined;
        // A client that a worker gave back is distributed again, by JavaScript.
        const again = client !== undefined && boundary.knownNumber(client) !== 0;
        if (!again && !boundary.aside && server instanceof Class) boundary.logEntry(site, boundary.numberOf(server), save(arguments));
        return Reflect.apply(distribute, this, arguments) as unknown;
      };
    });
}
