/**
 * Starts a program to be recorded, and tells how a replayer is started. Used by the CLI and the public API.
 *
 * Invariant: stdin, stdout, stderr, signals and the exit code of the program pass through unchanged.
 */
import { spawn, type StdioOptions } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { withPreload } from './boundary/family';
import { RECORD_FLAGS, REGISTER } from './flags';
import { replayedFlags } from './replayed-flags';
import { collectSourceMaps, MAPS_FILE } from './source-maps';
import {
  createNextRecording,
  createRecording,
  Damaged,
  EVALUATED,
  NotARecording,
  PIPED,
  TESTED,
  readManifest,
  removeRecording,
  writeManifest,
  type Manifest,
} from './trace';

export interface RecordOptions {
  /** The program, as given to node. */
  readonly script: string;
  readonly args?: readonly string[];
  /** Where the recording goes; must not exist unless force. Default: `recording`, or the next free `recording-2`, ... */
  readonly dir?: string;
  /** Replace an existing recording. */
  readonly force?: boolean;
  readonly cwd?: string;
  /** Default: the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Default: inherit. */
  readonly stdio?: StdioOptions;
  /** Record the Node processes that the program starts, too. Default: true. */
  readonly children?: boolean;
  /** File with rules for packages with native addons: docs/ADDONS.md. Default: what the environment says. */
  readonly overrides?: string;
  /** Flags for node, before the script: `--max-old-space-size=4096`. */
  readonly execArgv?: readonly string[];
  /** Default: the node that runs this. */
  readonly node?: string;
}

export interface RecordResult {
  /** Exit code, or null if a signal ended the program. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Absolute path of the recording. Nothing is there if node ended before the program began, as for a bad flag. */
  readonly recording: string;
}

/** The program or the folder cannot be used. The message is one line. */
export class CannotRecord extends Error {
  override readonly name = 'CannotRecord';
  readonly code = 'CannotRecord';
}

/** Signals that the launcher hands on. SIGINT and SIGQUIT from a terminal reach the program by themselves, so they are only survived. */
const FORWARDED: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGUSR2', 'SIGCONT'];
const FROM_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

