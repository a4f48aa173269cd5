// Evaluations of every kind, and what-ifs: whatever they do, the recorded program is found again as it was.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isEnd, NotReached, open, record, type End, type Evaluation, type ProgramOutput, type Recording, type Replay, type Stop } from '.';

const PROGRAM = `'use strict';
class Base {
  hello() { return 'base ' + this.name; }
}
class Order extends Base {
  #secret = 42;
  constructor(name) {
    super();
    this.name = name;
  }
  get total() { return (reads += 1), this.#secret * 2; }
  hello(x, y = 3) {
    let local = x + 1;
    const inner = () => local + y;
    look(local);
    return super.hello() + inner();
  }
}
let reads = 0;
let counter = 0;
function look(v) {
  return v;
}
function Made() {
  this.made = true;
  return this;
}
new Made();
const order = new Order('abc');
async function slow(v) {
  await null;
  counter++;
  return v * 2;
}
async function later(v) {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return v;
}
console.log(order.hello(5), counter);
later(1).then((v) => {
  if (counter > 50) require('fs').statSync('/');
  console.log('later', v, counter);
});
`;

let folder: string;
let recording: Recording;
let replay: Replay;
const outputs: ProgramOutput[] = [];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retrace-what-if-'));
  writeFileSync(join(folder, 'app.js'), PROGRAM);
  await record({ script: 'app.js', cwd: folder, dir: 'recording', stdio: 'ignore' });
  recording = await open(join(folder, 'recording'));
  replay = await recording.replay({ onOutput: (output) => outputs.push(output) });
});
after(async () => {
  await replay.close();
  rmSync(folder, { recursive: true, force: true });
});

/** At `look(local)` in Order.hello. */
async function atLook(): Promise<Stop> {
  const stop = await replay.runTo('app.js:15', { hit: 1 });
  assert.ok(!isEnd(stop));
  return stop;
}

/** What the recorded program must look like there, whatever has been tried. */
async function untouched(): Promise<void> {
  const { position, whatIf, locals } = await atLook();
  assert.deepEqual([whatIf, locals['x']?.value, locals['local']?.value], [undefined, 5, 6], position);
  assert.equal((await replay.evaluate('[reads, counter, order.name].join()')).value, '0,0,abc');
}

const shown = ({ value, preview }: Evaluation): unknown => value ?? preview;

test('an expression sees what code at that place would see', async () => {
  await atLook();
  const cases: [string, unknown][] = [
    ['this.#secret', 42],
    ['this.total', 84],
    ['super.hello()', 'base abc'],
    ['(() => [super.hello(), this.#secret, new.target, x])()', '[ "base abc", 42, undefined, 5 ]'],
    ['inner()', 9],
    ['local = 100; inner()', 103],
    ['let a = 1; const b = 2; class C { m() { return a + b; } } function f() { return new C().m(); } f()', 3],
    ['for (let i = 0; i < 5; i++) i * 2', 8],
    ['if (x > 3) "yes"; else "no"', 'yes'],
    ['const loop = {}; loop.self = loop; loop', '{ self: [Circular] }'],
    ['new Proxy({}, { get: () => 1 })', '[Proxy]'],
    ['new Proxy({}, { get: () => 1 }).any', 1],
    ['order.hello(1)', 'base abc5'],
    ['order.name = "changed"; reads = counter = 9; order.name', 'changed'],
  ];
  for (const [expression, expected] of cases)
    assert.deepEqual([expression, shown(await replay.evaluate(expression))], [expression, expected]);
  const long = await replay.evaluate('"x".repeat(20_000_000)');
  assert.equal(long.type, 'string');
  assert.ok(long.preview.length < 20_000, `${long.preview.length}`);
  await untouched();
});

test('errors are values: what was thrown, where a text cannot be read, what cannot be asked, what never ends', async () => {
  await atLook();
  const error = async (expression: string): Promise<string> => {
    const { type, error: found } = await replay.evaluate(expression);
    assert.equal(type, 'error', expression);
    return `${found!.name}: ${found!.message}`;
  };
  assert.equal(await error('throw new TypeError("x")'), 'TypeError: x');
  assert.equal(await error('nobody'), 'ReferenceError: nobody is not defined');
  assert.equal(await error('(function f() { return f() + 1; })()'), 'RangeError: Maximum call stack size exceeded');
  assert.match(await error('require("fs").readdirSync("/")'), /fs\.readdir was not recorded here/);
  assert.match(await error('process.exit(3)'), /ended the program/);
  assert.match((await replay.evaluate('look(null.y)')).error!.stack, /Order\.hello/);
  assert.match((await replay.evaluate('1 +\n  ) 2')).error!.stack, /^ {2}\) 2\n {2}\^\nSyntaxError: /);
  await untouched();
});

