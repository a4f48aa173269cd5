/**
 * process.stdin, stdout and stderr. Node makes them on first use by the kind of the descriptor (file, pipe, terminal), and asks
 * through a function it captured at bootstrap.
 *
 * Invariant: a replayed program sees the recorded kinds, whatever its own descriptors are.
 */
import type { Boundary } from '../core';
import type { AnyFunction, Members } from '../host';
import type { ReplayBoundary } from '../replay';
import { reallyWrites } from './streams';

export function install(boundary: Boundary): void {
  const { host } = boundary;
  const util = host.requireInternal('internal/util');
  const live = util['guessHandleType'] as (fd: number) => string;
  const open = openedBefore(host.internalBinding('process_methods'));
  const site = boundary.site('util.guessHandleType');
  const [stdin, stdout, stderr, ...opened] = boundary.ask<(string | number)[]>(boundary.site('process.stdio'), 0, () => [
    live(0),
    live(1),
    live(2),
    ...open.map((owner) => owner['fd'] as number),
  ]);
  const kinds = [stdin, stdout, stderr] as string[];
  const guess = (fd: number): string => (fd >= 0 && fd < 3 ? kinds[fd]! : boundary.ask(site, 0, () => live(fd)));
  util['guessHandleType'] = guess;
  for (const owner of open) if (opened.includes(owner['fd'] as number)) reallyWrites(owner['_handle'] as object, owner['fd']);
  if (boundary.mode === 'record') return;

  // A second run of the script that defines the three getters, with our answers in place of the captured function.
  let defining = true;
  const getters = new Map<string, PropertyDescriptor>();
  const facade = new Proxy(host.process, {
    defineProperty(_target, name, descriptor) {
      getters.set(name as string, descriptor);
      return true;
    },
    set: () => true,
    get(target, name) {
      if (name === 'on' && defining) return () => undefined;
      const value = target[name] as unknown;
      return typeof value === 'function' ? (value as AnyFunction).bind(target) : value;
    },
  });
  const require = (id: string): Members => (id === 'internal/util' ? { ...util, guessHandleType: guess } : host.requireInternal(id));
  const methods = host.internalBinding('process_methods');
  const reset = methods['resetStdioForTesting'] as unknown;
  host.compileInternal('internal/bootstrap/switches/is_main_thread')(facade, require, host.internalBinding, host.primordials);
  methods['resetStdioForTesting'] = reset;
  defining = false;
  for (const [fd, name] of ['stdin', 'stdout', 'stderr'].entries()) {
    const read = getters.get(name)!.get as () => unknown;
    if (opened.includes(fd) && open.some((owner) => owner['fd'] === fd)) continue;
    const get = opened.includes(fd) ? () => openUnseen(boundary, read) : read;
    Object.defineProperty(host.process, name, { configurable: true, enumerable: true, get });
  }
}

/** Standard streams that are pipes and that Node has opened before us, as its test runner does: it keeps them, too. */
function openedBefore(methods: Members): Members[] {
  const active = methods['_getActiveHandles'] as () => Members[];
  return active().filter((owner) => owner['_type'] === 'pipe' && typeof owner['fd'] === 'number');
}

/** Such a stream, where the replayer's own descriptor is of another kind, is made, and nothing of it is an event. Later calls find it made. */
function openUnseen(boundary: Boundary, read: () => unknown): unknown {
  const { host } = boundary;
  // Loads what hooks wait for, so that they are in place below.
  host.requireInternal('net');
  const { prototype } = host.internalBinding('pipe_wrap')['Pipe'] as { prototype: Members };
  const property = Object.getOwnPropertyDescriptor(prototype, 'open')!;
  const open = function (this: object, fd: unknown): number {
    reallyWrites(this, fd);
    return 0;
  };
  Object.defineProperty(prototype, 'open', { ...property, value: open });
  try {
    return (boundary as ReplayBoundary).before(read);
  } finally {
    Object.defineProperty(prototype, 'open', property);
  }
}
