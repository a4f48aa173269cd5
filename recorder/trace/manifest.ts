/**
 * The folder of a recording and its manifest: what ran, where, and how it ended. The preload creates both and completes the
 * manifest at the end; the launcher, the replayer and the public API read it.
 *
 * Invariant: manifest.json is replaced in one step, so it is always whole; a recording is untrusted data, so every field is
 * checked before anybody uses it. Uses node:fs: in a recorded process the caller keeps these calls out of the trace.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Damaged, NotARecording, WrongFormat, WrongNode } from './errors';
import { FORMAT_VERSION } from './events';

/** How a process ended. code: 0..255, the one the parent saw; signal: its name, or null. */
export interface Ending {
  readonly kind: 'exit' | 'uncaught' | 'signal' | 'lost';
  readonly code: number;
  readonly signal: string | null;
}

/** Files are relative to the recording, with forward slashes. */
export interface ThreadInfo {
  readonly name: string;
  readonly trace: string;
  readonly facts: string;
}

export interface ProcessInfo {
  readonly pid: number;
  readonly threads: readonly ThreadInfo[];
}

/** How a process came to be: Node's own words for the ways to start one. exec: through a shell. */
export type StartedBy = 'fork' | 'cluster' | 'spawn' | 'exec' | 'spawnSync' | 'execSync' | 'execve';

const STARTS: readonly StartedBy[] = ['fork', 'cluster', 'spawn', 'exec', 'spawnSync', 'execSync', 'execve'];

/** The recorded process that started a recorded process, perhaps by way of others that were not recorded, such as a shell. */
export interface ParentInfo {
  /** Its number in the recording. */
  readonly process: number;
  readonly pid: number;
  readonly how: StartedBy;
  /** Index, in the parent's main trace, of the call that started it. */
  readonly event: number;
}

export interface Manifest {
  readonly format: number;
  /** 0 for the process at the root of the recording; n for the one in processes/n. */
  readonly number: number;
  /** Null for the root. */
  readonly parent: ParentInfo | null;
  /** Folder of the sources, relative to this manifest: a child's lie with the root's. */
  readonly sources: string;
  /** What descriptors 0, 1 and 2 were, as `device:inode`; empty where one was closed. Equal texts are the same file, pipe or terminal. */
  readonly stdio: readonly string[];
  /** `running` until the process has ended in order: a killed one stays so. `failed`: the recorder gave up, see `failure`. */
  readonly status: 'running' | 'ended' | 'failed';
  readonly failure: string | null;
  /** process.version, such as v20.20.2. */
  readonly node: string;
  /** process.versions.modules. */
  readonly abi: string;
  readonly platform: string;
  readonly arch: string;
  /** Absolute path of the script; EVALUATED for a text given with -e or -p, PIPED for one that came by standard input, TESTED for `node --test`. */
  readonly program: string;
  /** process.argv0: the name node was called by. */
  readonly argv0: string;
  /** process.argv, process.execArgv, process.execPath and process.env as the program saw them first. */
  readonly argv: readonly string[];
  readonly execArgv: readonly string[];
  readonly execPath: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** The first is the one that was started. */
  readonly processes: readonly ProcessInfo[];
  readonly end: Ending | null;
  /**
   * Bytes that had left by the end, where that is not all the program had written: by the number of the stream on stdout or stderr, whose
   * reader was slower than the program ended.
   */
  readonly sent?: Readonly<Record<string, number>>;
  /** What the boundary keeps about the process as a whole: JSON of its own making. */
  readonly statics: Readonly<Record<string, unknown>>;
}

/** Manifest.program of programs that are no files, as Node names them in stacks. */
export const EVALUATED = '[eval]';
export const PIPED = '[stdin]';
/** The test runner, `node --test`: what it runs is among the arguments. */
export const TESTED = '[test]';

export const MAIN_THREAD: ThreadInfo = { name: 'main', trace: 'threads/main.trace', facts: 'threads/main.facts' };

const WORKSPACE = {
  folders: [{ name: 'recording', path: '.' }],
  launch: {
    version: '0.2.0',
    configurations: [{ type: 'retrace', request: 'launch', name: 'Replay', recording: '${workspaceFolder}', stopOnEntry: false }],
  },
};

/**
 * Creates the folder of a recording, mode 0700, with its sub-folders. Throws the errors of mkdir; EEXIST if it exists.
 * The manifest is written next, by writeManifest.
 */
