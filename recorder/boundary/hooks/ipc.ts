/**
 * The channel to the process that forked this one, and the state of a cluster worker. Node sets both up before any preload, from
 * variables it then takes out of the environment; at replay they are set up again by Node's own functions, on a pipe that is
 * never opened. From then on the channel is a pipe like others: see net.ts, and streams.ts for the handles that come with it.
 *
 * Invariant: the first message, in either direction, that is not of Node's own start is a crossing.
 */
import type { Boundary } from '../core';
import type { AnyFunction, Members } from '../host';

/** What Node knew of its parent when the program began. */
interface Channel {
  readonly serialization: 'json' | 'advanced';
  /** NODE_UNIQUE_ID of a cluster worker. */
  readonly worker: number | null;
}

/** Methods of a pipe that Node calls while it sets up the channel. */
const OPENING = ['open', 'readStart', 'writeUtf8String', 'writeBuffer', 'writev'];

export function install(boundary: Boundary): void {
  const { host } = boundary;
  const found = boundary.ask<Channel | null>(boundary.site('process.channel'), 0, () => liveChannel(boundary));
  if (found === null) return;
  if (boundary.mode === 'replay') setUp(boundary, found);
  else {
    const channel = channelOf(boundary)!;
    const { prototype } = host.internalBinding('pipe_wrap')['Pipe'] as { prototype: object };
    // Node has given it to the native side already: given again, it goes through our accessor.
    channel['onread'] = Reflect.get(Object.getPrototypeOf(prototype) as object, 'onread', channel) as unknown;
  }
}

function channelOf(boundary: Boundary): Members | undefined {
  const { host } = boundary;
  if (host.process.channel === undefined) return undefined;
  const { kChannelHandle } = host.requireInternal('internal/child_process') as { kChannelHandle: symbol };
  return host.process[kChannelHandle as never] as Members;
}

function liveChannel(boundary: Boundary): Channel | null {
  const channel = channelOf(boundary);
  if (channel === undefined) return null;
  let worker: number | null = null;
  if (boundary.host.loaded.includes('NativeModule cluster')) {
    const cluster = boundary.host.requireInternal('cluster') as { isWorker: boolean; worker?: { id: number } };
    if (cluster.isWorker) worker = cluster.worker!.id;
  }
  // Set by the advanced form from its beginning.
  return { serialization: Object.hasOwn(channel, 'buffering') ? 'advanced' : 'json', worker };
}

function setUp(boundary: Boundary, { serialization, worker }: Channel): void {
  const { host } = boundary;
  const childProcess = host.requireInternal('child_process') as { _forkChild(fd: number, serialization: string): void };
  const { prototype } = host.internalBinding('pipe_wrap')['Pipe'] as { prototype: Members };
  const wrap = host.internalBinding('stream_wrap');
  const fields = wrap['streamBaseState'] as Int32Array;
  const hooks = OPENING.map((member) => [member, prototype[member] as AnyFunction] as const);
  for (const [member] of hooks)
    prototype[member] = () => {
      fields[wrap['kLastWriteWasAsync'] as number] = 0;
      return 0;
    };
  const { writeQueueSize } = Object.getOwnPropertyDescriptors(prototype);
  Object.defineProperty(prototype, 'writeQueueSize', { value: 0, configurable: true });
  try {
    childProcess._forkChild(3, serialization);
    if (worker === null) return;
    host.process.env['NODE_UNIQUE_ID'] = String(worker);
    (host.requireInternal('cluster') as { _setupWorker(): void })._setupWorker();
    delete host.process.env['NODE_UNIQUE_ID'];
  } finally {
    for (const [member, hook] of hooks) prototype[member] = hook;
    Object.defineProperty(prototype, 'writeQueueSize', writeQueueSize!);
  }
}
