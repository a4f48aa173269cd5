// Hits of places in one run: all of them, in order, as fast as they are taken, with values that leave no trace.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BadLocation, isEnd, NotReached, open, record, type Hit, type Replay } from '.';

const PROGRAM = `'use strict';
let sum = 0;
function add(n) {
  sum += n;
  return sum;
}
class Order {
  #lines = [];
  put(line) {
    this.#lines.push(line);
    return this.#lines.length;
  }
}
const order = new Order();
for (let i = 0; i < 3; i++) order.put({ i });
for (let i = 0; i < 8000; i++) add(i % 7);
setTimeout(() => {
  add(1000);
  [5, 6].forEach((n) => order.put({ n }));
}, 1);
function unused() {
  return 1;
}
function empty() {}
function drain(queue) {
  while (queue.length > 0) {
    queue.pop();
  }
}
const spin = (n) => {
  do {
    n--;
  } while (n > 0);
};
[3, 2].forEach((n) => {
  drain(Array(n));
  spin(n);
});
console.log(sum, typeof unused, typeof empty);
`;

let folder: string;
let replay: Replay;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retrace-hits-'));
  writeFileSync(join(folder, 'app.js'), PROGRAM);
  await record({ script: 'app.js', cwd: folder, dir: 'recording', stdio: 'ignore' });
  replay = await (await open(join(folder, 'recording'))).replay();
});
after(async () => {
  await replay.close();
  rmSync(folder, { recursive: true, force: true });
});

async function all(hits: AsyncGenerator<Hit>): Promise<Hit[]> {
  const list: Hit[] = [];
  for await (const hit of hits) list.push(hit);
  return list;
}

const values = (hit: Hit | undefined): unknown[] => hit!.evaluations.map(({ value, preview }) => value ?? preview);

test('every hit comes once, in order, however slowly they are taken, and the program stays where it stands', async () => {
  const stop = await replay.runTo('app.js:15');
  let sum = 0;
  let count = 0;
  for await (const hit of replay.hits('app.js:4', ['n', 'sum'])) {
    count++;
    assert.deepEqual([hit.hit, hit.line, hit.column, ...values(hit)], [count, 4, 3, count > 8000 ? 1000 : (count - 1) % 7, sum]);
    sum += hit.evaluations[0]!.value as number;
    if (count % 3000 === 0) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.equal(count, 8001);
  assert.equal(replay.current, stop);
  const next = await replay.stepIn();
  assert.ok(!isEnd(next) && next.line === 15);
});

test('a limit and a signal end the search', async () => {
  assert.equal((await all(replay.hits('app.js:4', [], { limit: 7 }))).length, 7);
  assert.equal((await all(replay.hits('app.js:4', [], { limit: 0 }))).length, 0);
  const search = new AbortController();
  let count = 0;
  for await (const { hit } of replay.hits('app.js:4', [], { signal: search.signal })) {
    count = hit;
    if (hit === 300) search.abort();
  }
  assert.equal(count, 300);
});

test('function:NAME is each call of it', async () => {
  const puts = await all(replay.hits('function:Order.put', ['line', 'this.#lines.length']));
  assert.deepEqual(
    puts.map((hit) => [hit.position.split(':')[1], hit.line, ...values(hit)]),
    [
      ['0', 10, '{ i: 0 }', 0],
      ['0', 10, '{ i: 1 }', 1],
      ['0', 10, '{ i: 2 }', 2],
      ['1', 10, '{ n: 5 }', 3],
      ['1', 10, '{ n: 6 }', 4],
    ],
  );
  const drains = await all(replay.hits('function:drain', ['queue.length']));
  assert.deepEqual(
    drains.map((hit) => [hit.hit, hit.line, ...values(hit)]),
    [
      [1, 26, 3],
      [2, 26, 2],
    ],
  );
  await assert.rejects(all(replay.hits('function:unused')), NotReached);
  await assert.rejects(all(replay.hits('function:empty')), BadLocation);
  await assert.rejects(all(replay.hits('function:nobody')), BadLocation);
});

test('what is evaluated at one hit changes nothing for the next, and errors are values', async () => {
  const hits = await all(replay.hits('app.js:10', ['this.#lines.push(7)', 'line.x.y', '(sum += 5)', 'process.exit()', 'line ===']));
  assert.deepEqual(
    hits.map((hit) => hit.evaluations.map(({ type, value }) => value ?? type)),
    [
      [1, 'error', 5, 'error', 'error'],
      [2, 'error', 5, 'error', 'error'],
      [3, 'error', 5, 'error', 'error'],
      [4, 'error', hits[3]!.evaluations[2]!.value, 'error', 'error'],
      [5, 'error', hits[3]!.evaluations[2]!.value, 'error', 'error'],
    ],
  );
  const [, missing, , exit, syntax] = hits[0]!.evaluations;
  assert.match(missing!.preview, /^TypeError: Cannot read properties of undefined \(reading 'y'\)/);
  assert.match(exit!.preview, /ended the program/);
  assert.match(syntax!.preview, /^SyntaxError: /);
});

test('a log point tells its values on the way forward, once a movement, and stops nothing', async () => {
  const told: string[] = [];
  const own = await (
    await open(join(folder, 'recording'))
  ).replay({ onLog: ({ line, hit, evaluations }) => told.push(`${line} ${hit} ${evaluations.map(({ preview }) => preview).join()}`) });
  try {
    await own.setBreakpoints([{ location: 'function:Order.put', log: ['line', 'this.#lines.push(0)'] }, 'app.js:18']);
    const stop = await own.continue();
    assert.ok(!isEnd(stop) && stop.line === 18);
    assert.deepEqual(told.splice(0), ['10 1 { i: 0 },1', '10 2 { i: 1 },2', '10 3 { i: 2 },3']);
    await own.evaluate('add(1)');
    await own.stepBack();
    assert.deepEqual(told, []);
    await own.continue();
    assert.deepEqual(told, []);
    assert.ok(isEnd(await own.continue()));
    assert.deepEqual(told, ['10 4 { n: 5 },4', '10 5 { n: 6 },5']);
  } finally {
    await own.close();
  }
});

test('the hits of a breakpoint at a function are its calls, where a loop comes back to its first statement, too', async () => {
  const own = await (await open(join(folder, 'recording'))).replay();
  try {
    for (const [name, line] of [
      ['drain', 26],
      ['spin', 32],
    ] as const) {
      await own.setBreakpoints([{ location: `function:${name}`, hit: '2' }]);
      const stop = await own.continue();
      assert.ok(!isEnd(stop));
      assert.deepEqual([stop.line, stop.hit], [line, 2]);
      assert.ok(isEnd(await own.continue()));
      await own.start();
    }
  } finally {
    await own.close();
  }
});
