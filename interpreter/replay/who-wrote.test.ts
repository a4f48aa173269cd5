// lastWrite, whoWrote and watchpoints: for every construct that writes, the statement that did it last, with the old and the new value; and for random
// programs what a brute force walk over all statements finds.
import assert from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BadLocation, isEnd, NotReached, open, record, type Recording, type Replay } from '.';
import { changesUpTo, PLACES, randomProgram } from './random-programs.test-support';

/** Lines that write end in `// w: EXPRESSION = HOW OLD NEW`, one expression a line; the last of each expression is the answer at the end. */
const PROGRAM = `'use strict';
let captured = 1;
const read = () => captured;
captured = 2;
captured += 1; // w: captured | assignment | 2 | 3
let plain = 1;
plain = 5;
plain = 5; // w: plain | assignment | 5 | 5
const order = { total: 1, items: [], kept: 'k' }; // w: order.kept | literal | - | "k"
order.total = 2;
order['to' + 'tal'] = 3; // w: order.total | assignment | 2 | 3
order.items.push('b');
order.items.push('a');
order.items.sort(); // w: order.items[0] | call sort | "b" | "a"
Object.assign(order, { name: 'n' }); // w: order.name | call assign | - | "n"
const parsed = JSON.parse('{"a":{"b":[1,2]}}'); // w: parsed.a.b[1] | call parse | - | 2
const map = new Map();
map.set('k', 1);
map.set('k', 2); // w: map.get('k') | call set | 1 | 2
const set = new Set(['x']); // w: set.has('x') | call Set | - | true
class Base { constructor() { this.made = 'base'; } } // w: thing.made | assignment | - | "base"
class Thing extends Base {
  field = 'f'; // w: thing.field | assignment | - | "f"
  #hidden = 1;
  static shared = 's'; // w: Thing.shared | assignment | - | "s"
  hide(value) {
    this.#hidden = value; // w: thing.#hidden | assignment | 1 | 9
  }
  get accessor() { return 1; }
  look() { return this.#hidden; }
}
const thing = new Thing();
thing.hide(9);
const [first, { second } = { second: 4 }] = [1]; // w: second | assignment | - | 4
let swapped = 1, other = 2;
[swapped, other] = [other, swapped]; // w: swapped | assignment | 1 | 2
globalThis.anywhere = 1; // w: anywhere | assignment | - | 1
const bytes = new Uint8Array(2);
bytes.fill(7); // w: bytes[1] | call fill | 0 | 7
const merged = { ...order, extra: 1 }; // w: merged.total | assignment | - | 3
delete merged.name; // w: merged.name | delete | "n" | -
const list = [1, ...[2, 3]]; // w: list[2] | literal | - | 3
const rest = ((a, ...more) => more)(1, 2); // w: rest[0] | literal | - | 2
let either;
either ??= 'set'; // w: either | assignment | undefined | "set"
order.count = 0;
order.count++; // w: order.count | assignment | 0 | 1
Reflect.set(order, 'far', 1); // w: order.far | call set | - | 1
Object.defineProperty(order, 'fixed', { value: 2 }); // w: order.fixed | call defineProperty | - | 2
var hoisted = typeof declared; // w: hoisted | assignment | undefined | "function"
let last = 0;
for (const x of [1, 2]) last = x; // w: last | assignment | 1 | 2
let error;
try { null.x; } catch (caught) { error = caught.name; } // w: error | assignment | undefined | "TypeError"
function declared() {} // w: declared | declaration | - | [Function: declared]
const splice = [1, 2, 3];
splice.splice(0, 1); // w: splice.length | call splice | 3 | 2
function outer(p, q = p + 1) {
  let depth = p;
  if (p > 0) outer(p - 1);
  else here(arguments.length);
  return depth + q;
}
function here(n) {
  return n;
}
here(thing.look());
outer(2);
(async () => {
  const answer = await Promise.resolve({ deep: 1 });
  answer.deep = 2;
  await null;
  here(answer);
})();
setTimeout((given) => {
  here(given);
}, 1, 'late');
`;

let folder: string;
let recording: Recording;

