// scheduledBy and the frames behind the stack: every way in which a program hands a callback to somebody else leads back to that place.
import assert from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isEnd, NotReached, open, record, type Recording } from '.';

/** A callback calls reached(NAME); what schedules it stands on a line that ends in `// NAME HOW`. */
const PROGRAM = `'use strict';
const EventEmitter = require('events');
const fs = require('fs');
const http = require('http');
const { Readable, pipeline } = require('stream');
const { promisify } = require('util');
const seen = [];
function reached(name) {
  seen.push(name);
}
function twice(name) {
  reached(name);
}
setTimeout(twice, 1, 'first'); // first setTimeout
setTimeout(twice, 9, 'second'); // second setTimeout
process.nextTick(() => reached('tick')); // tick nextTick
queueMicrotask(function micro() { reached('micro'); }); // micro queueMicrotask
setImmediate(() => reached('immediate')); // immediate setImmediate
Promise.resolve(1).then((v) => reached('then')); // then then
Promise.reject(1).catch((v) => reached('catch')); // catch catch
Promise.reject(1).then(null, (v) => reached('rejected')); // rejected then
const interval = setInterval(function again() { // interval setInterval
  reached('interval');
  clearInterval(interval);
}, 2);
const emitter = new EventEmitter();
emitter.on('told', function told() { reached('on'); }); // on on
emitter.once('told', () => reached('once')); // once once
emitter.on('told', twice.bind(null, 'bound')); // bound on
setTimeout(() => emitter.emit('told'), 3); // - setTimeout
const target = new EventTarget();
target.addEventListener('hit', () => reached('listener')); // listener addEventListener
setTimeout(() => target.dispatchEvent(new Event('hit')), 4);
fs.readFile(__filename, () => reached('readFile')); // readFile readFile
promisify(fs.stat)(__filename).then(() => reached('promisified')); // promisified then
new Promise((resolve) => setTimeout(resolve, 1)).finally(() => reached('finally')); // finally finally
async function inner() {
  await null; // inner await
  reached('inner');
  await new Promise((resolve) => setTimeout(resolve, 2)); // inner2 await
  reached('inner2');
}
async function outer() {
  const value = inner();
  await value; // outer await
  reached('outer');
}
function start() {
  return outer();
}
setTimeout(start, 5);
[1].map(async (x) => {
  await x; // mapped await
  reached('mapped');
});
async function loop() {
  for await (const chunk of Readable.from(['a'])) { // chunk await
    reached('chunk');
  }
}
loop();
pipeline(Readable.from(['b']), async function* (source) { yield* source; }, async (source) => { for await (const x of source); }, () => reached('pipeline')); // pipeline pipeline
const server = http.createServer((request, response) => { // request createServer
  reached('request');
  request.on('data', () => {}).on('end', () => { // body on
    reached('body');
    response.end('ok');
  });
});
server.listen(0, '127.0.0.1', () => { // listening listen
  reached('listening');
  fetch('http://127.0.0.1:' + server.address().port, { method: 'POST', body: 'x' })
    .then((r) => r.text()).then(() => { // fetched then
      reached('fetched');
      server.close(() => reached('closed')); // closed close
    });
});
['c', 'a'].sort((x, y) => { reached('sorted'); return x < y ? -1 : 1; });
function Deep(n) {
  if (n === 0) reached('deep');
  else setTimeout(Deep, 1, n - 1); // deep setTimeout
}
Deep(100);
function self() { // a function that others get hold of, in other ways
  reached('self');
  Object.keys(self).concat(Object.assign(twice.bind(self), { self }), Reflect.has(self, 'x'));
}
setInterval(self, 1).unref(); // self setInterval
`;

