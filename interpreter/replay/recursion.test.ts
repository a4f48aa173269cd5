// Deep recursion in the interpreter where native replays may differ: the program asks the outside world on its way down, so that V8's stack may end
// inside the recorder; and a debugger that stops thousands of calls deep.
import assert from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isEnd, open, record, type Recording } from '.';

const PROGRAM = `'use strict';
const fs = require('fs');
let n = 0;
function depth(name, run) {
  n = 0;
  try {
    run();
  } catch (error) {
    fs.writeSync(1, name + ' ' + n + ' ' + (error instanceof RangeError) + '\\n');
  }
}
const clock = () => {
  n++;
  Date.now();
  clock();
};
for (let i = 0; i < 5; i++) depth('clock', clock);
const chance = () => {
  n++;
  Math.random();
  performance.now();
  chance();
};
depth('chance', chance);
const mapped = (x) => {
  n++;
  return [x].map(mapped);
};
depth('map', mapped);
setImmediate(() => depth('later', clock));
`;

let folder: string;
let recording: Recording;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retrace-recursion-'));
  writeFileSync(join(folder, 'deep.js'), PROGRAM);
  const { exitCode } = await record({ script: 'deep.js', cwd: folder, dir: 'recording', stdio: 'ignore' });
  assert.equal(exitCode, 0);
  recording = await open(join(folder, 'recording'));
});

after(() => rmSync(folder, { recursive: true, force: true }));

test('the stack ends at the same calls', async () => {
  const replay = await recording.replay();
  assert.ok(isEnd(await replay.continue()), 'the program ends as it was recorded: its counts are among its output');
  await replay.close();
});

test('a stop in the middle, evaluations, and steps back', async () => {
  const replay = await recording.replay();
  const line = PROGRAM.split('\n').findIndex((text) => text.includes('return [x]')) + 1;
  const at = await replay.runTo(`deep.js:${line}`, { hit: 3000 });
  assert.ok(!isEnd(at));
  assert.equal((await replay.evaluate('n')).preview, '3000');
  assert.equal((await replay.evaluate('[2, 1].sort((a, b) => a - b)[0]')).preview, '1');
  const endless = await replay.evaluate('(function f() { return [1].map(f); })()');
  assert.match(endless.error?.message ?? '', /Maximum call stack size exceeded/);
  const back = await replay.stepBack();
  assert.ok(!isEnd(back));
  assert.equal(back.line, line - 1);
  assert.ok(isEnd(await replay.continue()));
  await replay.close();
});
