// Native addons: what an addon of every bad habit (native/test/membrane.cc) does to a program is recorded, unseen by the program, and
// replayed without the addon.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { roundTrip, type RoundTripOptions } from './round-trip.test-support';

const root = join(__dirname, '../..');
const addon = join(root, 'native/build/test/retrace_test_addon.node');
const START = `
const native = require('./native.node');
const util = require('node:util');
const EventEmitter = require('node:events');
const attempt = (name, run) => { try { console.log(name, run()); } catch (error) { console.log(name, 'threw', error instanceof Error ? [error.name, error.code, error.message] : error); } };
`;

test.before(() => {
  execFileSync(process.execPath, [join(root, 'scripts/build-native.mjs'), '--test'], { stdio: 'inherit' });
});

async function unseen(program: string, options: RoundTripOptions = {}): Promise<string> {
  const { stdout, stderr, exitCode } = await roundTrip(START + program, { copies: { 'native.node': addon }, asPlain: true, ...options });
  assert.equal(exitCode, 0, stderr);
  return stdout;
}

test('addons: exports, functions and values look as they do by themselves', async () => {
  const stdout = await unseen(`
    console.log(native, Object.getOwnPropertyDescriptors(native.fixed), Object.getOwnPropertyDescriptor(native, 'answer'));
    console.log(native.add.name, native.add.length, String(native.add), typeof native.add, 'prototype' in native.add, util.inspect(native.Counter));
    console.log(native.add(1, 2), native.fixed.add(2, 3), require('./native.node') === native);
    const values = [undefined, null, -0, NaN, 2n ** 70n, Symbol.iterator, Symbol.for('x'), Symbol('own'), '\\u00fc\\u20ac', new Date(5), /x/g, [1, , 3],
      { a: { b: [1] } }, new Map([[1, { a: 1 }]]), new Error('e'), Object.freeze({ a: 1 }), new (class Foo { x = 1 })(), Buffer.from('ab'),
      new Float64Array([1.5]), new ArrayBuffer(2), () => 1, Promise.resolve(4), globalThis, new Proxy({}, {}), native.add, native.Counter];
    values.forEach((value, i) => attempt(i, () => Object.is(native.identity(value), value)));
    attempt('throws', () => native.throw());
    for (const value of [5, 'text', { a: 1 }, new TypeError('mine'), null])
      try { native.throw(value); } catch (error) { console.log(error === value, error); }
  `);
  assert.match(stdout, /throws threw \[ 'RangeError', 'ERR_NATIVE', 'out of native range' \]/);
  // Two of the values cannot be seen by a plain comparison alone: every identity must hold.
  assert.equal(stdout.match(/^\d+ true$/gm)?.length, 26);
});

test('addons: objects that native code keeps, changes, fills and reads', async () => {
  const stdout = await unseen(`
    const kept = { deep: {} };
    native.store(kept);
    console.log(native.load() === kept, native.load().deep === kept.deep);
    kept.later = 1;
    console.log(native.load());
    for (const fn of [() => 5, native.add, native.Counter]) { native.store(fn); console.log(native.load() === fn); }
    const config = native.config();
    console.log(config, native.config() === config, config.calls);
    config.mine = 'x';
    console.log(native.config());
    for (const bytes of [Buffer.alloc(5), new Uint16Array(4), new Float32Array(2), new ArrayBuffer(3), Buffer.from('pooled'), Buffer.alloc(5000)])
      console.log(native.fill(bytes) === bytes, bytes);
    console.log(native.external());
    const handle = native.handle(5);
    console.log(typeof handle, native.unhandle(handle), native.identity(handle) === handle, native.identity([handle, native.handle(6)]).length, native.unhandle(native.handle(7)));
    const out = { gone: 1, stay: 2 }, list = [];
    native.outParameter(out, list);
    console.log(out, list, Object.keys(out));
    class Keeper { gone = 1; #secret = 2; get secret() { return this.#secret; } }
    const keeper = new Keeper();
    native.outParameter(keeper);
    console.log(keeper, keeper.secret);
    const options = { get size() { console.log('getter', this === options); return 7; }, run(x) { console.log('run', this === options, x); return x + 1; }, nested: { f: () => 3 } };
    console.log(native.option(options, 'size'), native.method(options, 'run', 4), native.option(options, 'nested') === options.nested, native.option(options, 'run') === options.run);
    console.log(Object.getOwnPropertyDescriptor(options, 'run').value === options.run);
    attempt('method', () => native.method({ run() { throw new Error('in method'); } }, 'run'));
  `);
  assert.match(stdout, /^getter true\nrun true 4\n7 5 true true$/m);
  assert.match(stdout, /true <Buffer 01 02 03 04 05>/);
});

