/** Ends the command as another process ended: same exit code, or death by the same signal. Used by record and replay. */
import { constants } from 'node:os';

export function leaveAs(exitCode: number | null, signal: NodeJS.Signals | null): void {
  if (signal === null) {
    process.exitCode = exitCode ?? 0;
    return;
  }
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // Some signals do not end a process at once, and some never do: the shell's code for them is the next best thing.
  setTimeout(() => process.exit(128 + constants.signals[signal]), 1000);
}
