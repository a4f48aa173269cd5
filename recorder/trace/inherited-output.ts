/**
 * What programs that are not recorded wrote to the stdout and stderr that they had inherited from a recorded process: files of
 * `output` events in its folder, one for each program it started, written by native/forwarder.cc. Read by the public API.
 *
 * Invariant: within a file times ascend. A file is as far as it was committed: its writer may still run, or have been killed.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Damaged } from './errors';
import { TraceReader } from './reader';
import { EventTag } from './tags';

/** Folder of these files, in that of the process. */
export const OUTPUTS = 'outputs';

export interface InheritedOutput {
  readonly fd: 1 | 2;
  /** In ticks of native `beginOutput`. */
  readonly time: number;
  readonly bytes: Uint8Array;
}

/** All of a process, in the order in which it was written. folder: the process's. Throws Damaged, NotARecording, WrongFormat. */
export function inheritedOutput(folder: string): InheritedOutput[] {
  const all: InheritedOutput[] = [];
  for (const name of namesIn(join(folder, OUTPUTS))) {
    const file = join(OUTPUTS, name);
    const reader = new TraceReader(readFileSync(join(folder, file)), file);
    let last = 0;
    for (let event = reader.next(); event !== undefined; event = reader.next()) {
      if (event.tag !== EventTag.Output) throw damaged(file, event.offset, 'it holds something else than output');
      const { fd, time, bytes } = event;
      if ((fd !== 1 && fd !== 2) || !(bytes instanceof Uint8Array) || time < last)
        throw damaged(file, event.offset, 'an output makes no sense');
      all.push({ fd, time, bytes });
      last = time;
    }
  }
  return all.sort((a, b) => a.time - b.time);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^\d+\.trace$/.test(name));
  } catch {
    return [];
  }
}

function damaged(file: string, offset: number, what: string): Damaged {
  return new Damaged(`${file} is damaged at byte ${offset}: ${what}. Copy the recording again.`, file, offset);
}