test('addons: callbacks inside of calls, exceptions both ways, classes of the program', async () => {
  const stdout = await unseen(`
    class Failure extends Error { constructor(message) { super(message); console.log('made', new.target === Failure); } get name() { return 'Failure'; } }
    class Point { constructor(x, y) { this.x = x; this.y = y; } }
    attempt('construct', () => { const point = native.construct(Point, 1, 2); return [point, point instanceof Point, native.identity(point) === point]; });
    attempt('throwNew', () => { try { native.throwNew(Failure, 'made natively'); } catch (error) { return [error instanceof Failure, error.message]; } });
    attempt('each', () => native.each((i, object) => { console.log('callback', i, object); return i * 2; }, 3, { x: 1 }));
    attempt('each throws', () => native.each((i) => { if (i === 1) throw new RangeError('stop'); return 1; }, 3));
    attempt('swallow', () => { const error = new Error('swallowed'); return native.swallow(() => { throw error; }) === error; });
    attempt('swallow 7', () => native.swallow(() => { throw 7; }));
    attempt('reentrant', () => native.each((i) => native.each((j) => native.add(i, j), 2), 2));
    attempt('made', () => { const f = native.makeFunction(), g = native.makeFunction(); return [f(1), g(2), f === g, f.name, f === native.identity(f)]; });
    attempt('iterable', () => { const it = native.iterable(); return [[...it], it[Symbol.iterator]() === it, it]; });
  `);
  assert.match(stdout, /^throwNew \[ true, 'made natively' \]$/m);
  assert.match(stdout, /^each throws threw \[ 'RangeError', undefined, 'stop' \]$/m);
});

test('addons: classes, their instances and what inherits from them', async () => {
  const stdout = await unseen(`
    const { Counter, Box, Emitter } = native;
    const c = new Counter(5);
    console.log(c, c.increment(), c.value, c.last, Object.keys(c), c instanceof Counter, c.constructor === Counter, Object.getPrototypeOf(c) === Counter.prototype);
    console.log(Counter.name, Counter.answer, Object.getOwnPropertyDescriptors(Counter.prototype), Object.getOwnPropertyDescriptor(Counter, 'sum'));
    c.value = 40;
    console.log(c.value, Counter.sum(c, [c]), Counter.isCounter(c), Counter.isCounter({}));
    const child = c.child();
    console.log(child, child.value, child instanceof Counter, native.identity(child) === child, child.child().child().value);
    attempt('without new', () => Counter(1));
    attempt('wrong receiver', () => Counter.prototype.increment.call({}));
    attempt('receiver of a callback', () => c.each(function (i) { return this === c ? 1 : 0; }, 2));
    class Sub extends Counter {
      #mine = 3; field = 'f';
      constructor(n) { super(n * 2); }
      get mine() { return this.#mine; }
      increment() { return 'sub' + super.increment(); }
      static make() { return new this(1); }
    }
    const sub = new Sub(4);
    console.log(sub, sub.mine, sub.increment(), sub.value, sub instanceof Sub, sub instanceof Counter, Sub.make().value, Sub.answer, Object.getPrototypeOf(Sub) === Counter);
    function Old(n) { return Reflect.construct(Counter, [n], Old); }
    Object.setPrototypeOf(Old.prototype, Counter.prototype);
    console.log(new Old(3).increment(), new Old(3) instanceof Old);
    const box = new Box('kept');
    console.log(Object.keys(box), box.count, box.reads, box.open() === box, box.count, box.reads, Object.getOwnPropertyDescriptor(box, 'kept'), JSON.stringify(box), { ...box });
    box.mine = 1;
    console.log(Object.keys(box), 'mine' in box, delete box.mine, box.mine, native.identity(box) === box, new Map([[box, 1]]).get(box.open()));
    class SubBox extends Box { #secret = 9; secret() { return this.#secret; } }
    const subBox = new SubBox('s');
    console.log(subBox.secret(), subBox.open().secret(), subBox.count, Object.entries(subBox));
    const other = {};
    console.log(new Box(other) === other);
    Object.setPrototypeOf(Emitter.prototype, EventEmitter.prototype);
    const emitter = new Emitter();
    emitter.on('fired', function (what) { console.log('event', what, this === emitter); });
    console.log(emitter.fire('now'), emitter.emit('fired', 'by the program'));
    emitter.fireLater();
    class SubEmitter extends Emitter { emit(...args) { console.log('emit', args[0]); return super.emit(...args); } }
    new SubEmitter().on('fired', (what) => console.log('sub', what)).fire('sub');
  `);
  assert.match(stdout, /^event now true\nevent by the program true\ntrue true$/m);
  assert.match(stdout, /^event later true$/m);
  assert.match(stdout, /^80 80|^40 80 true false$/m);
});

