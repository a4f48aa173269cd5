/**
 * What a replayed program writes to stdout and stderr: the one effect that a replay has. Hooks call `programOutput` for the bytes
 * of file descriptors 1 and 2; a debug session takes them over with `redirectOutput`, to tell where they were written.
 */
import { writeFully } from '../../native';

export type ProgramOutput = (fd: 1 | 2, bytes: Uint8Array) => void;

let perform: ProgramOutput = writeFully;

/** Replay only. bytes: all of them have been accepted by the recorded run. */
export function programOutput(fd: 1 | 2, bytes: Uint8Array): void {
  perform(fd, bytes);
}

export function redirectOutput(to: ProgramOutput): void {
  perform = to;
}
