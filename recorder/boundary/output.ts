/**
 * What a replayed program writes to stdout and stderr: the one effect that a replay has. Hooks call `programOutput` for the bytes
 * of file descriptors 1 and 2; a debug session takes them over with `redirectOutput`, to tell where they were written.
 *
 * Where several processes write to the same descriptors, each write has its time in the trace, so that their outputs can be put
 * together again in order.
 */
import { beginOutput, endOutput, openOrder, writeFully } from '../../native';
import type { Boundary } from './core';

/** time: when it was written, in ticks of native `beginOutput`; 0 before the process was one of several. */
export type ProgramOutput = (fd: 1 | 2, bytes: Uint8Array, time: number) => void;

/** Descriptors whose reader has gone away, as `| head` does. The recorded program knew nothing of it: it runs on, unheard. */
const deserted = new Set<number>();

let perform: ProgramOutput = write;

function write(fd: 1 | 2, bytes: Uint8Array): void {
  if (deserted.has(fd)) return;
  try {
    writeFully(fd, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
    deserted.add(fd);
  }
}

/** Replay only. bytes: all of them have been accepted by the recorded run. */
export function programOutput(fd: 1 | 2, bytes: Uint8Array): void {
  perform(fd, bytes, time);
}

let time = 0;
/** True as soon as another process may write where this one does. */
let shared = false;

/** Record: where the processes of the recording agree on the order. */
let orderFile: string | undefined;

export function orderOutputIn(file: string): void {
  orderFile = file;
}

/** Both modes: from here on the time of output counts. */
export function shareOutput(): void {
  if (shared) return;
  shared = true;
  if (orderFile === undefined) return;
  try {
    openOrder(orderFile);
  } catch {
    // The times alone will do.
  }
}

/** Both modes: call it just before something is written to descriptor 1 or 2, and outputDone just after. */
export function timeOutput(boundary: Boundary): void {
  if (shared && !boundary.aside) time = boundary.ask(boundary.site('process.outputTime'), 0, beginOutput);
}

/** Record: the write that timeOutput announced has been made, or has failed. */
export function outputDone(): void {
  if (shared) endOutput();
}

export function redirectOutput(to: ProgramOutput): void {
  perform = to;
}