async function recorded(name: string, program: string): Promise<Recording> {
  writeFileSync(join(folder, `${name}.js`), program);
  const { exitCode } = await record({ script: `${name}.js`, cwd: folder, dir: name, stdio: 'ignore' });
  assert.equal(exitCode, 0);
  return open(join(folder, name));
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retrace-wrote-'));
  recording = await recorded('app', PROGRAM);
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function withReplay(of: Recording, run: (replay: Replay) => Promise<void>): Promise<void> {
  const replay = await of.replay();
  try {
    await run(replay);
  } finally {
    await replay.close();
  }
}

function lineOf(text: string): number {
  return PROGRAM.slice(0, PROGRAM.indexOf(text)).split('\n').length;
}

describe('who wrote', () => {
  test('every construct: the statement, how, the old and the new value', async () => {
    await withReplay(recording, async (replay) => {
      await replay.runTo(`app.js:${lineOf('here(thing.look())')}`);
      const found: string[] = [];
      const expected: string[] = [];
      for (const [index, line] of PROGRAM.split('\n').entries()) {
        const mark = /\/\/ w: (.*)$/.exec(line);
        if (!mark) continue;
        const [expression, how, old, fresh] = mark[1]!.split(' | ');
        // A private name is only seen by the code of its class.
        if (expression!.includes('#')) continue;
        const write = await replay.lastWrite(expression!);
        expected.push(`${expression}: ${index + 1} ${how} ${old} ${fresh}`);
        const by = write?.how === 'call' ? ` ${write.by}` : '';
        found.push(`${expression}: ${write?.line} ${write?.how}${by} ${write?.old?.preview ?? '-'} ${write?.new?.preview ?? '-'}`);
      }
      assert.deepEqual(found, expected);
    });
  });

  test('what names no place, or was not written', async () => {
    await withReplay(recording, async (replay) => {
      await replay.runTo(`app.js:${lineOf('here(thing.look())')}`);
      for (const expression of ['1 + 2', 'nowhere', 'plain.x', 'thing.accessor', 'thing.nothing', 'order.', 'a, b'])
        await assert.rejects(replay.whoWrote(expression), BadLocation, expression);
      await assert.rejects(replay.whoWrote('Thing.name.length'), BadLocation);
    });
  });

  test('private members, parameters, arguments of callbacks, values of awaits; the move', async () => {
    await withReplay(recording, async (replay) => {
      await replay.runTo(`app.js:${lineOf('return this.#hidden')}`);
      const hidden = await replay.whoWrote('this.#hidden');
      assert.ok(!isEnd(hidden));
      assert.deepEqual(
        [hidden.line, hidden.wrote?.how, hidden.wrote?.old?.value, hidden.wrote?.new?.value],
        [lineOf('this.#hidden = value'), 'assignment', 1, 9],
      );
      const value = await replay.lastWrite('value');
      assert.deepEqual([value?.how, value?.by, value?.line], ['argument', 'hide', lineOf('thing.hide(9)')]);

      await replay.runTo(`app.js:${lineOf('return n;')}`, { hit: 2 });
      const depths = await Promise.resolve([1, 2, 3]);
      const told: unknown[] = [];
      for (const frame of depths) {
        const write = await replay.lastWrite('depth', { frame });
        const parameter = await replay.lastWrite('p', { frame });
        told.push([write?.new?.value, write?.line, parameter?.how, parameter?.line]);
      }
      const let_ = lineOf('let depth = p');
      const inner = lineOf('outer(p - 1)');
      assert.deepEqual(told, [
        [0, let_, 'argument', inner],
        [1, let_, 'argument', inner],
        [2, let_, 'argument', lineOf('outer(2)')],
      ]);
      const defaulted = await replay.lastWrite('q', { frame: 1 });
      assert.equal(defaulted?.new?.value, 1);

      await replay.runTo(`app.js:${lineOf('return n;')}`, { hit: 3 });
      const deep = await replay.lastWrite('n.deep');
      assert.deepEqual([deep?.line, deep?.old?.value, deep?.new?.value], [lineOf('answer.deep = 2'), 1, 2]);
      await replay.runTo(`app.js:${lineOf('here(given)')}`);
      const given = await replay.lastWrite('given');
      assert.deepEqual([given?.how, given?.new?.value], ['outside', 'late']);
      await replay.start();
      await assert.rejects(replay.whoWrote('order'), NotReached);
    });
  });

  test('parameters that are aliased with the arguments object', async () => {
    const of = await recorded(
      'aliased',
      'function f(a, b) {\n  arguments[0] = 9;\n  return stop(a + b);\n}\nfunction stop(x) {\n  return x;\n}\nf(1, 2);\n',
    );
    await withReplay(of, async (replay) => {
      await replay.runTo('aliased.js:6');
      const a = await replay.lastWrite('a', { frame: 1 });
      assert.deepEqual([a?.how, a?.line, a?.old?.value, a?.new?.value], ['assignment', 2, 1, 9]);
      const b = await replay.lastWrite('b', { frame: 1 });
      assert.deepEqual([b?.how, b?.by, b?.line, b?.new?.value], ['argument', 'f', 8, 2]);
    });
  });

  test('random programs: the same as a walk over every statement', async () => {
    for (const seed of [2]) {
      const program = randomProgram(seed);
      const of = await recorded(`random${seed}`, program);
      await withReplay(of, async (replay) => {
        const end = await replay.runTo(`random${seed}.js:${program.split('\n').length}`);
        const changes = await changesUpTo(replay, end.position);
        await replay.goto(end.position);
        for (const expression of PLACES) {
          const last = changes.findLast((change) => change.expression === expression);
          const write = await replay.lastWrite(expression);
          assert.deepEqual(
            [write?.position, write?.new?.preview],
            [last?.position, last?.new],
            `${expression} of seed ${seed}\n${program}`,
          );
        }
      });
    }
  });

  test('watchpoints: the same changes, forwards and backwards, wherever the place was named', async () => {
    const program = randomProgram(5, 6);
    const of = await recorded('watched', program);
    await withReplay(of, async (replay) => {
      const lines = program.split('\n').length;
      const end = await replay.runTo(`watched.js:${lines}`);
      const changes = (await changesUpTo(replay, end.position)).filter(({ old }) => !/Error|undefined/.test(old));
      const declared = changes.length > 0 ? `watched.js:4` : '';
      for (const expression of ['b', 'list[0]']) {
        const expected = changes.filter((change) => change.expression === expression);
        // Named after the first statement: held on the way. Named at the end: noted on the way there.
        for (const named of [declared, `watched.js:${lines}`]) {
          await replay.runTo(named, { hit: 1 });
          const { id } = await replay.addWatchpoint(expression);
          if (named !== declared) await replay.runTo(declared, { hit: 1 });
          const forwards: string[] = [];
          for (let at = await replay.continue(); !isEnd(at); at = await replay.continue()) {
            assert.equal(at.reason, 'watchpoint');
            forwards.push(`${at.position} ${at.watch?.old?.preview} ${at.watch?.new?.preview}`);
          }
          assert.deepEqual(
            forwards,
            expected.map((change) => `${change.next} ${change.old} ${change.new}`),
            `${expression} forwards, named at ${named}\n${program}`,
          );
          await replay.goto(end.position);
          const backwards: string[] = [];
          for (let i = 0; i < expected.length; i++) {
            const at = await replay.reverseContinue();
            assert.ok(!isEnd(at) && at.reason === 'watchpoint');
            backwards.push(`${at.position} ${at.watch?.old?.preview} ${at.watch?.new?.preview}`);
          }
          assert.deepEqual(
            backwards,
            expected.map((change) => `${change.position} ${change.old} ${change.new}`).reverse(),
            `${expression} backwards, named at ${named}\n${program}`,
          );
          await replay.removeWatchpoint(id);
          assert.deepEqual(replay.watchpoints, []);
        }
      }
    });
  });
});

test('a watchpoint on what the very last statement changes', async () => {
  const program = 'const o = { n: 1 };\nsetTimeout(() => {\n  o.n = 2;\n}, 1);\n';
  await withReplay(await recorded('last', program), async (replay) => {
    await replay.runTo('last.js:2');
    const { id } = await replay.addWatchpoint('o.n');
    const end = await replay.continue();
    assert.ok(isEnd(end));
    assert.deepEqual([end.watch?.id, end.watch?.old?.value, end.watch?.new?.value], [id, 1, 2]);
    const back = await replay.reverseContinue();
    assert.ok(!isEnd(back));
    assert.deepEqual([back.line, back.reason, back.watch?.old?.value], [3, 'watchpoint', 1]);
    const before = await replay.reverseContinue();
    assert.ok(!isEnd(before) && before.line === 1);
  });
});
