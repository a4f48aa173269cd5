/**
 * The preload of a recorded process: `node --expose-internals --require .../register.js program.js`, or by environment alone:
 * NODE_OPTIONS="--require retrace/register" RETRACE_RECORDING_PATH=recording node program.js
 *
 * Reads its orders from the environment and takes them out of it again. NODE_OPTIONS may not hold --expose-internals, so where it
 * is missing the process first becomes, by execve, the same command with the flag: same pid, before any code of the program.
 * Invariant: without orders it does nothing, and loads nothing, at all. It is loaded by whatever Node a child turns out to be, so
 * the syntax of its compiled form stays one that old versions can read.
 */
import { readFileSync, writeSync } from 'node:fs';

const { env } = process;
const made = env['RETRACE_RECORDING_MADE'];
const wanted = env['RETRACE_RECORDING_PATH'];
const family = env['RETRACE_FAMILY'];
const restarted = env['RETRACE_RESTARTED'];

if (made !== undefined || wanted !== undefined || family !== undefined) begin();

function begin(): void {
  if (parseInt(process.versions.node, 10) < 20 || process.versions['electron'] !== undefined) return;
  if (restarted === undefined && process.execArgv.indexOf('--expose-internals') === -1) {
    try {
      restart();
    } catch (error) {
      notRecording(error);
    }
  }
  const { loadPreload } = require('./bundle') as typeof import('./bundle');
  loadPreload().recordHere({ made, wanted, family }, notRecording);
}

/** A child of a recorded program says nothing: whoever started it may read what it writes. */
function notRecording(error: unknown): void {
  if (family === undefined) writeSync(2, `retrace: not recording: ${(error as Error).message}\n`);
}

/** Returns only to throw. */
function restart(): void {
  const { replaceProcess, takeBackOutput } = require('../native') as typeof import('../native');
  // What this process writes is in its own recording. Before Node looks at its descriptors once more.
  if (family !== undefined) takeBackOutput();
  const words = textsOf('/proc/self/cmdline');
  const environment = textsOf('/proc/self/environ');
  // What Node has taken out of process.env by now (the channel to its parent) is still in the environment it was given.
  if (environment.length === 0) for (const key of Object.keys(env)) environment.push(`${key}=${env[key]}`);
  environment.push('RETRACE_RESTARTED=1');
  // The words after `node` as they were typed: Node shows the script's path resolved.
  const rest = words.length > 0 ? words.slice(1) : process.execArgv.concat(process.argv.slice(1));
  replaceProcess(process.execPath, [process.argv0, '--expose-internals'].concat(rest), environment);
}

function textsOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}
