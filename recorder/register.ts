/**
 * The preload of a recorded process: `node --expose-internals --require .../register.js program.js`, or by environment alone:
 * NODE_OPTIONS="--require retrace/register" RETRACE_RECORDING_PATH=recording node program.js
 *
 * Reads its orders from the environment and takes them out of it again. NODE_OPTIONS may not hold --expose-internals, so in the
 * second form the process first becomes, by execve, the same command with the flag: same pid, before any code of the program.
 * Invariant: without orders it does nothing at all.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { replaceProcess, writeFully } from '../native';
import { startRecording } from './boundary/recording';
import { createNextRecording } from './trace';
import { hideFlags } from './flags';

const made = process.env['RETRACE_RECORDING_MADE'];
const wanted = process.env['RETRACE_RECORDING_PATH'];

if (made !== undefined || wanted !== undefined) {
  if (!process.execArgv.includes('--expose-internals')) restart();
  delete process.env['RETRACE_RECORDING_MADE'];
  delete process.env['RETRACE_RECORDING_PATH'];
  let directory = made;
  try {
    directory ??= createNextRecording(resolve(wanted!));
  } catch (error) {
    // The program comes first: it runs, unrecorded.
    writeFully(2, Buffer.from(`retrace: not recording: ${(error as Error).message}\n`));
  }
  if (directory !== undefined) startRecording({ directory, hideFlags });
}

function restart(): void {
  const environment = Object.entries(process.env).map(([key, text]) => `${key}=${text}`);
  replaceProcess(process.execPath, [process.argv0, '--expose-internals', ...commandLine()], environment);
}

/** The words after `node`, as they were typed: Node shows the script's path resolved. */
function commandLine(): string[] {
  try {
    return readFileSync('/proc/self/cmdline', 'utf8').split('\0').slice(1, -1);
  } catch {
    return [...process.execArgv, ...process.argv.slice(1)];
  }
}
