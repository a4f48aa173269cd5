// The public API on real recordings: every movement is exact, in both directions, and looking changes nothing.
import assert from 'node:assert';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BadLocation, isEnd, NotReached, open, record, type End, type Recording, type Replay, type Stop } from '.';

const PROGRAM = `'use strict';
let total = 0;
function add(n) {
  const before = total;
  total += n;
  return before;
}
const list = [1, 2, 3].map((n) => add(n));
function never() {
  return 1;
}
async function later(name) {
  await null;
  total += name.length;
  return name;
}
setTimeout(() => {
  console.log('timer', total);
  later('abc').then((name) => {
    console.log(name, total, list.length);
    const error = new RangeError('too much: ' + total);
    process.nextTick(() => {
      throw error;
    });
  });
}, 1);
console.log('main', total, typeof never);
`;

let folder: string;
let recording: Recording;
let replay: Replay | undefined;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retrace-replay-'));
  writeFileSync(join(folder, 'app.js'), PROGRAM);
  const { exitCode } = await record({ script: 'app.js', cwd: folder, dir: 'recording', stdio: 'ignore' });
  assert.equal(exitCode, 1);
  renameSync(join(folder, 'app.js'), join(folder, 'gone.js'));
  recording = await open(join(folder, 'recording'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** A replay of its own for each test. */
function replayed(name: string, run: (replay: Replay) => Promise<void>): void {
  test(name, async () => {
    const output: string[] = [];
    replay = await recording.replay({ onOutput: ({ stream, bytes }) => void (stream === 'stdout' && output.push(bytes.toString())) });
    outputs.set(replay, output);
    try {
      await run(replay);
    } finally {
      await replay.close();
    }
  });
}
const outputs = new WeakMap<Replay, string[]>();

function stopped(at: Stop | End): Stop {
  assert.ok(!isEnd(at), 'the program has ended');
  return at;
}

/** What must be the same whenever a position is visited. */
function digest(at: Stop | End): string {
  return isEnd(at) ? `end ${at.position}` : `${at.position} ${at.line}:${at.column} ${JSON.stringify([at.frames, at.locals])}`;
}

describe('Replay', () => {
  replayed('runTo a location: its next hit, its n-th hit, its values', async (r) => {
    const first = stopped(await r.runTo('app.js:5'));
    assert.deepEqual([first.reason, first.file, first.line, first.column, first.hit], ['breakpoint', 'app.js', 5, 3, 1]);
    assert.deepEqual(first.locals, {
      n: { type: 'number', preview: '1', value: 1 },
      before: { type: 'number', preview: '0', value: 0 },
    });
    assert.deepEqual(
      first.frames.map((frame) => [frame.function, frame.line]),
      [
        ['add', 5],
        ['', 8],
        ['', 8],
      ],
    );
    assert.equal(stopped(await r.runTo('app.js:5')).hit, 2);
    assert.equal(stopped(await r.runTo('app.js:5', { hit: 1 })).position, first.position);
    assert.equal(stopped(await r.runTo('app.js:5', { hit: 3 })).locals['before']?.value, 3);
  });

  replayed('forwards and backwards visit the same positions with the same state', async (r) => {
    const forwards: string[] = [];
    let at: Stop | End = await r.start();
    for (; !isEnd(at); at = await r.stepIn()) forwards.push(digest(at));
    assert.ok(forwards.length > 20, `${forwards.length} positions`);
    const backwards: string[] = [];
    for (;;) {
      at = await r.stepBackIn();
      backwards.unshift(digest(at));
      if (!isEnd(at) && at.position === 'main:0:1') break;
    }
    assert.deepEqual(backwards, forwards);
  });

  replayed('stepOver, stepOut and stepBack respect calls', async (r) => {
    await r.runTo('app.js:8');
    const over = stopped(await r.stepOver());
    assert.equal(over.line, 17);
    assert.equal(stopped(await r.stepBack()).line, 8);
    await r.runTo('app.js:4');
    assert.equal(stopped(await r.stepOver()).line, 5);
    assert.equal(stopped(await r.stepOver()).line, 6);
    assert.equal(stopped(await r.stepBack()).line, 5);
    assert.equal(stopped(await r.stepBackOut()).line, 8);
    await r.runTo('app.js:4');
    const out = stopped(await r.stepOut());
    assert.deepEqual([out.line, out.frames.length], [17, 1]);
  });

  replayed('stepping goes on across turns', async (r) => {
    await r.runTo('app.js:27');
    const next = stopped(await r.stepOver());
    assert.deepEqual([next.line, next.position], [18, 'main:1:1']);
    assert.equal(stopped(await r.stepBack()).line, 27);
  });

  replayed('breakpoints, both ways, with hits counted from the start', async (r) => {
    const set = await r.setBreakpoints(['app.js:6', 'app.js:14']);
    assert.deepEqual(
      set.map(({ file, line }) => [file, line]),
      [
        ['app.js', 6],
        ['app.js', 14],
      ],
    );
    const seen: (number | undefined)[][] = [];
    let at = await r.continue();
    for (; !isEnd(at); at = await r.continue()) seen.push([at.line, at.hit]);
    assert.deepEqual(seen, [
      [6, 1],
      [6, 2],
      [6, 3],
      [14, 1],
    ]);
    const back: (number | undefined)[][] = [];
    for (at = await r.reverseContinue(); !isEnd(at) && at.reason === 'breakpoint'; at = await r.reverseContinue())
      back.unshift([at.line, at.hit]);
    assert.deepEqual(back, seen);
    assert.equal(at.position, 'main:0:1');
    await r.runTo('app.js:6', { hit: 2 });
    await r.setBreakpoints(['app.js:5', 'app.js:6']);
    const later = stopped(await r.continue());
    assert.deepEqual([later.line, later.hit], [5, 3]);
  });

  replayed('breakpoints with conditions, at throws', async (r) => {
    await r.setBreakpoints([{ location: 'app.js:6', condition: 'n > 1 && add.name.length === 3', hit: '>=2' }]);
    assert.deepEqual([stopped(await r.continue()).hit, stopped(await r.continue()).hit], [2, 3]);
    assert.equal(stopped(await r.reverseContinue()).hit, 2);
    await r.setBreakpoints([{ location: 'app.js:6', condition: 'missing.x' }]);
    await r.breakOnThrows('uncaught');
    const thrown = stopped(await r.continue());
    assert.deepEqual([thrown.reason, thrown.line], ['exception', 23]);
    await r.breakOnThrows('caught');
    assert.ok(isEnd(await r.continue()));
    await r.breakOnThrows('all');
    const back = stopped(await r.reverseContinue());
    assert.deepEqual([back.reason, back.line], ['exception', 23]);
    await assert.rejects(r.setBreakpoints([{ location: 'app.js:6', hit: 'x' }]), BadLocation);
  });

  replayed('breakpoints keep their ids while all that tells them apart is the same', async (r) => {
    const ids = async (...wanted: Parameters<Replay['setBreakpoints']>[0]): Promise<number[]> =>
      (await r.setBreakpoints(wanted)).map(({ id }) => id);
    const location = 'app.js:6';
    const first = await ids(location, { location, condition: 'n > 1' }, { location, hit: '2' }, { location, log: ['n'] });
    assert.equal(new Set(first).size, 4);
    assert.deepEqual(await ids({ location, log: ['n'] }, { location, hit: '2' }, location), [first[3], first[2], first[0]]);
    const [other] = await ids({ location, hit: '3' });
    assert.ok(!first.includes(other!));
    assert.equal(stopped(await r.continue()).hit, 3);
    const named = await r.setBreakpoints(['app.js:14', 'function:add']);
    assert.deepEqual(
      named.map(({ index }) => index),
      [0, 1],
    );
  });

  replayed('every hit of a line, with expressions', async (r) => {
    const hits = [];
    for await (const { hit, line, evaluations } of r.hits('app.js:5', ['n', 'add.call(null, 1), total'])) {
      hits.push([hit, line, ...evaluations.map(({ value }) => value)]);
    }
    assert.deepEqual(hits, [
      [1, 5, 1, 1],
      [2, 5, 2, 2],
      [3, 5, 3, 4],
    ]);
    await assert.rejects(async () => {
      for await (const hit of r.hits('app.js:10')) assert.fail(hit.position);
    }, NotReached);
  });

  replayed('the crash, with its error', async (r) => {
    const stop = stopped(await r.crash());
    assert.equal(stop.reason, 'exception');
    assert.equal(stop.line, 23);
    assert.equal(stop.error?.name, 'RangeError');
    assert.equal(stop.error?.message, 'too much: 9');
    assert.match(stop.error?.stack ?? '', /^RangeError: too much: 9\n {4}at .*app\.js:21:/);
    assert.equal(stopped(await r.stepBack()).line, 23);
    const end = await r.continue();
    assert.ok(isEnd(end));
    assert.deepEqual([end.exitCode, end.signal, end.truncated], [1, null, false]);
    assert.equal(end.error?.message, 'too much: 9');
  });

  replayed('evaluations: exact, in any frame, without traces', async (r) => {
    await r.runTo('app.js:5', { hit: 2 });
    assert.deepEqual(await r.evaluate('total'), { expression: 'total', type: 'number', preview: '1', value: 1 });
    assert.equal((await r.evaluate('n', { frame: 1 })).value, 2);
    const before = digest(r.current!);
    assert.equal((await r.evaluate('(total = 100, add(1), total)')).value, 101);
    assert.equal((await r.evaluate('console.log("not seen")')).type, 'undefined');
    assert.equal((await r.evaluate('total')).value, 1);
    assert.match((await r.evaluate('missing')).preview, /^ReferenceError: missing is not defined$/);
    assert.match((await r.evaluate('process.exit(0)')).preview, /ended the program/);
    assert.equal((await r.evaluate('Date.now() > 0 && total')).value, 1);
    assert.match((await r.evaluate('require("fs").readFileSync("/etc/passwd")')).preview, /^Error: .*not recorded/);
    assert.equal(digest(await r.goto(r.current!.position)), before);
    await r.stepOver();
    assert.equal((await r.evaluate('total')).value, 3);
    assert.ok(isEnd(await r.continue()));
    assert.deepEqual(outputs.get(r)!.join(''), 'main 6 function\ntimer 6\nabc 9 3\n');
  });

  replayed('output is told once, however often it is replayed', async (r) => {
    await r.continue();
    await r.stepBack();
    await r.start();
    await r.continue();
    assert.equal(outputs.get(r)!.join(''), 'main 6 function\ntimer 6\nabc 9 3\n');
  });

  replayed('places that do not exist or were not reached', async (r) => {
    await assert.rejects(
      r.runTo('app.js:10'),
      (error) => error instanceof NotReached && /nearest lines that were are 8 and 9|9 and|8 and/.test(error.message),
    );
    await assert.rejects(r.runTo('app.js:7'), (error) => error instanceof BadLocation && /6 and 8/.test(error.message));
    await assert.rejects(r.runTo('ap.js:7'), BadLocation);
    await assert.rejects(r.goto('main:0:9999'), NotReached);
    await assert.rejects(r.runTo('app.js:5', { hit: 4 }), /reached 3 times, not 4 times/);
    assert.equal(stopped(await r.runTo('app.js:5')).hit, 1);
  });

  test('sources and events need no replay', () => {
    assert.deepEqual(
      recording.sources.map(({ path }) => path),
      [join(recording.manifest.cwd, 'app.js')],
    );
    assert.equal(recording.sourceText(recording.sources[0]!.path), PROGRAM);
    const events = [...recording.events()];
    assert.ok(events.some(({ kind, name }) => kind === 'entry' && name.startsWith('timers')));
    assert.equal(events.at(-1)?.kind, 'end');
  });
});
