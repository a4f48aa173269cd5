/**
 * The flags that retrace adds to node's command line, written and taken out again in one place.
 */
import { join } from 'node:path';

/** Compiled file of the preload. */
export const REGISTER = join(__dirname, 'register.js');

/** Before the script of a recorded process. */
export const RECORD_FLAGS: readonly string[] = ['--expose-internals', '--require', REGISTER];

/** process.execArgv as it would be without retrace. */
export function hideFlags(execArgv: readonly string[]): string[] {
  const shown: string[] = [];
  for (let i = 0; i < execArgv.length; i++) {
    if (execArgv[i] === '--expose-internals') continue;
    if (execArgv[i] === '--require' && execArgv[i + 1] === REGISTER) {
      i++;
      continue;
    }
    shown.push(execArgv[i]!);
  }
  return shown;
}
