// Output of programs that are not recorded: what they notice of the recording (nothing), what becomes of it when the recorded process is killed
// or its reader goes away, and what the tools say of it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { root } from './fixture.js';

const cli = path.join(root, 'dist/cli/main.js');

interface Ran {
  stdout: string;
  stderr: string;
  status: number | null;
}

/** A program in a folder of its own, and how to run retrace on it. through: words of a shell command that reads the program's stdout. */
function bench(
  t: TestContext,
  program: string,
): {
  plain(): string;
  record(through?: string, ...flags: string[]): Ran;
  retrace(...words: string[]): Ran;
  recording: string;
} {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'retrace-inherited-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const script = path.join(folder, 'app.js');
  const recording = path.join(folder, 'recording');
  fs.writeFileSync(script, `const { spawn, spawnSync } = require('node:child_process');\n${program}`);
  const run = (file: string, words: string[]): Ran =>
    spawnSync(file, words, { encoding: 'utf8', timeout: 60_000, input: '', maxBuffer: 1 << 26 });
  return {
    recording,
    plain: () => run('sh', ['-c', '"$@" | cat', 'sh', process.execPath, script]).stdout,
    record: (through = 'cat', ...flags) =>
      run('sh', ['-c', `"$@" | ${through}`, 'sh', process.execPath, cli, 'record', '-o', recording, ...flags, script]),
    retrace: (...words) => run(process.execPath, [cli, ...words]),
  };
}

test('a reader that goes away ends the program that writes, as it would have', (t) => {
  const { record, retrace, recording } = bench(
    t,
    `const { status, signal } = spawnSync('sh', ['-c', 'yes'], { stdio: 'inherit' }); console.error(status, signal);`,
  );
  const recorded = record('head -n 2');
  assert.equal(recorded.stdout, 'y\ny\n');
  assert.match(recorded.stderr, /^(null SIGPIPE|141 null)\n$/);
  assert.equal(retrace('replay', recording, '--engine', 'native').stderr, recorded.stderr);
});

test('a recorded process that is killed takes nothing from those that outlive it', (t) => {
  const { record, retrace, recording } = bench(
    t,
    `spawn('sh', ['-c', 'echo one; sleep 0.3; echo two; sleep 0.1; echo three'], { stdio: 'inherit' });
     setTimeout(() => process.kill(process.pid, 'SIGKILL'), 100);`,
  );
  assert.equal(record().stdout, 'one\ntwo\nthree\n');
  assert.equal(retrace('replay', recording, '--engine', 'native').stdout, 'one\ntwo\nthree\n');
});

test('bytes come through unchanged and complete, with children recorded or not', (t) => {
  const { record, retrace, recording } = bench(
    t,
    `spawnSync(process.execPath, ['-e', 'for (let i = 0; i < 2000; i++) console.log(i, "x".repeat(i % 300))'], { stdio: 'inherit' });
     spawnSync('sh', ['-c', 'head -c 3000000 /dev/zero | tr "\\\\0" "z"'], { stdio: 'inherit' });
     console.log('end');`,
  );
  const recorded = record('cat', '--no-children');
  assert.ok(recorded.stdout.endsWith(`${'z'.repeat(3_000_000)}end\n`));
  assert.equal(retrace('replay', recording, '--engine', 'native').stdout, recorded.stdout);
});

test('what a program is told of the descriptors it has', (t) => {
  const { record, plain } = bench(t, `spawnSync('sh', ['-c', 'ls /proc/self/fd; test -t 1 || echo no terminal'], { stdio: 'inherit' });`);
  const { stdout } = record();
  assert.match(stdout, /no terminal\n$/);
  assert.equal(stdout, plain());
});

test('the process has no child and gets no signal but those of the program', (t) => {
  const { record } = bench(
    t,
    `let told = 0;
     process.on('SIGCHLD', () => told++);
     const child = spawn('sleep', ['0.2'], { stdio: 'inherit' });
     const children = require('node:fs').readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim().split(' ');
     console.log(children.length, children[0] === String(child.pid));
     child.on('close', () => setTimeout(() => { console.log(told); process.exit(); }, 50));`,
  );
  assert.equal(record().stdout, '1 true\n1\n');
});

test('info counts it, and a log that was damaged is refused by name', (t) => {
  const { record, retrace, recording } = bench(t, `spawnSync('sh', ['-c', 'echo twelve bytes'], { stdio: 'inherit' });`);
  record();
  assert.match(retrace('info', recording).stdout, /^others +13 bytes written by programs that are not recorded/m);
  const file = path.join(recording, 'outputs/1.trace');
  const bytes = fs.readFileSync(file);
  bytes[75]! ^= 1;
  fs.writeFileSync(file, bytes);
  for (const command of ['replay', 'verify', 'info']) {
    const { status, stderr } = retrace(command, recording);
    assert.equal(status, 125, command);
    assert.match(stderr, /outputs\/1\.trace is damaged/);
  }
});