/** Runs and records a program. Throws CannotRecord before anything is started. */
export async function record(options: RecordOptions): Promise<RecordResult> {
  const cwd = options.cwd ?? process.cwd();
  const script = resolve(cwd, options.script);
  checkScript(script, options.script);
  const recording = makeFolder(cwd, options);
  const { flags, env } = preloadFirst(options.env ?? process.env);
  const child = spawn(options.node ?? process.execPath, [...flags, ...(options.execArgv ?? []), script, ...(options.args ?? [])], {
    // As if typed: process.argv0 and process.title show it.
    argv0: 'node',
    cwd,
    env: {
      ...env,
      RETRACE_RECORDING_MADE: recording,
      ...(options.overrides === undefined ? {} : { RETRACE_OVERRIDES: resolve(cwd, options.overrides) }),
      ...(options.children === false ? { RETRACE_NO_CHILDREN: '1' } : {}),
    },
    stdio: options.stdio ?? 'inherit',
  });

  const forward = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  const survive = (signal: NodeJS.Signals): void => {
    if (!process.stdin.isTTY) child.kill(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  for (const signal of FROM_TERMINAL) process.on(signal, survive);
  try {
    const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((done, fail) => {
      child.once('error', fail);
      child.once('exit', (code, name) => done([code, name]));
    });
    noteEnd(recording, exitCode, signal);
    keepSourceMaps(recording);
    return { exitCode, signal, recording };
  } finally {
    for (const signal of FORWARDED) process.off(signal, forward);
    for (const signal of FROM_TERMINAL) process.off(signal, survive);
  }
}

/** Node runs the preloads of NODE_OPTIONS before those of its command line; the recorder has to come before them all. */
function preloadFirst(env: NodeJS.ProcessEnv): { readonly flags: readonly string[]; readonly env: NodeJS.ProcessEnv } {
  const options = env['NODE_OPTIONS'];
  if (options === undefined || options === '') return { flags: RECORD_FLAGS, env };
  return { flags: RECORD_FLAGS.slice(0, 1), env: { ...env, NODE_OPTIONS: withPreload(options, REGISTER) } };
}

function checkScript(path: string, given: string): void {
  // Node itself finds app for app.js and a folder's index.js; only what is there and cannot be read is refused here.
  for (const candidate of [path, `${path}.js`, `${path}.json`, `${path}.node`, resolve(path, 'index.js'), resolve(path, 'package.json')]) {
    try {
      if (!statSync(candidate).isFile()) continue;
      accessSync(candidate, constants.R_OK);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EACCES')
        throw new CannotRecord(`cannot read ${given}: permission denied. Check the file's permissions.`);
    }
  }
  throw new CannotRecord(`there is no script ${given}. Give the program as you would give it to node.`);
}

function makeFolder(cwd: string, options: RecordOptions): string {
  const dir = resolve(cwd, options.dir ?? 'recording');
  try {
    if (options.dir === undefined) return createNextRecording(dir);
    if (options.force === true) removeRecording(dir);
    makeParents(dirname(dir));
    createRecording(dir);
    return dir;
  } catch (error) {
    if (error instanceof NotARecording) throw error;
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && existsSync(dir))
      throw new CannotRecord(`${options.dir} already exists. Choose another folder with -o, or replace it with --force.`);
    throw new CannotRecord(`cannot make the folder ${dir}: ${(error as Error).message}. Choose another one with -o.`);
  }
}

/** Not mkdir's own recursion, which never ends where a parent cannot hold folders, as in /proc. Throws the errors of mkdir. */
function makeParents(dir: string): void {
  if (existsSync(dir)) return;
  makeParents(dirname(dir));
  try {
    mkdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** The parent alone sees which signal ended a program, and the code where the program could not say. */
function noteEnd(recording: string, exitCode: number | null, signal: NodeJS.Signals | null): void {
  let manifest: Manifest;
  try {
    manifest = readManifest(recording);
  } catch (error) {
    // It ended before the recorder began, as for a bad flag of node's: there is nothing to keep.
    if (error instanceof NotARecording) rmSync(recording, { recursive: true, force: true });
    return;
  }
  const kind = signal !== null ? 'signal' : (manifest.end?.kind ?? 'exit');
  writeManifest(recording, {
    ...manifest,
    status: manifest.status === 'failed' ? 'failed' : 'ended',
    end: { kind, code: exitCode ?? 0, signal },
  });
}

/** A recording without them is as good, but for the names of places. */
function keepSourceMaps(recording: string): void {
  try {
    const maps = collectSourceMaps(recording);
    if (maps.length > 0) writeFileSync(join(recording, MAPS_FILE), JSON.stringify(maps), { mode: 0o600 });
  } catch {
    return;
  }
}

export interface ReplayCommand {
  readonly node: string;
  /** What process.argv0 says. */
  readonly argv0: string;
  readonly args: readonly string[];
  readonly env: Record<string, string>;
}

const STACK_SIZE = /^--stack[-_]size/;

/**
 * The command of a replayer. preload: compiled file that calls startReplay; orders: what it reads from its environment before
 * the recorded environment takes its place. flags: more flags for node. Throws Damaged.
 */
export function replayCommand(
  manifest: Manifest,
  preload: string,
  orders: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): ReplayCommand {
  const timeZone = manifest.statics['timeZone'];
  const ownStack = flags.some((flag) => STACK_SIZE.test(flag));
  return {
    node: process.execPath,
    argv0: manifest.argv0,
    args: [
      '--expose-internals',
      '--single-threaded-gc',
      ...flags,
      '--require',
      preload,
      ...replayedFlags(manifest.execArgv, manifest.env['NODE_OPTIONS']).filter((flag) => !(ownStack && STACK_SIZE.test(flag))),
      ...programWords(manifest),
    ],
    env: {
      ...(typeof timeZone === 'string' ? { TZ: timeZone } : {}),
      ...pick(manifest.env, ['TZ', 'LANG', 'LC_ALL', 'LC_MESSAGES', 'LANGUAGE', 'NODE_ICU_DATA']),
      ...orders,
    },
  };
}

/** The program and its arguments, as node is to be told. Throws Damaged. */
function programWords({ program, argv, execArgv }: Manifest): string[] {
  if (isAbsolute(program)) return [program, ...argv.slice(2)];
  if (program === PIPED) return ['-', ...argv.slice(2)];
  // Its flags are among those of every replay.
  if (program === TESTED) return argv.slice(1);
  if (program === EVALUATED) {
    const at = execArgv.findIndex((word) => /^(-e|--eval|-p|--print|-pe)(=|$)/s.test(word));
    const [flag, inline] = /^(--\w+)=(.*)$/s.exec(execArgv[at] ?? '')?.slice(1) ?? [execArgv[at], execArgv[at + 1]];
    if (flag !== undefined && inline !== undefined) return [flag, inline, '--', ...argv.slice(1)];
  }
  // Anything else would be read as a flag by node, and flags run code.
  throw new Damaged(
    `manifest.json names "${program}" as the program, which is no script's path. Only scripts, and texts given to node with -e or by standard input, can be replayed.`,
    'manifest.json',
    -1,
  );
}

function pick(env: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) if (env[name] !== undefined) picked[name] = env[name];
  return picked;
}
