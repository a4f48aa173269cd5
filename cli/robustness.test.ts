// Programs that end badly while they are recorded, and recorders that meet a full disk: the program is never the one to suffer, and what was
// recorded replays to its last event.
import assert from 'node:assert';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

const CLI = join(__dirname, 'main.js');
let folder: string;
before(() => (folder = mkdtempSync(join(tmpdir(), 'retrace-robust-'))));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  stdout: string;
  stderr: string;
  status: number | null;
  signal: string | null;
}

/** limits: shell commands that come first, such as `ulimit`. */
function retrace(words: string[], limits = ':'): Outcome {
  const command = `${limits}; exec "$0" "$@"`;
  const { stdout, stderr, status, signal } = spawnSync('bash', ['-c', command, process.execPath, CLI, ...words], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { stdout, stderr, status, signal };
}

function program(name: string, text: string): string {
  writeFileSync(join(folder, `${name}.js`), text);
  return `${name}.js`;
}

function verified(recording: string): {
  ok: boolean;
  engines: { events: number; of: number; signal: string | null; stdout: { bytes: number } }[];
} {
  const { stdout, stderr } = retrace(['verify', recording, '--json']);
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as ReturnType<typeof verified>;
}

/** Every engine reaches the last event, has written what the program wrote, and dies as it did. */
function replays(recording: string, signal: string, stdout: string): void {
  const { ok, engines } = verified(recording);
  assert.deepEqual(
    engines.map((one) => [one.events === one.of, one.signal, one.stdout.bytes]),
    engines.map(() => [true, signal, Buffer.byteLength(stdout)]),
  );
  assert.ok(ok);
}

const BUSY = `const fs = require('fs');
for (let n = 0; n < 4; n++) { for (let i = 0; i < 2000; i++) fs.readFileSync(__filename); console.log('tick', n); }`;

test('no more room for the trace: one warning, the program runs on, and the recording replays to where it stops', () => {
  // 1,200 KB a file: the first window of the trace, not the second.
  const { stdout, stderr, status } = retrace(['record', '-o', 'full', program('busy', BUSY)], 'ulimit -f 1200');
  assert.deepEqual([stdout, status], ['tick 0\ntick 1\ntick 2\ntick 3\n', 0]);
  assert.match(stderr, /^retrace: the recording stops here, the program goes on: cannot write the recording: .*\n$/);
  assert.match(retrace(['info', 'full']).stdout, /^ended +the recorder gave up: cannot write/m);
  for (const engine of ['native', 'vm']) {
    const replay = retrace(['replay', 'full', '--engine', engine]);
    assert.equal(replay.status, 125);
    assert.ok('tick 0\ntick 1\ntick 2\n'.startsWith(replay.stdout), replay.stdout);
    assert.match(replay.stderr, /^retrace: the recording ends here, after event \d+ in turn 0: the recorder gave up: cannot write .*\n$/);
  }
  assert.ok(verified('full').ok);
});

test('no room at all: not recorded, and the program runs', () => {
  const { stdout, stderr, status } = retrace(['record', '-o', 'none', program('one', 'console.log(1)')], 'ulimit -f 100');
  assert.deepEqual([stdout, status], ['1\n', 0]);
  assert.match(stderr, /^retrace: not recording: cannot create .*\n$/);
  assert.equal(existsSync(join(folder, 'none')), false);
});

test('the recording is deleted while it is made', () => {
  const text = `const fs = require('fs'); fs.rmSync(process.argv[2], { recursive: true });
    for (let i = 0; i < 3000; i++) fs.readFileSync(__filename);
    try { require('./later'); } catch {}
    setTimeout(() => console.log('done'), 1);`;
  program('later', 'exports.x = 1;');
  const { stdout, status } = retrace(['record', '-o', 'gone', program('deletes', text), 'gone']);
  assert.deepEqual([stdout, status], ['done\n', 0]);
});

test('out of memory', () => {
  const text = "console.log('up', Math.random()); setTimeout(() => { const all = []; for (;;) all.push(new Array(1000).fill(1)); }, 2);";
  const { stdout, stderr } = retrace(['record', '-o', 'oom', '--node-flag=--max-old-space-size=30', program('oom', text)], 'ulimit -c 0');
  assert.match(stderr, /heap out of memory/);
  replays('oom', 'SIGABRT', stdout);
});

test('an endless loop, killed', () => {
  const text = `console.log(Date.now());
    setTimeout(() => { console.log('in'); require('child_process').spawn('sh', ['-c', 'sleep 0.3; kill -9 $0', process.pid]); for (;;); }, 2);`;
  const { stdout, signal } = retrace(['record', '-o', 'loop', program('loop', text)]);
  assert.equal(signal, 'SIGKILL');
  replays('loop', 'SIGKILL', stdout);
  // And the debugger comes back from it.
  const words = ['interpret', 'loop', '--stop-at', 'loop.js:1', '--interactive', '--echo'];
  const asked = spawnSync(process.execPath, [CLI, ...words], { cwd: folder, input: 'continue\nback\n', encoding: 'utf8', timeout: 60_000 });
  assert.match(asked.stdout, /^end: the recording ends here, the program was killed by SIGKILL .*\n.*\nstep at loop\.js:2:/m);
});

test('process.abort', () => {
  const { stdout } = retrace(['record', '-o', 'abort', program('abort', "console.log('last'); process.abort();")], 'ulimit -c 0');
  replays('abort', 'SIGABRT', stdout);
  const again = retrace(['replay', 'abort'], 'ulimit -c 0');
  assert.deepEqual(again, { stdout: 'last\n', stderr: '', status: null, signal: 'SIGABRT' });
});

test('events larger than the window of the trace', () => {
  const text = `const fs = require('fs');
    fs.writeFileSync('large.bin', Buffer.alloc(5 << 20, 'abc'));
    const hash = (b) => require('crypto').createHash('sha1').update(b).digest('hex');
    console.log(hash(fs.readFileSync('large.bin')), Date.now());
    fs.readFile('large.bin', (_, b) => console.log(hash(b), Math.random()));`;
  const { stdout, status } = retrace(['record', '-o', 'big', program('large', text)]);
  assert.equal(status, 0);
  const { ok, engines } = verified('big');
  assert.ok(ok);
  for (const one of engines) assert.equal(one.stdout.bytes, stdout.length);
  assert.equal(retrace(['replay', 'big', '--engine', 'native']).stdout, stdout);
  assert.equal(readFileSync(join(folder, 'big/manifest.json'), 'utf8').includes('"ended"'), true);
});

test('a busy server, killed at any moment: every recording replays to its last event', () => {
  const script = join(__dirname, '../../scripts/kill-storm.mjs');
  const { stdout, status } = spawnSync(process.execPath, [script, '3'], { encoding: 'utf8', timeout: 120_000 });
  assert.match(stdout, /^3 of 3 recordings opened and replayed to their last event/m);
  assert.equal(status, 0);
});

test('last words after the end of the trace do not count as missing events', () => {
  const text = `setTimeout(() => { throw new Error('late'); }, 1);
process.on('exit', () => { Promise.resolve().then(() => console.log('after the listeners')); });`;
  assert.equal(retrace(['record', '-o', 'words', program('words', text)]).status, 1);
  const { ok, engines } = verified('words');
  assert.deepEqual(
    engines.map((one) => one.events),
    engines.map((one) => one.of),
  );
  assert.ok(ok);
});
