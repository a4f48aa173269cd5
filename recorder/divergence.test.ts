import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RECORD_FLAGS } from './flags';
import { CannotRecord, record, replayCommand } from './launch';
import { readManifest, writeManifest } from './trace';

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'retrace-divergence-'));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function recorded(folder: string, program: string): Promise<string> {
  const script = join(folder, 'app.js');
  writeFileSync(script, program);
  const { recording } = await record({ script, dir: join(folder, 'recording'), cwd: folder, stdio: 'ignore' });
  return recording;
}

function replay(recording: string): SpawnSyncReturns<string> {
  const { node, args, env } = replayCommand(readManifest(recording), join(__dirname, 'replay-native.test-support.js'), {
    RETRACE_REPLAY_PATH: recording,
  });
  return spawnSync(node, [...args], { env, encoding: 'utf8', cwd: '/' });
}

test('a program that asks for something else: exit code 126 and the evidence', () =>
  inFolder(async (folder) => {
    const recording = await recorded(folder, 'function ask() { Math.random(); Date.now(); }\nsetTimeout(ask, 1);\n');
    rmSync(join(folder, 'first'), { recursive: true, force: true });
    renameSync(recording, join(folder, 'first'));
    // The same path, another source: what the loader learned belongs to the second program, the events to the first.
    const second = await recorded(folder, 'function ask() { Math.random(); process.hrtime(); }\nsetTimeout(ask, 1);\n');
    copyFileSync(join(folder, 'first/threads/main.trace'), join(second, 'threads/main.trace'));
    const { status, stderr } = replay(second);
    assert.equal(status, 126, stderr);
    const lines = stderr.split('\n');
    assert.match(lines[0]!, /^retrace: the replay diverged from the recording in turn 1, at event \d+$/);
    assert.match(lines[1]!, /^ {2}expected: #\d+ Date\.now$/);
    assert.match(lines[2]!, /^ {2}actual: {3}process\.hrtime$/);
    assert.match(stderr, /at Timeout\.ask \[as _onTimeout\] \(.*app\.js:1:41\)/);
    assert.match(stderr, /Math\.random\n {2}Likely: /);
  }));

test('a program that sends something else diverges, even of the same length', () =>
  inFolder(async (folder) => {
    const recording = await recorded(folder, "console.log('the price is 41');\n");
    renameSync(recording, join(folder, 'first'));
    const second = await recorded(folder, "console.log('the price is 42');\n");
    copyFileSync(join(folder, 'first/threads/main.trace'), join(second, 'threads/main.trace'));
    const { status, stdout, stderr } = replay(second);
    assert.deepEqual([status, stdout], [126, ''], stderr);
    assert.match(
      stderr,
      /expected: #\d+ (\S+\.write\S*)\.sent of other data\n {2}actual: {3}\1 of 16 (characters|bytes) "the price is 42\\n"\n/,
    );
  }));

test('a source that is not what was recorded ends the replay', () =>
  inFolder(async (folder) => {
    const recording = await recorded(folder, 'console.log(1);\n');
    const [hash] = readdirSync(join(recording, 'sources'));
    writeFileSync(join(recording, 'sources', hash!), 'console.log(2);\n');
    const { status, stdout, stderr } = replay(recording);
    assert.deepEqual([status, stdout], [125, '']);
    assert.match(stderr, /^retrace: sources\/[0-9a-f]+ is damaged: /);
  }));

test('a native function that is not recorded yet is refused by name', () =>
  inFolder(async (folder) => {
    const recording = await recorded(
      folder,
      'console.log(Date.now());\nconst { Worker } = require("worker_threads");\nnew Worker("0", { eval: true }).on("exit", () => 0);\n',
    );
    const { status, stderr, stdout } = replay(recording);
    assert.equal(status, 126, stderr);
    assert.match(stdout, /^\d+\n$/);
    assert.match(stderr, /diverged from the recording in turn 0, at event \d+\n {2}expected: #\d+ .*\n {2}actual: {3}worker\./);
    assert.match(stderr, /app\.js:3:1/);
    assert.match(stderr, /last events that agreed:\n(?: {4}#\d+ .*\n)+/);
    assert.match(stderr, /\n {2}Likely: unhooked member, because .*\n {2}Try `retrace verify`/);
    assert.doesNotMatch(stderr, /recorder\/boundary/);
  }));

test('a recording that just stops replays to its last event', () =>
  inFolder(async (folder) => {
    const recording = await recorded(
      folder,
      'process.stdout.write("one\\n");\nprocess.kill(process.pid, "SIGKILL");\nsetTimeout(() => 0, 60000);\n',
    );
    const killed = replay(recording);
    assert.equal(killed.signal, 'SIGKILL');
    // Without a parent that saw the signal, nobody knows why.
    writeManifest(recording, { ...readManifest(recording), status: 'running', end: null });
    const lost = replay(recording);
    assert.equal(lost.status, 125);
    assert.match(lost.stderr, /^retrace: the recording ends here, after event \d+ in turn \d+/m);
  }));

test('a damaged trace is refused before anything runs', () =>
  inFolder(async (folder) => {
    const recording = await recorded(folder, 'console.log(1);\n');
    truncateSync(join(recording, 'threads/main.trace'), 80);
    const { status, stderr, stdout } = replay(recording);
    assert.notEqual(status, 0);
    assert.equal(stdout, '');
    assert.match(stderr, /main\.trace is damaged at byte/);
  }));

test('a recorder that cannot start leaves the program running', () =>
  inFolder(async (folder) => {
    const script = join(folder, 'app.js');
    writeFileSync(script, "console.log('still here');\n");
    const made = join(folder, 'nothing here');
    const run = spawnSync(process.execPath, [...RECORD_FLAGS, script], {
      env: { ...process.env, RETRACE_RECORDING_MADE: made },
      encoding: 'utf8',
    });
    assert.deepEqual([run.status, run.stdout], [0, 'still here\n'], run.stderr);
    assert.match(run.stderr, /^retrace: not recording: .*nothing here.*\n$/);
  }));

test('what cannot be recorded is said in one line', () =>
  inFolder(async (folder) => {
    const attempt = (script: string, dir: string): Promise<unknown> =>
      record({ script, dir: join(folder, dir), cwd: folder, stdio: 'ignore' });
    await assert.rejects(
      attempt('none.js', 'r1'),
      (error) => error instanceof CannotRecord && error.message.startsWith('there is no script none.js. '),
    );
    const recording = await recorded(folder, '');
    await assert.rejects(attempt('app.js', 'recording'), (error) => error instanceof CannotRecord && /already exists/.test(error.message));
    assert.equal(readManifest(recording).end?.kind, 'exit');
    await assert.rejects(
      attempt('app.js', 'app.js/inside'),
      (error) => error instanceof CannotRecord && error.message.startsWith('cannot make the folder '),
    );
  }));