let folder: string;
let recording: Recording;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retrace-scheduled-'));
  writeFileSync(join(folder, 'app.js'), PROGRAM);
  const { exitCode } = await record({ script: 'app.js', cwd: folder, dir: 'recording', stdio: 'ignore' });
  assert.equal(exitCode, 0);
  recording = await open(join(folder, 'recording'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** The line that a mark names, and how. */
function marks(): Map<string, { line: number; by: string }> {
  const found = new Map<string, { line: number; by: string }>();
  PROGRAM.split('\n').forEach((text, index) => {
    const mark = /\/\/ (\w+) (\w+)$/.exec(text);
    if (mark) found.set(mark[1]!, { line: index + 1, by: mark[2]! });
  });
  return found;
}

/** The line that a piece of the program is on. */
function lineOf(text: string): number {
  return PROGRAM.slice(0, PROGRAM.indexOf(text)).split('\n').length;
}

describe('scheduledBy', () => {
  test('leads from every callback to the place that scheduled it', async () => {
    const expected = marks();
    const names = new Set<string>();
    const replay = await recording.replay();
    try {
      await replay.setBreakpoints(['app.js:9']);
      for (let at = await replay.continue(); !isEnd(at); at = await replay.continue()) {
        const name = String(at.locals['name']?.value);
        names.add(name);
        if (name === 'sorted') continue;
        const { line, by } = expected.get(name)!;
        const scheduled = await replay.schedule();
        assert.deepEqual([scheduled?.by, scheduled?.line], [by, line], name);
        const { frames } = at;
        const asynchronous = frames.findIndex((frame) => frame.async === true);
        assert.ok(asynchronous > 0, `${name} has frames behind the stack`);
        assert.ok(
          frames.slice(asynchronous).every((frame) => frame.async === true),
          'real frames come first',
        );
      }
      for (const name of expected.keys()) assert.ok(names.has(name) || name === '-', `${name} was not reached`);
    } finally {
      await replay.close();
    }
  });

  test('the frames behind the stack: awaiting functions, their callers, what scheduled those', async () => {
    const replay = await recording.replay();
    try {
      const stop = await replay.runTo(`app.js:${lineOf("reached('inner2')")}`);
      assert.ok(!isEnd(stop));
      assert.deepEqual(
        stop.frames.map((frame) => [frame.function, frame.line, frame.async ?? false, frame.by ?? '']),
        [
          ['inner', lineOf("reached('inner2')"), false, ''],
          ['outer', lineOf('await value'), true, 'await'],
          ['start', lineOf('return outer()'), true, 'await'],
          ['', lineOf('setTimeout(start'), true, 'setTimeout'],
        ],
      );
      const scheduled = await replay.scheduledBy();
      assert.ok(!isEnd(scheduled));
      assert.deepEqual(
        [scheduled.line, scheduled.scheduled?.by, scheduled.position],
        [scheduled.scheduled?.line, 'await', scheduled.scheduled?.position],
      );
      assert.equal(scheduled.line, lineOf('await new Promise'));
      await replay.goto(stop.frames[1]!.position!);
      assert.equal((await replay.frames())[0]?.line, lineOf('await value'));
    } finally {
      await replay.close();
    }
  });

  test('chains are cut, and nothing scheduled the program itself', async () => {
    const replay = await recording.replay();
    try {
      const stop = await replay.runTo(`app.js:${lineOf('if (n === 0)')}`);
      assert.ok(!isEnd(stop));
      await assert.rejects(replay.scheduledBy(), NotReached);
      const deep = await replay.runTo(`app.js:${lineOf('if (n === 0)')}`, { hit: 101 });
      assert.ok(!isEnd(deep));
      const behind = deep.frames.filter((frame) => frame.async);
      assert.ok(behind.length >= 32 && behind.length <= 64, `${behind.length} frames`);
      const sorted = await replay.runTo(`app.js:${lineOf("reached('sorted')")}:32`, { hit: 1 });
      assert.ok(!isEnd(sorted));
      await assert.rejects(replay.scheduledBy(), NotReached);
    } finally {
      await replay.close();
    }
  });
});
