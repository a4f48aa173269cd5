/**
 * For tests: records a small program and replays it natively, without its folder and without a network, and compares.
 *
 * Invariant: stdout, stderr, exit code and signal are compared to the byte; nothing is normalised.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withoutNetwork } from './isolation.test-support';
import { record, replayCommand } from './launch';
import { readManifest } from './trace';

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
}

export interface RoundTripOptions {
  /** Bytes on standard input, a file; default: none (/dev/null). */
  readonly input?: string;
  /** Further files of the program's folder. */
  readonly files?: Readonly<Record<string, string>>;
  /** Files to copy there, by name: where they come from. */
  readonly copies?: Readonly<Record<string, string>>;
  /** Standard output is a pipe that nobody reads before the program has ended. */
  readonly unread?: boolean;
  /** A plain run prints the same. */
  readonly asPlain?: boolean;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** File name of the program; default app.js. */
  readonly name?: string;
}

/** Records the program, replays it, asserts that both ended the same, and returns what the recorded run printed. */
export async function roundTrip(program: string, options: RoundTripOptions = {}): Promise<Outcome> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'retrace-round-trip-')));
  try {
    const app = join(base, 'app');
    mkdirSync(app);
    const name = options.name ?? 'app.js';
    writeFileSync(join(app, name), program);
    for (const [file, text] of Object.entries(options.files ?? {})) writeFileSync(join(app, file), text);
    for (const [file, from] of Object.entries(options.copies ?? {})) copyFileSync(from, join(app, file));
    const recorded = await recordProgram(base, join(app, name), options);
    if (options.asPlain === true) {
      const env = { ...process.env, ...options.env };
      const plain = spawnSync(process.execPath, [join(app, name), ...(options.args ?? [])], { cwd: app, env, encoding: 'utf8', input: '' });
      assert.equal(recorded.stdout, plain.stdout, 'recorded and plain run');
    }
    renameSync(app, join(base, 'app-was-here'));
    renameSync(join(base, 'recording'), join(base, 'elsewhere'));
    const replayed = replayNatively(join(base, 'elsewhere'));
    assert.deepEqual(replayed, recorded);
    return recorded;
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

async function recordProgram(base: string, script: string, options: RoundTripOptions): Promise<Outcome> {
  const files = { in: join(base, 'stdin'), out: join(base, 'stdout'), err: join(base, 'stderr') };
  if (options.input !== undefined) writeFileSync(files.in, options.input);
  const descriptors = [
    options.input === undefined ? openSync('/dev/null', 'r') : openSync(files.in, 'r'),
    options.unread === true ? openPipe(files.out) : openSync(files.out, 'w'),
    openSync(files.err, 'w'),
  ];
  const { exitCode, signal } = await record({
    script,
    args: options.args ?? [],
    dir: join(base, 'recording'),
    cwd: join(script, '..'),
    env: { ...process.env, ...options.env },
    stdio: descriptors,
  });
  const stdout = options.unread === true ? drain(files.out) : readFileSync(files.out, 'utf8');
  for (const fd of descriptors) closeSync(fd);
  return { stdout, stderr: readFileSync(files.err, 'utf8'), exitCode, signal };
}

/** A pipe with a name, open at both ends. */
function openPipe(file: string): number {
  spawnSync('mkfifo', [file]);
  return openSync(file, constants.O_RDWR);
}

/** What is in a pipe that somebody holds open. Opened again, because a program's descriptors are made to wait. */
function drain(file: string): string {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const buffer = Buffer.alloc(1 << 20);
  let length = 0;
  for (;;) {
    try {
      length += readSync(fd, buffer, { offset: length });
    } catch {
      closeSync(fd);
      return buffer.toString('utf8', 0, length);
    }
  }
}

function replayNatively(recording: string): Outcome {
  const preload = join(__dirname, 'replay-native.test-support.js');
  const { node, args, env } = replayCommand(readManifest(recording), preload, { RETRACE_REPLAY_PATH: recording });
  const words = [...withoutNetwork(), node, ...args];
  const result = spawnSync(words[0]!, words.slice(1), { env, encoding: 'utf8', input: '', maxBuffer: 1 << 28, timeout: 60_000, cwd: '/' });
  return { stdout: result.stdout, stderr: result.stderr, exitCode: result.status, signal: result.signal };
}
