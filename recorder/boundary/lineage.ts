/**
 * What a recorded process knows about its place among other processes: what it runs, what its descriptors are, and what is to be
 * done when it starts others. Called by recording.ts.
 *
 * Invariant: nothing here is a crossing, and no failure here reaches the program.
 */
import { fstatSync } from 'node:fs';
import { join } from 'node:path';
import { EVALUATED, PIPED, TESTED, PROCESSES, processNumbers, readManifest, writeManifest, type TraceWriter } from '../trace';
import type { Boundary } from './core';
import { withOrders } from './family';
import type { ChildEvents } from './hooks/process-spawn';
import type { Host } from './host';

export interface ChildrenOptions {
  /** Root of the recording, and this process's number in it. */
  readonly root: string;
  readonly number: number;
  /** The preload and the flags that make a child record itself. Undefined: children are let alone. */
  readonly children?: { readonly preload: string; readonly flags: readonly string[] } | undefined;
}

/** What the spawn hooks ask; undefined if children are not recorded. */
export function childEvents({ children, number, root }: ChildrenOptions, boundary: Boundary, writer: TraceWriter): ChildEvents | undefined {
  if (children === undefined) return undefined;
  const { pid } = process;
  return {
    flags: children.flags,
    environment: (pairs, how) => withOrders(pairs, children.preload, { root, process: number, pid, event: writer.count, how }),
    onKilled: (child, signal) => boundary.quiet(() => noteKilled(root, child, signal)),
  };
}

/** A killed process cannot say how it ended; the parent can. */
function noteKilled(root: string, pid: number, signal: string): void {
  try {
    for (const number of processNumbers(root).reverse()) {
      const directory = join(root, PROCESSES, String(number));
      const manifest = readManifest(directory);
      if (manifest.processes[0]!.pid !== pid) continue;
      if (manifest.end === null) writeManifest(directory, { ...manifest, status: 'ended', end: { kind: 'signal', code: 0, signal } });
      return;
    }
  } catch {
    // Not recorded, or not to be read: how it ended stays unknown.
  }
}

/** Manifest.program of this process. */
export function programOf(host: Host): string {
  const { getOptionValue } = host.requireInternal('internal/options') as { getOptionValue(name: string): unknown };
  if (getOptionValue('[has_eval_string]') === true) return EVALUATED;
  if (getOptionValue('--test') === true) return TESTED;
  const script = process.argv[1];
  const special = ['--check', '--interactive', '--watch'].some((name) => getOptionValue(name) === true);
  return (script === undefined || script === '-') && !special ? PIPED : (script ?? '');
}

/** An entry of Manifest.stdio. */
export function identityOf(fd: number): string {
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return '';
  }
}