test('addons: work on other threads: callbacks, promises, order of ticks and microtasks, contexts', async () => {
  const stdout = await unseen(`
    native.later('twice', (error, what) => {
      console.log('one', error, what);
      process.nextTick(() => console.log('tick'));
      Promise.resolve().then(() => console.log('microtask'));
    }, (error, n) => { console.log('two', n); main(); });
    const bytes = Buffer.alloc(4);
    const main = async () => {
      await new Promise((done) => native.later('fill', () => { console.log('filled', bytes); done(); }, bytes));
      console.log(await native.later('resolve'));
      await native.later('reject').catch((error) => console.log(error.code, error.message));
      const both = native.later('both', () => { console.log('callback'); queueMicrotask(() => console.log('its microtask')); });
      both.then((value) => console.log('promise', value));
      console.log(both);
      await both;
      const [a, b] = native.later('two');
      a.then(async (value) => { console.log('a', value); await 1; await 2; console.log('a, later'); });
      await b.then((value) => console.log('b', value));
      const resolved = native.resolved({ x: 1 });
      resolved.then((value) => console.log('resolved', value));
      await resolved;
      await native.resolved(new Error('no'), true).catch((error) => console.log('caught', error.message));
      await new Promise((done) => native.ticker(4, (n) => { console.log('thread', n); process.nextTick(() => console.log('after', n)); if (n === 4) done(); }));
      const { AsyncLocalStorage } = require('node:async_hooks');
      const storage = new AsyncLocalStorage();
      await storage.run('one', () => new Promise((done) => native.later('x', () => { console.log('context', storage.getStore()); done(); })));
      await storage.run('two', async () => { await native.later('resolve'); console.log('context', storage.getStore()); });
      process.once('unhandledRejection', (error) => {
        console.log('unhandled', error.message);
        process.once('uncaughtException', (thrown) => console.log('uncaught', thrown.message));
        native.later('y', () => { throw new Error('thrown from the loop'); });
      });
      native.later('reject');
    };
  `);
  assert.match(stdout, /^one null twice\ntwo 2\ntick\nmicrotask$/m);
  assert.match(stdout, /unhandled rejected later\nuncaught thrown from the loop\n$/);
});

test('addons: fatal exceptions, failing loads', async () => {
  const thrown = await roundTrip(`${START}\nfunction go() {\n  native.throw();\n}\ngo();`, { copies: { 'native.node': addon } });
  assert.equal(thrown.exitCode, 1);
  assert.match(thrown.stderr, /app\.js:\d+\n {2}native\.throw\(\);\n +\^\n\nRangeError: out of native range\n {4}at go /);
  const later = await roundTrip(`${START}\nnative.later('x', () => {\n  throw new Error('too late');\n});`, {
    copies: { 'native.node': addon },
  });
  assert.match(later.stderr, /app\.js:\d+\n {2}throw new Error\('too late'\);\n {8}\^\n\nError: too late/);
  const loads = await roundTrip(
    `for (const file of ['./missing.node', './broken.node']) try { require(file); } catch (error) { console.log(error.code, error.stack); }
     try { process.dlopen({ exports: {} }, '/nonexistent.node'); } catch (error) { console.log(error); }
     console.log(process.dlopen.length, process.dlopen.name, String(process.dlopen));`,
    { files: { 'broken.node': 'no addon' }, asPlain: true },
  );
  assert.match(loads.stdout, /^MODULE_NOT_FOUND[^]*^ERR_DLOPEN_FAILED/m);
});

test('addons: what native code looks up on instances, as the package says', async () => {
  const program = `const { Emitter } = require('./native.node');
    const emitter = new Emitter();
    const handler = function (self) { console.log('handler', this === emitter, self === emitter); };
    emitter.onfire = handler;
    emitter.emit = (...args) => console.log('own emit', args);
    console.log(emitter.onfire === handler, Object.keys(emitter));
    emitter.fireLater();`;
  const { stdout } = await roundTrip(program, {
    copies: { 'native.node': addon },
    files: {
      'package.json': '{ "name": "zoo" }',
      'retrace.overrides.json': '{ "Emitter": { "callbacks": ["onfire", "emit"] } }',
    },
    asPlain: true,
  });
  await roundTrip(program, {
    copies: { 'native.node': addon },
    files: { 'package.json': '{ "name": "zoo" }', 'rules.json': '{ "zoo": { "Emitter": { "callbacks": ["onfire", "emit"] } } }' },
    env: { RETRACE_OVERRIDES: 'rules.json' },
    asPlain: true,
  });
  assert.match(stdout, /^own emit \[ 'fired', 'later' \]\nhandler true true$/m);
});
