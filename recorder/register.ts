/**
 * The preload of a recorded process: `node --expose-internals --require .../register.js program.js`, or by environment alone:
 * NODE_OPTIONS="--require retrace/register" RETRACE_RECORDING_PATH=recording node program.js
 *
 * Reads its orders from the environment and takes them out of it again. NODE_OPTIONS may not hold --expose-internals, so in the
 * second form the process first becomes, by execve, the same command with the flag: same pid, before any code of the program.
 * Invariant: without orders it does nothing, and loads nothing, at all.
 */
import { readFileSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';

const made = process.env['RETRACE_RECORDING_MADE'];
const wanted = process.env['RETRACE_RECORDING_PATH'];

if (made !== undefined || wanted !== undefined) {
  const directory = prepare();
  delete process.env['RETRACE_RECORDING_MADE'];
  delete process.env['RETRACE_RECORDING_PATH'];
  if (directory !== undefined) {
    const { startRecording } = require('./boundary/recording') as typeof import('./boundary/recording');
    const { hideFlags } = require('./flags') as typeof import('./flags');
    try {
      startRecording({ directory, hideFlags });
    } catch (error) {
      notRecording(error);
    }
  }
}

/** The folder to record into. Where none can be made the program comes first: it runs, unrecorded. */
function prepare(): string | undefined {
  try {
    if (!process.execArgv.includes('--expose-internals')) restart();
    if (made !== undefined) return made;
    const { createNextRecording } = require('./trace') as typeof import('./trace');
    return createNextRecording(resolve(wanted!));
  } catch (error) {
    notRecording(error);
    return undefined;
  }
}

function notRecording(error: unknown): void {
  writeSync(2, `retrace: not recording: ${(error as Error).message}\n`);
}

function restart(): void {
  const { replaceProcess } = require('../native') as typeof import('../native');
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