export function createRecording(dir: string): void {
  mkdirSync(dir, { mode: 0o700 });
  mkdirSync(join(dir, 'sources'), { mode: 0o700 });
  mkdirSync(join(dir, 'threads'), { mode: 0o700 });
  writeFileSync(join(dir, 'replay.code-workspace'), `${JSON.stringify(WORKSPACE, null, 2)}\n`, { mode: 0o600 });
}

/** Creates `dir`, or the first free of dir-2, dir-3, ...; returns the path it made. */
export function createNextRecording(dir: string): string {
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? dir : `${dir}-${n}`;
    try {
      createRecording(candidate);
      return candidate;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Folder, relative to the root of a recording, of the processes that the root started, by number. */
export const PROCESSES = 'processes';

/** File at the root in which processes that write to the same descriptors agree on the order; of no use afterwards. */
export const ORDER = 'processes.order';

/** Sources of the root, and of a process below it, relative to their manifests. */
export const OWN_SOURCES = 'sources';
export const ROOT_SOURCES = '../../sources';

/**
 * Makes the folder of one more process of the recording at `root`; any number of processes may do so at once.
 * Returns its number. Throws the errors of mkdir.
 */
export function createProcess(root: string): { readonly number: number; readonly directory: string } {
  const all = join(root, PROCESSES);
  mkdirSync(all, { recursive: true, mode: 0o700 });
  for (let number = Math.max(0, ...processNumbers(root)) + 1; ; number++) {
    const directory = join(all, String(number));
    try {
      mkdirSync(directory, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      continue;
    }
    mkdirSync(join(directory, 'threads'), { mode: 0o700 });
    return { number, directory };
  }
}

/** Numbers of the processes below the root of a recording, in order. */
export function processNumbers(root: string): number[] {
  let names: string[] = [];
  try {
    names = readdirSync(join(root, PROCESSES));
  } catch {
    return [];
  }
  return names
    .filter((name) => /^[1-9]\d{0,8}$/.test(name))
    .map(Number)
    .toSorted((a, b) => a - b);
}

/** True for a folder that looks like a recording: what --force may remove. */
export function isRecording(dir: string): boolean {
  return existsSync(join(dir, 'manifest.json')) && existsSync(join(dir, 'threads'));
}

/** Removes a recording. Throws NotARecording rather than remove anything else but an empty folder. */
export function removeRecording(dir: string): void {
  if (existsSync(dir) && !isRecording(dir) && !isEmpty(dir)) {
    throw new NotARecording(`${dir} exists and is not a recording. Choose another folder with -o.`);
  }
  rmSync(dir, { recursive: true, force: true });
}

function isEmpty(dir: string): boolean {
  try {
    return readdirSync(dir).length === 0;
  } catch {
    return false;
  }
}

export function writeManifest(dir: string, manifest: Manifest): void {
  const file = join(dir, 'manifest.json');
  writeFileSync(`${file}.new`, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Reads and checks the manifest. Throws NotARecording, Damaged, WrongFormat. */
export function readManifest(dir: string): Manifest {
  let text: string;
  try {
    if (!statSync(dir).isDirectory()) throw new Error('a file');
    text = readFileSync(join(dir, 'manifest.json'), 'utf8');
  } catch {
    throw new NotARecording(`${dir} is not a recording: it has no manifest.json. Give the folder that \`retrace record\` made.`);
  }
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    throw damaged('it is not JSON');
  }
  const object = record(raw, 'it');
  if (typeof object['format'] !== 'number') throw damaged('format is missing');
  if (object['format'] !== FORMAT_VERSION)
    throw new WrongFormat(
      `${dir} has format version ${object['format']}, this retrace reads version ${FORMAT_VERSION}. Use the retrace it was recorded with.`,
    );
  return {
    format: object['format'],
    number: integer(object, 'number', 1e9),
    parent: parentOf(object['parent']),
    sources: oneOf(object, 'sources', [OWN_SOURCES, ROOT_SOURCES]),
    stdio: strings(object, 'stdio'),
    status: oneOf(object, 'status', ['running', 'ended', 'failed']),
    failure: object['failure'] === null ? null : string(object, 'failure'),
    node: version(object),
    abi: string(object, 'abi'),
    platform: string(object, 'platform'),
    arch: string(object, 'arch'),
    program: string(object, 'program'),
    argv0: string(object, 'argv0'),
    argv: strings(object, 'argv'),
    execArgv: strings(object, 'execArgv'),
    execPath: string(object, 'execPath'),
    env: environment(object),
    cwd: string(object, 'cwd'),
    startedAt: string(object, 'startedAt'),
    processes: processes(object),
    end: ending(object['end']),
    ...(object['sent'] === undefined ? {} : { sent: counts(object['sent']) }),
    statics: record(object['statics'], 'statics'),
  };
}

/** Throws WrongNode unless `version` (process.version of the replayer) has the major version of the recording. */
export function checkNode(manifest: Manifest, version: string): void {
  const major = (text: string): string => text.replace(/^v/, '').split('.')[0]!;
  if (major(manifest.node) === major(version)) return;
  throw new WrongNode(
    `this was recorded with Node ${manifest.node} and cannot be replayed with Node ${version}. Run retrace with Node ${major(manifest.node)}.`,
  );
}

function damaged(what: string): Damaged {
  return new Damaged(`manifest.json is damaged: ${what}. Copy the recording again.`, 'manifest.json', -1);
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged(`${name} is not an object`);
  return value as Record<string, unknown>;
}

function string(object: Record<string, unknown>, key: string): string {
  const value = object[key];
  if (typeof value !== 'string') throw damaged(`${key} is not a text`);
  return value;
}

function strings(object: Record<string, unknown>, key: string): string[] {
  const value = object[key];
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string')) throw damaged(`${key} is not a list of texts`);
  return value as string[];
}

function oneOf<T extends string>(object: Record<string, unknown>, key: string, allowed: readonly T[]): T {
  const value = string(object, key);
  if (!allowed.includes(value as T)) throw damaged(`${key} is none of ${allowed.join(', ')}`);
  return value as T;
}

function version(object: Record<string, unknown>): string {
  const value = string(object, 'node');
  if (!/^v\d+\.\d+\.\d+/.test(value)) throw damaged('node is no version');
  return value;
}

function environment(object: Record<string, unknown>): Record<string, string> {
  const value = record(object['env'], 'env');
  for (const key of Object.keys(value)) string(value, key);
  return value as Record<string, string>;
}

function integer(object: Record<string, unknown>, key: string, max: number): number {
  const value = object[key];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) throw damaged(`${key} is out of range`);
  return value;
}

function counts(value: unknown): Record<string, number> {
  const object = record(value, 'sent');
  for (const key of Object.keys(object)) integer(object, key, Number.MAX_SAFE_INTEGER);
  return object as Record<string, number>;
}

/** A file of the recording: relative, and inside of it whatever the manifest says. */
function file(object: Record<string, unknown>, key: string): string {
  const value = string(object, key);
  if (!/^threads\/[\w.-]+$/.test(value)) throw damaged(`${key} is not a file of the recording`);
  return value;
}

function processes(object: Record<string, unknown>): ProcessInfo[] {
  const list = object['processes'];
  if (!Array.isArray(list) || list.length === 0) throw damaged('processes is empty');
  return list.map((item) => {
    const one = record(item, 'a process');
    const threads = one['threads'];
    if (!Array.isArray(threads) || threads.length === 0) throw damaged('a process has no threads');
    return {
      pid: integer(one, 'pid', 2 ** 31),
      threads: threads.map((entry) => {
        const thread = record(entry, 'a thread');
        return { name: string(thread, 'name'), trace: file(thread, 'trace'), facts: file(thread, 'facts') };
      }),
    };
  });
}

function parentOf(value: unknown): ParentInfo | null {
  if (value === null) return null;
  const object = record(value, 'parent');
  return {
    process: integer(object, 'process', 1e9),
    pid: integer(object, 'pid', 2 ** 31),
    how: oneOf(object, 'how', STARTS),
    event: integer(object, 'event', Number.MAX_SAFE_INTEGER),
  };
}

function ending(value: unknown): Ending | null {
  if (value === null) return null;
  const object = record(value, 'end');
  const signal = object['signal'];
  return {
    kind: oneOf(object, 'kind', ['exit', 'uncaught', 'signal', 'lost']),
    code: integer(object, 'code', 255),
    signal: signal === null ? null : string(object, 'signal'),
  };
}
