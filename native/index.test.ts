import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { getText, openTraceFile, setText, sha256, stamp } from './index';

const folder = mkdtempSync(join(tmpdir(), 'retrace-native-'));
after(() => rmSync(folder, { recursive: true }));
const facade = JSON.stringify(join(__dirname, 'index.js'));

function run(script: string, ...flags: string[]) {
  return spawnSync(process.execPath, [...flags, '-e', script], { encoding: 'utf8', cwd: folder });
}

test('a trace file moves its window without changing the view, and is cut at close', () => {
  const path = join(folder, 'a.trace');
  const file = openTraceFile(path, 8192);
  const window = file.window;
  window[0] = 1;
  window[8191] = 2;
  assert.equal(file.advance(8000), 4096);
  assert.equal(window[8191 - 4096], 2);
  window[4096] = 3;
  file.committed[0] = 8193;
  assert.equal(file.crc32(0, 4097, 0), crc32(window.subarray(0, 4097)));
  assert.equal(file.crc32(100, 4097, file.crc32(3, 100, 0)), crc32(window.subarray(3, 4097)));
  // Behind the window and inside of it.
  assert.deepEqual(
    [file.holds(0, Buffer.from([7, 1, 0]), 1, 3), file.holds(8191, Buffer.from([2, 3]), 0, 2), file.holds(8191, Buffer.from([2, 4]), 0, 2)],
    [true, true, false],
  );
  assert.equal(file.holds(1 << 20, Buffer.from([0]), 0, 1), false);
  file.close();
  file.close();
  window.fill(9);
  const bytes = readFileSync(path);
  assert.equal(bytes.length, 8193);
  assert.deepEqual([bytes[0], bytes[8191], bytes[8192]], [1, 2, 3]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('a trace file is never opened over another, and says why it cannot be made', () => {
  const path = join(folder, 'b.trace');
  openTraceFile(path, 4096).close();
  assert.throws(() => openTraceFile(path, 4096), { code: 'EEXIST' });
  assert.throws(() => openTraceFile(join(folder, 'no/where'), 4096), { code: 'ENOENT' });
});

test('what was stored before SIGKILL is in the file', () => {
  const result = run(`const { openTraceFile } = require(${facade});
    const file = openTraceFile('killed.trace', 4096);
    for (let i = 100; i < 200; i++) file.window[i] = i;
    file.committed[0] = 200;
    process.kill(process.pid, 'SIGKILL');`);
  assert.equal(result.signal, 'SIGKILL');
  const bytes = readFileSync(join(folder, 'killed.trace'));
  assert.equal(bytes.readDoubleLE(16), 200);
  assert.equal(bytes[199], 199);
});

test('a trace file is cut when its environment goes, also in a worker that is terminated', () => {
  const result = run(`const { Worker } = require('worker_threads');
    const worker = new Worker(\`const { openTraceFile } = require(${facade});
      const file = openTraceFile('worker.trace', 65536); file.committed[0] = 77;
      require('worker_threads').parentPort.postMessage(0); for (;;);\`, { eval: true });
    worker.on('message', () => worker.terminate());
    const { openTraceFile } = require(${facade});
    openTraceFile('main.trace', 65536).committed[0] = 55;`);
  assert.equal(result.stderr, '');
  assert.equal(statSync(join(folder, 'worker.trace')).size, 77);
  assert.equal(statSync(join(folder, 'main.trace')).size, 55);
});

test('stamps rise, texts are shared', () => {
  const first = stamp();
  assert.equal(stamp(), first + 1);
  assert.equal(getText('nothing'), undefined);
  setText('worker 3', 'a path é');
  assert.equal(getText('worker 3'), 'a path é');
});

test('sha256 is SHA-256 at every length around its blocks', () => {
  for (const n of [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000, 100000]) {
    const bytes = Buffer.alloc(n, `${n} bytes`);
    assert.equal(sha256(bytes), createHash('sha256').update(bytes).digest('hex'), `${n} bytes`);
  }
});

test('blocking reads and writes take the whole of a pipe', () => {
  const result = spawnSync(
    process.execPath,
    [
      '-e',
      `const n = require(${facade}); const b = new Uint8Array(300000); const got = n.readFully(0, b); n.writeFully(1, b.subarray(0, got));`,
    ],
    { input: Buffer.alloc(250000, 'abc'), maxBuffer: 1 << 20 },
  );
  assert.equal(result.stderr.toString(), '');
  assert.deepEqual(result.stdout, Buffer.alloc(250000, 'abc'));
  assert.match(run(`require(${facade}).writeFully(77, new Uint8Array(1))`).stderr, /EBADF/);
});

test('a process dies of a signal it handles, or leaves at once', () => {
  const died = run(
    `process.on('SIGTERM', () => console.log('handled')); process.on('exit', () => console.log('exit')); require(${facade}).dieOf(15)`,
  );
  assert.equal(died.signal, 'SIGTERM');
  assert.equal(died.stdout, '');
  const left = run(`process.on('exit', () => console.log('exit')); require(${facade}).exitNow(9)`);
  assert.equal(left.status, 9);
  assert.equal(left.stdout, '');
});

test('a process whose time is over dies of its signal, on whichever thread the time was used', () => {
  // Signals that dump core are the ones that another thread of the process may take its time over.
  const [quit, aborts] = [os.constants.signals.SIGQUIT, os.constants.signals.SIGABRT];
  const ends = [quit, aborts, 0].map((signal) => {
    const script = `const { Worker } = require('worker_threads');
      let online = 0;
      for (let i = 0; i < 4; i++) new Worker('for (;;);', { eval: true }).on('online', () => {
        if (++online < 4) return;
        require(${facade}).endAfter(20, 'over', ${signal}, 125);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      });`;
    const end = spawnSync('sh', ['-c', 'ulimit -c 0; exec "$0" -e "$1"', process.execPath, script], { encoding: 'utf8', cwd: folder });
    return [end.signal ?? end.status, end.stderr];
  });
  assert.deepEqual(ends, [
    ['SIGQUIT', 'over'],
    ['SIGABRT', 'over'],
    [125, 'over'],
  ]);
});

test('a missing driver is an error that names the command', () => {
  const result = run(`Object.defineProperty(process, 'versions', { value: { modules: '1' } });
    try { require(${facade}).driver() } catch (e) { console.log(e.message) }`);
  assert.match(result.stdout, /ABI 1.*build-native\.mjs --node/s);
});

const drive = `const { driver } = require(${facade});`;

test('the driver makes callbacks as Node does: context, ticks, microtasks', () => {
  const result = run(`${drive}
    const { executionAsyncId, triggerAsyncId } = require('async_hooks');
    const log = [];
    const steps = [
      { recv: { who: 'r' }, args: [1, 'two'], asyncId: 900, triggerId: 800, fn: function (a, b) {
        log.push(this.who, a, b, executionAsyncId(), triggerAsyncId());
        process.nextTick(() => log.push('tick')); Promise.resolve().then(() => log.push('microtask')); setImmediate(() => log.push('immediate')); } },
      { recv: process, args: [], asyncId: 0, triggerId: 0, fn: () => log.push('second') },
    ];
    Promise.resolve().then(() => log.push('before'));
    driver().start((threw) => { log.push('next ' + threw); return steps.shift() ; });
    log.push('main');
    process.on('exit', () => console.log(log.join()));`);
  assert.equal(result.stderr, '');
  assert.equal(result.stdout, 'main,before,next false,r,1,two,900,800,tick,microtask,next false,second,next false,immediate\n');
});

test('an exception goes the way it goes in a live run, and next() is told', () => {
  const result = run(`${drive}
    const log = [];
    process.on('uncaughtException', (e) => { log.push('uncaught ' + e.message); });
    const steps = [ () => { Promise.resolve().then(() => log.push('microtask')); throw new Error('one'); }, () => log.push('two') ];
    driver().start((threw) => { log.push(threw); const fn = steps.shift(); return fn ? { recv: {}, fn, args: [], asyncId: 5, triggerId: 1 } : undefined; });
    process.on('exit', () => console.log(log.join()));`);
  assert.equal(result.stderr, '');
  assert.match(result.stdout, /^false,uncaught one,.*true,.*two,.*false/);
});

test('a fatal error prints what it prints in a live run', () => {
  const body = `function handler() { inner(); }\nfunction inner() { null.x; }\n`;
  const live = run(`${body} setTimeout(handler);`);
  const driven = run(`${body}
    let first = true;
    require(${facade}).driver().start(() => first ? (first = false, { recv: {}, fn: handler, args: [], asyncId: 1, triggerId: 0 }) : undefined);`);
  assert.equal(driven.status, live.status);
  const upTo = (text: string) => text.slice(0, text.indexOf('at inner')).replaceAll(/:\d+/g, ':N');
  assert.equal(upTo(driven.stderr), upTo(live.stderr));
  assert.match(driven.stderr, /at inner .*\n    at Object\.handler .*\n\nNode\.js/);
});

test('the event loop goes on after the driver stops, and the driver can start again', () => {
  const result = run(`${drive}
    driver().start(() => undefined);
    setTimeout(() => { console.log('timer'); let n = 0; driver().start(() => n++ ? undefined : { recv: {}, fn: () => console.log('again'), args: [], asyncId: 0, triggerId: 0 }); });`);
  assert.equal(result.stdout, 'timer\nagain\n');
});

test('a fault in next() ends the process with 125', () => {
  const result = run(`${drive} driver().start(() => { throw new Error('broken') });`);
  assert.equal(result.status, 125);
  assert.match(result.stderr, /inside retrace itself: Error: broken/);
});

test('exceptionMessage tells where an error came from', () => {
  const result = run(`${drive}
    let m; try { null.foo } catch (e) { m = driver().exceptionMessage(e) }
    console.log(JSON.stringify([m.line, m.sourceLine.trim().slice(0, 25), m.text]));`);
  assert.equal(result.stderr, '');
  assert.equal(JSON.parse(result.stdout)[1], 'let m; try { null.foo } c');
});

test('a trace file needs no built-in module that Node has not loaded', () => {
  const result = run(`const before = new Set(process.moduleLoadList);
    require(${facade}).openTraceFile('quiet.trace');
    console.log(process.moduleLoadList.filter((m) => !before.has(m)).join());`);
  assert.equal(result.stdout.trim(), '');
  assert.ok(existsSync(join(folder, 'quiet.trace')));
});
