/**
 * Record: stdout and stderr of programs that inherit them and are not recorded. Such a program gets a pipe in their place, from which
 * another process copies (native/forwarding.h). The spawn hooks ask before each start.
 *
 * Invariant: a terminal is handed on as it is, because programs ask more of it than to take bytes. Whatever fails here, the program
 * is started with what it was to get.
 */
import { fstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { closeDescriptor, forwardOutput, putDescriptor, settleOutput } from '../../native';
import { FORMAT_VERSION, OUTPUTS } from '../trace';
import type { Boundary } from './core';
import type { Members } from './host';

// As they are now: the program may put others in their place.
const { isArray } = Array;
const stat = fstatSync;
const makeFolder = mkdirSync;

export interface InheritedOptions {
  /** Folder of the process in the recording. */
  readonly directory: string;
  /** The file in which the processes of the recording agree on the order of their output. */
  readonly order: string;
  /** Told once, when what a program writes to a terminal will be missing. */
  readonly onTerminal: () => void;
}

/** A descriptor that a program is to get: ours by number, and which of our outputs it is. */
interface Inherited {
  readonly fd: number;
  readonly label: 1 | 2;
  /** device:inode */
  readonly file: string;
}

export class InheritedOutputs {
  private started = 0;
  /** Our ends of the pipes of the program being started. */
  private ends: readonly number[] = [];

  constructor(
    private readonly boundary: Boundary,
    private readonly options: InheritedOptions,
  ) {}

  /** stdio: what a native spawn is given. The same, or a copy with pipes in place of our outputs. */
  divert(stdio: unknown): unknown {
    if (!isArray(stdio)) return stdio;
    try {
      return this.boundary.quiet(() => this.diverted(stdio));
    } catch {
      return stdio;
    }
  }

  private diverted(stdio: readonly unknown[]): unknown {
    const wanted: (Inherited | undefined)[] = [];
    let any = false;
    for (let i = 0; i < stdio.length; i++) {
      // Nothing is written to what it reads from.
      wanted[i] = i === 0 ? undefined : this.outputOf(stdio[i] as Members | undefined);
      if (wanted[i] !== undefined) any = true;
    }
    if (!any) return stdio;
    // One pipe for each file: order among what is written to one file is kept.
    const streams = new Map<string, Inherited>();
    for (const one of wanted) if (one !== undefined && !streams.has(one.file)) streams.set(one.file, one);
    const { directory, order } = this.options;
    const folder = join(directory, OUTPUTS);
    if (this.started === 0) makeFolder(folder, { recursive: true, mode: 0o700 });
    const numbers: number[] = [];
    for (const { fd, label } of streams.values()) numbers.push(fd, label);
    this.finished();
    this.ends = forwardOutput(order, folder, `${++this.started}.trace`, FORMAT_VERSION, numbers);
    const files = [...streams.keys()];
    const copy: unknown[] = [];
    for (let i = 0; i < stdio.length; i++) {
      const one = wanted[i];
      copy[i] = one === undefined ? stdio[i] : { type: 'fd', fd: this.ends[files.indexOf(one.file)] };
    }
    return copy;
  }

  /** This process is about to become another program. */
  handOver(): void {
    const stdio = [0, 1, 2].map((fd) => ({ type: 'inherit', fd }));
    const diverted = this.divert(stdio);
    if (diverted !== stdio) (diverted as typeof stdio).forEach(({ fd }, as) => (fd === as ? undefined : putDescriptor(fd, as)));
    this.finished();
  }

  /** The program has been started, or could not be. */
  finished(): void {
    const { ends } = this;
    if (ends.length === 0) return;
    this.ends = [];
    for (const end of ends) closeDescriptor(end);
  }

  /** A program has ended, and the recorded one is about to learn of it. */
  settle(): void {
    if (this.started > 0) settleOutput();
  }

  private outputOf(entry: Members | undefined): Inherited | undefined {
    const fd = entry?.['type'] === 'wrap' ? (entry['handle'] as Members | undefined)?.['fd'] : entry?.['fd'];
    if (typeof fd !== 'number' || fd < 0) return undefined;
    const file = identity(fd);
    if (file === undefined) return undefined;
    const label = fd === 1 || fd === 2 ? fd : file === identity(1) ? 1 : file === identity(2) ? 2 : undefined;
    if (label === undefined) return undefined;
    if (!isTerminal(this.boundary, fd)) return { fd, label, file };
    this.options.onTerminal();
    return undefined;
  }
}

function identity(fd: number): string | undefined {
  try {
    const { dev, ino } = stat(fd, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

function isTerminal(boundary: Boundary, fd: number): boolean {
  const { isTTY } = boundary.host.internalBinding('tty_wrap') as { isTTY(fd: number): boolean };
  return isTTY(fd);
}
