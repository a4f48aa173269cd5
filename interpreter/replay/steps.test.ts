// Stepping by frame and runs to landmarks, both ways, through every construct that a frame can be left and entered by.
import assert from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isEnd, NotReached, open, record, type End, type Landmark, type Recording, type Replay, type Stop } from '.';

const PROGRAM = `'use strict';
const EventEmitter = require('events');
async function inner(x) {
  const a = x + 1;
  await null;
  return a;
}
async function middle() {
  const one = await inner(1);
  const two = await inner(one);
  return one + two;
}
function* numbers() {
  yield 1;
  yield 2;
}
function* outerNumbers() {
  const r = yield* numbers();
  yield 3;
}
async function* later() {
  yield 'a';
  await null;
  yield 'b';
}
function risky(n) {
  try {
    if (n > 1) throw new Error('big');
    return n;
  } catch (e) {
    return -n;
  } finally {
    n = 0;
  }
}
const sorted = [3, 1, 2].sort((a, b) => {
  const d = a - b;
  return d;
});
for (const n of outerNumbers()) {
  sorted.push(n);
}
const emitter = new EventEmitter();
emitter.on('x', (v) => {
  sorted.push(v);
});
emitter.emit('x', 9);
const total = risky(1) + risky(2);
function fact(n) {
  if (n < 2) return 1;
  return n * fact(n - 1);
}
const f = fact(3);
const detached = middle();
detached.then((v) => {
  console.log('sum', v);
});
const parsed = JSON.parse('{"a":[1]}', function (key, value) {
  const kept = value;
  return kept;
});
const cell = {
  get size() {
    return 7;
  },
};
const seen = new Proxy(cell, {
  get(target, key) {
    const value = target[key];
    return value;
  },
}).size;
const text = \`\${{
  toString() {
    return 'text';
  },
}}\`;
async function consume() {
  for await (const s of later()) {
    console.log(s);
  }
  return 'end';
}
setTimeout(async () => {
  const s = await consume();
  console.log(s, total, f, parsed, seen, text);
}, 1);
`;

type Step = 'over' | 'out' | 'in' | 'back' | 'back-out' | 'back-in';

const STEPS: Record<Step, (r: Replay) => Promise<Stop | End>> = {
  over: (r) => r.stepOver(),
  out: (r) => r.stepOut(),
  in: (r) => r.stepIn(),
  back: (r) => r.stepBack(),
  'back-out': (r) => r.stepBackOut(),
  'back-in': (r) => r.stepBackIn(),
};

/** Where it starts, what is done, the lines that leads to. */
const WALKS: [what: string, from: number, steps: Step[], lines: number[]][] = [
  ['over an await, and at the end of the function to its awaiter', 4, ['over', 'over', 'over', 'over'], [5, 6, 10, 11]],
  ['over the await of a call', 9, ['over', 'over', 'over'], [10, 11, 56]],
  ['out of an async function before its first await', 4, ['out'], [10]],
  ['out of an async function that was resumed', 6, ['out', 'out', 'out'], [10, 56, 85]],
  ['over a yield, to the consumer', 14, ['over'], [40]],
  ['out of a generator below yield*', 15, ['out', 'over', 'over'], [40, 41, 40]],
  ['over a yield of an async generator, to the for await', 22, ['over', 'over', 'over'], [79, 80, 79]],
  ['out of the body of a for await', 79, ['out'], [86]],
  ['over the end of a callback of sort', 37, ['over', 'over'], [38, 40]],
  ['out of a listener, past the emitter', 45, ['out'], [48]],
  ['over a throw-free try, its finally, the caller', 28, ['over', 'over', 'over'], [29, 33, 53]],
  ['over the end of a function that called itself', 51, ['over', 'over'], [54, 55]],
  ['over the end of a JSON reviver', 59, ['over', 'over', 'over'], [60, 62, 67]],
  ['out of a getter, out of a trap of a proxy', 64, ['over', 'out'], [70, 73]],
  ['over the end of a conversion', 75, ['over'], [84]],
  ['back over calls', 84, ['back', 'back', 'back'], [73, 67, 62]],
  ['back over an await, back out to the caller', 6, ['back', 'back', 'back'], [5, 4, 9]],
  ['back out to the awaiter', 6, ['back-out', 'back'], [9, 54]],
  ['back out of a listener', 45, ['back-out', 'back'], [47, 44]],
];

let folder: string;
let recording: Recording;
let replay: Replay;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retrace-steps-'));
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

async function walk(from: number, steps: Step[]): Promise<(number | 'end')[]> {
  await replay.runTo(`app.js:${from}`, { hit: 1 });
  const lines: (number | 'end')[] = [];
  for (const step of steps) {
    const at = await STEPS[step](replay);
    lines.push(isEnd(at) ? 'end' : at.line);
  }
  return lines;
}

describe('steps by frame', () => {
  for (const [what, from, steps, lines] of WALKS) {
    test(what, async () => assert.deepEqual(await walk(from, steps), lines));
  }
});

test('every step forward is undone by a step back', async () => {
  const digest = (at: Stop | End): string => (isEnd(at) ? 'end' : JSON.stringify([at.position, at.line, at.frames.length, at.locals]));
  await replay.runTo('app.js:9');
  const forwards = [digest(replay.current!)];
  for (let i = 0; i < 8; i++) forwards.push(digest(await replay.stepIn()));
  const backwards = [digest(replay.current!)];
  for (let i = 0; i < 8; i++) backwards.unshift(digest(await replay.stepBackIn()));
  assert.deepEqual(backwards, forwards);
});

describe('landmarks', () => {
  /** The lines of every landmark of a kind. */
  async function all(landmark: Landmark, forwards: boolean): Promise<number[]> {
    const lines: number[] = [];
    for (;;) {
      try {
        const at = await (forwards ? replay.runToNext(landmark) : replay.runToPrevious(landmark));
        if (isEnd(at)) return lines;
        lines.push(at.line);
      } catch (error) {
        assert.ok(error instanceof NotReached);
        return lines;
      }
    }
  }
  const LANDMARKS: [Landmark, number[]][] = [
    ['throw', [28]],
    ['output', [56, 80, 80, 86]],
    ['event', [85]],
    [{ location: 'app.js:51' }, [51, 51]],
    [{ call: 'inner' }, [4, 4]],
  ];
  for (const [landmark, lines] of LANDMARKS) {
    test(`next and previous: ${JSON.stringify(landmark)}`, async () => {
      await replay.start();
      assert.deepEqual(await all(landmark, true), lines);
      await replay.continue();
      const back = landmark === 'event' ? [...lines.toReversed(), 1] : lines.toReversed();
      assert.deepEqual(await all(landmark, false), back);
    });
  }
});
