/**
 * The typed errors of the public API. Thrown by Recording and Replay; the CLI turns them into one line and an exit code.
 *
 * Invariant: `message` is one line that says what is wrong and what to do next; details (a divergence's report) are in fields.
 */
import type { Divergence as Details } from '../../recorder/boundary/divergence';

export { Damaged, NotARecording, WrongFormat, WrongNode } from '../../recorder/trace';

/** The replay asked for something else than was recorded. `report` has the evidence, several lines, `details` the same for programs. */
export class Divergence extends Error {
  override readonly name = 'Divergence';
  readonly code = 'Divergence';
  constructor(
    message: string,
    readonly report: string,
    /** thread:turn:step; step 0 in a replay without the interpreter. */
    readonly position: string,
    /** What the report says, for programs. */
    readonly details: Details,
  ) {
    super(message);
  }
}

/** The place exists but the run never got there. */
export class NotReached extends Error {
  override readonly name = 'NotReached';
  readonly code = 'NotReached';
  constructor(
    message: string,
    /** Lines of the same file that were reached, nearest first. */
    readonly nearest: readonly number[] = [],
  ) {
    super(message);
  }
}

/** The place does not exist: no such file, several such files, or a line without code. */
export class BadLocation extends Error {
  override readonly name = 'BadLocation';
  readonly code = 'BadLocation';
  constructor(
    message: string,
    /** Files or FILE:LINE texts that would have been understood. */
    readonly candidates: readonly string[] = [],
  ) {
    super(message);
  }
}

/** The replayer could not be started, or ended in a way that has nothing to do with the program. */
export class ReplayerFailed extends Error {
  override readonly name = 'ReplayerFailed';
  readonly code = 'ReplayerFailed';
}

/** Replay.interrupt() ended a movement before it had come to anything; the program stands where it stood. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly code = 'Interrupted';
  constructor() {
    super('interrupted.');
  }
}
