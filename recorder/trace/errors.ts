/**
 * What can be wrong with a recording, as typed errors. Thrown by the readers of this folder; the public API passes them on.
 *
 * Invariant: a message is one line that says what is wrong and what to do next.
 */
export class NotARecording extends Error {
  override readonly name = 'NotARecording';
  readonly code = 'NotARecording';
}

/** The bytes are not what was written. `file` is relative to the recording, `offset` in bytes, -1 where it has no meaning. */
export class Damaged extends Error {
  override readonly name = 'Damaged';
  readonly code = 'Damaged';
  constructor(
    message: string,
    readonly file: string,
    readonly offset: number,
  ) {
    super(message);
  }
}

/** Made by another major version of Node than the one that would replay it. */
export class WrongNode extends Error {
  override readonly name = 'WrongNode';
  readonly code = 'WrongNode';
}

/** Made by another version of the recording format. */
export class WrongFormat extends Error {
  override readonly name = 'WrongFormat';
  readonly code = 'WrongFormat';
}

/** A value that has no place in a trace reached the writer: a fault in a hook, never of the recorded program. */
export class Unencodable extends TypeError {
  override readonly name = 'Unencodable';
  readonly code = 'Unencodable';
}