test('what an evaluation writes is told with it, and apart from the program’s output', async () => {
  await atLook();
  outputs.length = 0;
  const { output } = await replay.evaluate('console.log("seen", x); console.error({ x }); counter++');
  assert.deepEqual(output, [
    { stream: 'stdout', text: 'seen 5\n' },
    { stream: 'stderr', text: '{ x: 5 }\n' },
  ]);
  assert.deepEqual(outputs, []);
  await untouched();
});

test('await at the top lets a copy go on until the promise is settled', async () => {
  await atLook();
  const settled = await replay.evaluate('const a = await slow(x); const b = await slow(2); a + b + local');
  assert.equal(settled.value, 20);
  assert.match(settled.settled!, /^main:0:\d+$/);
  const turn = await replay.evaluate(
    'await new Promise((resolve) => { const { log } = console; console.log = (...list) => { log(...list); if (list[0] === "later") resolve(list[1]); }; })',
  );
  assert.deepEqual([turn.value, turn.settled!.split(':')[1]], [1, '1']);
  assert.match((await replay.evaluate('await Promise.reject(new RangeError("no"))')).preview, /^RangeError: no/);
  assert.match((await replay.evaluate('await new Promise(() => {})')).preview, /not settled before the program ended/);
  assert.match((await replay.evaluate('await null; require("fs").statSync("/")')).preview, /not recorded here: fs\./);
  await untouched();
});

test('a what-if goes on with other values to its end, and the recorded program is found again', async () => {
  const before = await atLook();
  assert.equal((await replay.set('x', '70', { frame: 0 })).value, 70);
  assert.equal((await replay.set('local', 'x + 1')).value, 71);
  const changed = replay.current as Stop;
  assert.deepEqual([changed.whatIf, changed.position, changed.locals['local']?.value], [true, before.position, 71]);
  assert.deepEqual(replay.whatIf, [
    { position: before.position, target: 'x', value: '70' },
    { position: before.position, target: 'local', value: 'x + 1' },
  ]);
  const inside = (await replay.stepIn()) as Stop;
  assert.deepEqual([inside.whatIf, inside.locals['v']?.value], [true, 71]);
  assert.equal((await replay.evaluate('[x, local].join()', { frame: 1 })).value, '70,71');
  outputs.length = 0;
  const end = (await replay.continue()) as End;
  assert.deepEqual([end.reason, end.whatIf, end.exitCode], ['end', true, 0]);
  assert.deepEqual(
    outputs.map(({ bytes, whatIf }) => [bytes.toString(), whatIf]),
    [
      ['base abc74 0\n', true],
      ['later 1 0\n', true],
    ],
  );
  const back = (await replay.stepBack()) as Stop;
  assert.deepEqual([back.position, back.whatIf, back.locals['x']?.value], [before.position, undefined, 5]);
  assert.deepEqual(replay.whatIf, []);
  const next = (await replay.stepIn()) as Stop;
  assert.equal(next.locals['v']?.value, 6);
  await untouched();
});

test('a what-if stops where it asks for something that was not recorded', async () => {
  const before = await atLook();
  await replay.set('counter', '100');
  const stop = (await replay.continue()) as Stop;
  assert.deepEqual(
    [stop.reason, stop.whatIf, stop.file, stop.line],
    ['diverged', true, 'app.js', 1 + PROGRAM.split('\n').findIndex((line) => line.includes('statSync'))],
  );
  assert.match(stop.divergence!.message, /it asks for fs\./);
  assert.ok(stop.divergence!.details.expected.includes('#'));
  assert.equal((await replay.evaluate('counter')).value, 100);
  assert.match((await replay.evaluate('require("fs").readFileSync("/")')).preview, /not recorded here/);
  await assert.rejects(replay.stepIn(), NotReached);
  assert.equal((await replay.discard()).position, before.position);
  await untouched();
});

test('a change that fails changes nothing', async () => {
  await atLook();
  assert.match((await replay.set('inner', '1')).preview, /^TypeError: Assignment to constant/);
  assert.match((await replay.set('x +', '1')).preview, /^SyntaxError/);
  assert.deepEqual(replay.whatIf, []);
  await untouched();
});
