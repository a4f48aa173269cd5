/**
 * The output of a whole tree of processes. A program and the processes it starts often write to the same terminal or pipe; each
 * process replays alone, and the times in their traces say how their writes interleaved. What programs that are not recorded wrote
 * comes from the logs of their output. Used by Recording.run.
 *
 * Invariant: a process's own writes stay in its own order; writes of two processes are in the order of their times, which is the
 * real one wherever one write had been made before the other began.
 */
import { writeSync } from 'node:fs';
import { ReplayerFailed } from './errors';
import type { Recording, RunOptions, RunResult } from './recording';
import type { ReplayerProcess } from './replayer-process';

interface Chunk {
  readonly fd: 1 | 2;
  readonly bytes: Uint8Array;
  readonly time: number;
}

/** Processes below this one that wrote to its stdout or stderr, in the order of their numbers. */
export function sharingOutput(recording: Recording): Recording[] {
  const below = (one: Recording): Recording[] => one.children.flatMap((child) => [child, ...below(child)]);
  return below(recording)
    .filter((child) => fdsInto(recording, child).size > 0)
    .toSorted((a, b) => a.number - b.number);
}

/** Which descriptor of `recording` each of a child's is. */
function fdsInto(recording: Recording, child: Recording): Map<1 | 2, 1 | 2> {
  const ours = recording.manifest.stdio;
  const theirs = child.manifest.stdio;
  const fds = new Map<1 | 2, 1 | 2>();
  for (const fd of [1, 2] as const) {
    const file = theirs[fd];
    if (file === undefined || file === '') continue;
    if (file === ours[fd]) fds.set(fd, fd);
    else if (file === ours[3 - fd]) fds.set(fd, fd === 1 ? 2 : 1);
  }
  return fds;
}

/** How a plain replay ended. Throws Divergence, ReplayerFailed. */
export async function ended(replayer: ReplayerProcess): Promise<RunResult> {
  const { code, signal } = await replayer.exited;
  if (replayer.divergence) throw replayer.divergence;
  if (replayer.pid === undefined) throw new ReplayerFailed('the replayer could not be started.');
  return { exitCode: code, signal };
}

/** Replays `others` first, keeping what they write, then `recording`, putting theirs in its place. Throws what any of them throws. */
export async function runTogether(recording: Recording, others: readonly Recording[], options: RunOptions): Promise<RunResult> {
  recording.check();
  let kept: Chunk[] = [...recording.inheritedOutput];
  for (const other of others) {
    const fds = fdsInto(recording, other);
    if (options.onLeftOut && !isOfThisNode(other)) options.onLeftOut(other);
    else kept = kept.concat(await outputOf(other, fds, options));
    for (const { fd, bytes, time } of other.inheritedOutput) if (fds.has(fd)) kept.push({ fd: fds.get(fd)!, bytes, time });
  }
  kept.sort((a, b) => a.time - b.time);
  let next = 0;
  const until = (time: number): void => {
    while (next < kept.length && kept[next]!.time <= time) write(kept[next++]!);
  };
  const last: Chunk[] = [];
  const replayer = recording.begin(withoutThread(options), (fd, bytes, time) => {
    if (time === undefined) {
      last.push({ fd, bytes, time: 0 });
      return;
    }
    until(time);
    write({ fd, bytes, time });
  });
  await replayer.exited;
  for (const chunk of last) write(chunk);
  until(Infinity);
  return ended(replayer);
}

function isOfThisNode({ manifest }: Recording): boolean {
  return manifest.node.split('.')[0] === process.version.split('.')[0];
}

async function outputOf(recording: Recording, fds: ReadonlyMap<1 | 2, 1 | 2>, options: RunOptions): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  let time = 0;
  const last: Chunk[] = [];
  const keep = (list: Chunk[], fd: 1 | 2, bytes: Uint8Array): void => {
    const into = fds.get(fd);
    if (into !== undefined) list.push({ fd: into, bytes, time });
  };
  const replayer = recording.begin({ ...withoutThread(options), oneOfSeveral: true }, (fd, bytes, at) => {
    if (at !== undefined) time = at;
    keep(at === undefined ? last : chunks, fd, bytes);
  });
  await replayer.exited;
  // The report of a divergence is among them.
  if (replayer.divergence) for (const chunk of last) write(chunk);
  await ended(replayer);
  // Node's own words come when everything of the program's has been written.
  return [...chunks, ...last.map((chunk) => ({ ...chunk, time }))];
}

function withoutThread({ engine, onTurn }: RunOptions): RunOptions {
  return { ...(engine ? { engine } : {}), ...(onTurn ? { onTurn } : {}) };
}

function write({ fd, bytes }: Chunk): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') return;
      if (code !== 'EAGAIN') throw error;
    }
  }
}
