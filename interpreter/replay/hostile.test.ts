// A debugger in a program that has replaced the built-ins it shares with the debugger's own code: stepping, frames, values, evaluations and searches
// for writes work, run nothing of the program's, and the program goes on to print the counts that it printed when it was recorded.
import assert from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isEnd, open, record, type Recording, type Replay } from '.';

const PROGRAM = `'use strict';
const { apply, defineProperty } = Reflect;
const { stdout } = process;
let calls = 0;
const count = (object, names) => {
  for (let i = 0; i < names.length; i++) {
    const original = object[names[i]];
    defineProperty(object, names[i], { __proto__: null, value: function () { calls++; return apply(original, this, arguments); }, writable: true, configurable: true });
  }
};
count(Array.prototype, ['push', 'slice', 'map', 'filter', 'join', 'indexOf', 'includes', 'some', 'concat', Symbol.iterator]);
count(Map.prototype, ['get', 'set', 'has']);
count(WeakMap.prototype, ['get', 'set', 'has']);
count(String.prototype, ['slice', 'split', 'startsWith', 'replace']);
count(Object, ['keys', 'defineProperty', 'getOwnPropertyDescriptor', 'entries']);
for (const key of ['get', 'value', 'then', 'kind', 'handle', 'toJSON'])
  defineProperty(Object.prototype, key, { __proto__: null, get() { calls++; return undefined; }, set(v) { defineProperty(this, key, { __proto__: null, value: v, writable: true, configurable: true, enumerable: true }); }, configurable: true });
globalThis.Map = globalThis.Promise = globalThis.Error = undefined;
const before = calls;
function work(n) {
  const plain = { n, list: [n, { deep: n }] };
  const trap = new Proxy({ hidden: 1 }, { get() { calls++; return 0; }, ownKeys() { calls++; return []; }, getPrototypeOf() { calls++; return null; } });
  const lazy = { get now() { calls++; return 1; } };
  plain.n = n + 1;
  plain.list[0] = 'changed';
  return plain.n + typeof trap + typeof lazy;
}
const result = work(1);
stdout.write(result + ' ' + (calls - before));
`;

let folder: string;
let recording: Recording;
let replay: Replay;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retrace-hostile-'));
  writeFileSync(join(folder, 'app.js'), PROGRAM);
  const { exitCode } = await record({ script: 'app.js', cwd: folder, dir: 'recording', stdio: 'ignore' });
  assert.equal(exitCode, 0);
  recording = await open(join(folder, 'recording'));
  replay = await recording.replay();
});
after(async () => {
  await replay.close();
  rmSync(folder, { recursive: true, force: true });
});

test('values, evaluations, writes and steps both ways', async () => {
  const line = PROGRAM.split('\n').findIndex((text) => text.includes('return plain.n')) + 1;
  const at = await replay.runTo(`app.js:${line}`);
  assert.ok(!isEnd(at));
  assert.deepEqual(
    at.frames.slice(0, 2).map((frame) => frame.line),
    [line, line + 2],
  );
  assert.match(JSON.stringify(at.locals), /plain/);
  assert.equal((await replay.evaluate('plain.n')).preview, '2');
  assert.match((await replay.evaluate('plain.list')).preview, /changed/);
  assert.match((await replay.evaluate('[trap, lazy]')).preview, /Proxy/);
  const same = (await replay.evaluate('calls - before')).preview;
  assert.equal(same, '0', 'what was looked at ran nothing of the program');
  const write = await replay.whoWrote('plain.list[0]');
  assert.ok(!isEnd(write));
  assert.equal(write.line, line - 1);
  const back = await replay.stepBack();
  assert.ok(!isEnd(back));
  assert.equal(back.line, line - 2);
  await replay.stepOver();
  const out = await replay.stepOut();
  assert.ok(!isEnd(out));
  assert.ok(isEnd(await replay.continue()), 'the program ends as it was recorded: its counts are among its output');
});
