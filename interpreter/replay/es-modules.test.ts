// Debugging ES modules: places, steps over top-level awaits and exported declarations, imported bindings, who wrote them.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SourceMapGenerator } from 'source-map';
import { BadLocation, isEnd, open, record, type End, type Recording, type Replay, type Stop } from '.';

const MAIN = `import { setTimeout as sleep } from 'node:timers/promises';
import start, { count, bump, Cart as Basket } from './lib.js';
import * as all from './lib.js';

export let total = 0;
export const names = ['a', 'b'];
const text = await sleep(1, 'four');
total += text.length;
bump();
export class Order {
  price = 5;
  sum() {
    return this.price * count;
  }
}
for await (const piece of parts()) {
  total += piece;
}
async function* parts() {
  yield 1;
  await null;
  yield 2;
}
export default function main(x) {
  const y = x + total;
  return y;
}
console.log(main(start), new Order().sum(), all.count, new Basket().size);
const late = await import('./late.mjs');
late.run();
total = 99;
console.log('done', total);
`;
const LIB = `export let count = 1;
export function bump() {
  count += 1;
  return count;
}
export class Cart {
  size = count;
}
export default 7;
`;
const LATE = `import { count, bump as raise } from './lib.js';
export { count as again } from './lib.js';
export function run() {
  const old = count;
  raise();
  console.log(old, count);
}
`;
const TYPED = `export interface Item { price: number }
export let tax: number = 1;

export function taxed(item: Item): number {
  tax = 2;
  return item.price * tax;
}
console.log(taxed({ price: await Promise.resolve(3) }));
`;
const COMPILED = `export let tax = 1;
export function taxed(item) {
    tax = 2;
    return item.price * tax;
}
console.log(taxed({ price: await Promise.resolve(3) }));
//# sourceMappingURL=typed.js.map
`;

let folder: string;
let recording: Recording;
let replay: Replay;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retrace-esm-'));
  const files = { 'main.mjs': MAIN, 'lib.js': LIB, 'late.mjs': LATE, 'typed.js': COMPILED, 'package.json': '{"type":"module"}' };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'src/typed.ts'), TYPED);
  const map = new SourceMapGenerator({ file: 'typed.js' });
  const lines = [
    [1, 0, 2, 0],
    [2, 0, 4, 0],
    [3, 4, 5, 2],
    [4, 4, 6, 2],
    [5, 0, 7, 0],
    [6, 0, 8, 0],
  ] as const;
  for (const [line, column, originalLine, originalColumn] of lines)
    map.addMapping({ source: 'src/typed.ts', generated: { line, column }, original: { line: originalLine, column: originalColumn } });
  writeFileSync(join(folder, 'typed.js.map'), map.toString());
  recording = await recorded('main.mjs');
  replay = await recording.replay();
});
after(async () => {
  await replay.close();
  rmSync(folder, { recursive: true, force: true });
});

async function recorded(script: string): Promise<Recording> {
  const dir = join(folder, `rec-${script}`);
  const { exitCode } = await record({ script, cwd: folder, dir, stdio: 'ignore' });
  assert.equal(exitCode, 0);
  return open(dir);
}

function place(at: Stop | End): string {
  return isEnd(at) ? 'end' : `${at.file}:${at.line}`;
}

async function value(expression: string): Promise<unknown> {
  const { value: known, preview } = await replay.evaluate(expression);
  return known ?? preview;
}

test('places in .mjs and in .js of type module', async () => {
  assert.equal(place(await replay.start()), 'lib.js:1');
  for (const location of ['lib.js:3', 'main.mjs:7', 'main.mjs:17', 'late.mjs:4', 'lib.js:9'])
    assert.equal(place(await replay.runTo(location, { hit: 1 })), location);
  await assert.rejects(replay.runTo('main.mjs:1'), BadLocation);
});

test('steps over exported declarations and top-level awaits, both ways', async () => {
  const visited = [place(await replay.runTo('main.mjs:5', { hit: 1 }))];
  while (visited.at(-1) !== 'main.mjs:32') visited.push(place(await replay.stepOver()));
  const lines = visited.map((one) => one.replace('main.mjs:', ''));
  assert.deepEqual(lines.join(' '), '5 6 7 8 9 10 16 16 17 16 17 28 29 30 31 32');
  const back: string[] = [];
  for (let i = 1; i < visited.length; i++) back.push(place(await replay.stepBack()));
  assert.deepEqual(back, visited.slice(0, -1).reverse());
});

