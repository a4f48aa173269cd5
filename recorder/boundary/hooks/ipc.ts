/**
 * The channel to the process that forked this one, and the state of a cluster worker. Node sets both up before any preload, from
 * variables it then takes out of the environment; a replay sets them up again, by Node's own functions, on a pipe that is never
 * opened, before it installs any hook. From then on the channel is a pipe like others: see net.ts, and streams.ts for the handles
 * that come with its bytes.
 *
 * Invariant: when the hooks are installed both modes have the same channel, which has not been read from.
 */
import type { Boundary } from '../core';
import type { AnyFunction, Host, Members } from '../host';
import { serializedOn } from './serdes';

/** What Node knew of its parent when the program began. */
export interface Channel {
  readonly serialization: 'json' | 'advanced';
  /** NODE_UNIQUE_ID of a cluster worker. */
  readonly worker: number | null;
}

/** Methods of a pipe that Node calls while it sets up the channel. */
const OPENING = ['open', 'readStart', 'writeUtf8String', 'writeBuffer', 'writev'];

/** Takes over the channel, if there is one. */
export function install(boundary: Boundary): void {
  const { host } = boundary;
  const channel = pipeOf(host);
  if (channel === undefined) return;
  const { prototype } = host.internalBinding('pipe_wrap')['Pipe'] as { prototype: object };
  // Node has given it to the native side already: given again, it goes through our accessor.
  channel['onread'] = Reflect.get(Object.getPrototypeOf(prototype) as object, 'onread', channel) as unknown;
  serializedOn(boundary, channel);
}

function pipeOf(host: Host): Members | undefined {
  if (host.process.channel === undefined) return undefined;
  const { kChannelHandle } = host.requireInternal('internal/child_process') as { kChannelHandle: symbol };
  return host.process[kChannelHandle as never] as Members;
}

/** Record: what is kept for the replay; null if no process forked this one. */
export function channelOf(host: Host): Channel | null {
  const channel = pipeOf(host);
  if (channel === undefined) return null;
  let worker: number | null = null;
  if (host.loaded.includes('NativeModule cluster')) {
    const cluster = host.requireInternal('cluster') as { isWorker: boolean; worker?: { id: number } };
    if (cluster.isWorker) worker = cluster.worker!.id;
  }
  // Set by the advanced form from its beginning.
  return { serialization: Object.hasOwn(channel, 'buffering') ? 'advanced' : 'json', worker };
}

/** Replay: the same channel once more. `recorded` comes from the manifest, and is believed only as far as it makes sense. */
export function restoreChannel(host: Host, recorded: unknown): void {
  if (typeof recorded !== 'object' || recorded === null) return;
  const { serialization, worker } = recorded as Partial<Channel>;
  const childProcess = host.requireInternal('child_process') as { _forkChild(fd: number, serialization: string): void };
  const { prototype } = host.internalBinding('pipe_wrap')['Pipe'] as { prototype: Members };
  const wrap = host.internalBinding('stream_wrap');
  const fields = wrap['streamBaseState'] as Int32Array;
  const own = OPENING.map((member) => [member, Object.getOwnPropertyDescriptor(prototype, member)] as const);
  for (const [member] of own)
    prototype[member] = (() => {
      fields[wrap['kLastWriteWasAsync'] as number] = 0;
      return 0;
    }) as AnyFunction;
  try {
    childProcess._forkChild(3, serialization === 'advanced' ? 'advanced' : 'json');
    if (typeof worker !== 'number') return;
    host.process.env['NODE_UNIQUE_ID'] = String(worker);
    (host.requireInternal('cluster') as { _setupWorker(): void })._setupWorker();
    delete host.process.env['NODE_UNIQUE_ID'];
  } finally {
    for (const [member, property] of own)
      if (property === undefined) delete prototype[member];
      else Object.defineProperty(prototype, member, property);
  }
}
