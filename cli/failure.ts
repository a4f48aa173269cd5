/** How a command fails: one line on stderr, and which exit code. Used by main.ts; the codes are the contract's. */
import { printable } from './print';
import { Refused } from './prompt/command';
import { Divergence, NotReached } from '../interpreter/replay';

/** retrace could not do it: bad arguments, not a recording, damaged, another Node major. */
export const CANNOT = 125;
/** The replay asked for something else than was recorded. */
export const DIVERGED = 126;
/** The place was never reached. */
const NOT_REACHED = 1;

/** Prints the failure; answers the exit code. Errors of the system and typed errors are one line, faults of retrace keep their stack. */
export function report(error: unknown): number {
  if (error instanceof Divergence) {
    process.stderr.write(error.report === '' ? `retrace: ${error.message}\n` : error.report);
    return DIVERGED;
  }
  process.stderr.write(`retrace: ${lineFor(error)}\n`);
  return exitCodeFor(error);
}

/** The exit code of a command that failed. */
export function exitCodeFor(error: unknown): number {
  return error instanceof Divergence ? DIVERGED : error instanceof NotReached ? NOT_REACHED : CANNOT;
}

/** What the prompt says of it. */
export function wordsFor(error: unknown): string {
  if (error instanceof Divergence && error.report !== '') return error.report.trimEnd();
  if (error instanceof Refused) return error.message;
  // A sentence of its own, unless it begins with the name of a file.
  return lineFor(error).replace(/^[a-z]+ /, (word) => word[0]!.toUpperCase() + word.slice(1));
}

function lineFor(error: unknown): string {
  if (!(error instanceof Error)) return printable(String(error));
  const code = (error as NodeJS.ErrnoException).code;
  if (typeof code === 'string') return printable(error.message.replace(/\s*\n\s*/g, ' '));
  return `this should not have happened, please report it: ${error.stack ?? error.message}`;
}
