/**
 * What a replayed program writes to stdout and stderr: the one effect that a replay has. Hooks call `programOutput` for the bytes
 * of file descriptors 1 and 2; a debug session takes them over with `redirectOutput`, to tell where they were written.
 */
import { writeFully } from '../../native';

export type ProgramOutput = (fd: 1 | 2, bytes: Uint8Array) => void;

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
  perform(fd, bytes);
}

export function redirectOutput(to: ProgramOutput): void {
  perform = to;
}