test('a statement in a loop is hit each time', async () => {
  const hits: string[] = [];
  for await (const { hit, evaluations } of replay.hits('main.mjs:17', ['piece', 'total'])) {
    hits.push(`${hit} ${evaluations.map(({ preview }) => preview).join(' ')}`);
  }
  assert.deepEqual(hits, ['1 1 4', '2 2 5']);
  const calls: string[] = [];
  for await (const { position, evaluations } of replay.hits('function:bump', ['count'])) {
    calls.push(`${place(await replay.goto(position))} ${evaluations[0]!.preview}`);
  }
  assert.deepEqual(calls, ['lib.js:3 1', 'lib.js:3 2']);
});

test('imports are live in locals, scopes and evaluations; import.meta and import() are there', async () => {
  const early = await replay.runTo('main.mjs:8', { hit: 1 });
  assert.ok(!isEnd(early));
  assert.deepEqual([early.locals['count']?.preview, early.locals['Order']?.type, early.locals['text']?.value], ['1', 'tdz', 'four']);
  assert.equal(await value('count + all.count'), 2);
  assert.equal(await value('import.meta.url.split("/").at(-1)'), 'main.mjs');
  assert.equal(await value('(() => import.meta.url.length > 0)()'), true);
  assert.match(String(await value('eval("import.meta")')), /SyntaxError/);
  assert.equal(await value('count = 3'), 'TypeError: Assignment to constant variable.');
  await replay.runTo('late.mjs:6', { hit: 1 });
  assert.equal(await value('`${old} ${count}`'), '2 3');
  assert.equal(await value('this.again'), 3);
  assert.equal(await value('await import("./lib.js").then((m) => m.count)'), 3);
});

test('who wrote an exported variable, asked in its module and in those that import it', async () => {
  const wrote = async (where: string, expression: string): Promise<string> => {
    await replay.runTo(where, { hit: 1 });
    const stop = await replay.whoWrote(expression);
    assert.ok(!isEnd(stop) && stop.wrote);
    return `${place(stop)} ${stop.wrote.how} ${stop.wrote.old?.preview ?? ''} ${stop.wrote.new?.preview}`;
  };
  assert.equal(await wrote('main.mjs:32', 'total'), 'main.mjs:31 assignment 7 99');
  assert.equal(await wrote('main.mjs:28', 'count'), 'lib.js:3 assignment 1 2');
  assert.equal(await wrote('main.mjs:28', 'all.count'), 'lib.js:3 assignment 1 2');
  assert.equal(await wrote('late.mjs:6', 'count'), 'lib.js:3 assignment 2 3');
  assert.equal(await wrote('main.mjs:32', 'late.again'), 'lib.js:3 assignment 2 3');
  assert.match(await wrote('main.mjs:32', 'start'), /^lib.js:9 \w+ {2}7$/);
  assert.match(await wrote('main.mjs:32', 'Basket'), /^lib.js:6 /);
  assert.match(await wrote('main.mjs:32', 'names[1]'), /^main.mjs:6 literal {2}"b"$/);
  await replay.runTo('main.mjs:32', { hit: 1 });
  await assert.rejects(replay.whoWrote('sleep'), BadLocation);
  assert.equal(await value('count'), 3, 'asking changes nothing');
});

test('an imported binding is watched', async () => {
  await replay.runTo('main.mjs:8', { hit: 1 });
  const { id } = await replay.addWatchpoint('count');
  const seen = [await replay.continue(), await replay.continue(), await replay.reverseContinue()];
  assert.deepEqual(seen.map(place), ['lib.js:4', 'lib.js:4', 'lib.js:3']);
  await replay.removeWatchpoint(id);
});

test('a call is entered and left across modules and across an await', async () => {
  await replay.runTo('main.mjs:30', { hit: 1 });
  assert.equal(place(await replay.stepIn()), 'late.mjs:4');
  assert.equal(place(await replay.stepOut()), 'main.mjs:31');
  assert.equal(place(await replay.stepBackIn()), 'late.mjs:6');
  assert.equal(place(await replay.stepBackOut()), 'main.mjs:30');
  assert.equal(place(await replay.runToPrevious({ call: 'parts' })), 'main.mjs:20');
  assert.equal(place(await replay.stepOut()), 'main.mjs:16');
});

test('TypeScript compiled to an ES module', async () => {
  const typed = await (await recorded('typed.js')).replay();
  try {
    const stop = await typed.runTo('src/typed.ts:6');
    assert.equal(place(stop), 'src/typed.ts:6');
    assert.equal(place(await typed.stepBack()), 'src/typed.ts:5');
    assert.equal(place(await typed.stepBackOut()), 'src/typed.ts:8');
    assert.equal(place(await typed.runTo('typed.js:4')), 'src/typed.ts:6');
    assert.equal(place(await typed.whoWrote('tax')), 'src/typed.ts:5');
  } finally {
    await typed.close();
  }
});
