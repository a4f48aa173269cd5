/**
 * The second half of the preload, once the process has the flags it needs: finds the folder to record into and begins.
 * Called by register.ts.
 *
 * Invariant: whatever becomes of the recording, the program runs, and sees neither our variables nor our flags.
 */
import { writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { hidePreload, readOrders, FAMILY } from './boundary/family';
import { hideFlags, RECORD_FLAGS, REGISTER } from './flags';
import { createNextRecording, createProcess, type ParentInfo } from './trace';

/** The recorder's variables in the environment. */
export interface Orders {
  /** Root of a recording, made by the launcher. */
  readonly made: string | undefined;
  /** Where to make one. */
  readonly wanted: string | undefined;
  /** See boundary/family.ts. */
  readonly family: string | undefined;
}

interface Place {
  readonly directory: string;
  readonly root: string;
  readonly number: number;
  readonly parent: ParentInfo | null;
}

/** notRecording is told why, if nothing is recorded. */
export function recordHere(orders: Orders, notRecording: (error: unknown) => void): void {
  const alone = process.env['RETRACE_NO_CHILDREN'] !== undefined;
  const silent = process.env['RETRACE_NO_WARNINGS'] !== undefined;
  hideVariables();
  try {
    const place = placeOf(orders);
    const { startRecording } = require('./boundary/recording') as typeof import('./boundary/recording');
    startRecording({
      ...place,
      hideFlags,
      // A child says nothing: whoever started it may read what it writes.
      warn: silent || place.parent !== null ? undefined : (line) => writeSync(2, `retrace: ${line}\n`),
      overrides: process.env['RETRACE_OVERRIDES'],
      children: alone ? undefined : { preload: REGISTER, flags: RECORD_FLAGS.slice(0, 1) },
    });
  } catch (error) {
    const shown = hideFlags(process.execArgv);
    process.execArgv.splice(0, process.execArgv.length, ...shown);
    notRecording(error);
  }
}

function hideVariables(): void {
  const { env } = process;
  for (const name of ['RETRACE_RECORDING_MADE', 'RETRACE_RECORDING_PATH', 'RETRACE_RESTARTED', 'RETRACE_NO_CHILDREN', FAMILY])
    delete env[name];
  const options = env['NODE_OPTIONS'];
  if (options === undefined) return;
  const shown = hidePreload(options, isPreload);
  if (shown === undefined) delete env['NODE_OPTIONS'];
  else if (shown !== options) env['NODE_OPTIONS'] = shown;
}

/** True for the words that NODE_OPTIONS may name this preload with. */
function isPreload(word: string): boolean {
  if (word === REGISTER) return true;
  if (!/register(\.js)?$/.test(word)) return false;
  try {
    return require.resolve(/^\.{0,2}\//.test(word) ? resolve(word) : word, { paths: [process.cwd()] }) === REGISTER;
  } catch {
    return false;
  }
}

/** An order of its own wins over what the parent says: it was given to this process on purpose. */
function placeOf({ made, wanted, family }: Orders): Place {
  if (made !== undefined) return rootAt(made);
  if (wanted !== undefined) return rootAt(createNextRecording(resolve(wanted)));
  const orders = readOrders(family!);
  if (orders === undefined) throw new Error(`${FAMILY} is not the work of this retrace`);
  const { root, process: parent, pid, how, event } = orders;
  return { ...createProcess(root), root, parent: { process: parent, pid, how, event } };
}

function rootAt(directory: string): Place {
  return { directory, root: directory, number: 0, parent: null };
}
