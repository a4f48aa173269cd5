import { test } from 'node:test';
import assert from 'node:assert';
import { hostInspectionKit } from './inspection';
import { previewOf } from './preview';
import { evaluatePure } from './pure';

// Node's own binding is out of reach without --expose-internals
const kit = hostInspectionKit({
  getPromiseDetails: () => [1, 1],
  getConstructorName: () => '',
  previewEntries: (value) => [value instanceof Map ? [...value].flat() : [...(value as Set<unknown>)], true],
});
const show = (value: unknown): string => previewOf(kit, value).preview;

test('primitives carry their exact value when JSON can hold it', () => {
  assert.deepEqual(previewOf(kit, 'a"\ud800'), { type: 'string', preview: '"a\\"\\ud800"', value: 'a"\ud800' });
  assert.deepEqual(previewOf(kit, null), { type: 'null', preview: 'null', value: null });
  assert.deepEqual(previewOf(kit, -0), { type: 'number', preview: '-0' });
  assert.deepEqual(previewOf(kit, Number.NaN), { type: 'number', preview: 'NaN' });
  assert.deepEqual(previewOf(kit, 12n), { type: 'bigint', preview: '12n' });
  assert.deepEqual(previewOf(kit, undefined), { type: 'undefined', preview: 'undefined' });
  assert.deepEqual(previewOf(kit, Symbol('s')), { type: 'symbol', preview: 'Symbol(s)' });
});

test('a long string is shortened in its preview only', () => {
  const long = 'x'.repeat(20_000);
  const shown = previewOf(kit, long);
  assert.equal(shown.value, long);
  assert.match(shown.preview, /"\.\.\. 10000 more characters$/);
});

test('objects of every kind', () => {
  class Animal {
    legs = 4;
  }
  const circular: { self?: unknown } = {};
  circular.self = circular;
  assert.equal(show({ a: 1, 'b-c': 'x', [Symbol('k')]: true }), '{ a: 1, "b-c": "x", [Symbol(k)]: true }');
  assert.equal(show(new Animal()), 'Animal { legs: 4 }');
  assert.equal(show(Object.create(null)), '[Object: null prototype] {}');
  assert.equal(show(circular), '{ self: [Circular] }');
  assert.equal(show([1, , 3]), '[ 1, <1 empty item>, 3 ]'); // oxlint-disable-line no-sparse-arrays
  assert.equal(show(new Map([['a', { b: 1 }]])), 'Map(1) { "a" => { b: 1 } }');
  assert.equal(show(new Set([1, 2])), 'Set(2) { 1, 2 }');
  assert.equal(show(new Date(0)), '1970-01-01T00:00:00.000Z');
  assert.equal(show(/a+/gi), '/a+/gi');
  assert.equal(show(Buffer.from('ab')), '<Buffer 61 62>');
  assert.equal(show(new Uint16Array([1, 2])), 'Uint16Array(2) [ 1, 2 ]');
  assert.match(show(Promise.resolve(1)), /^Promise \{ 1\b/);
  assert.equal(show(new SyntaxError('bad')), '[SyntaxError: bad]');
  class Described extends Error {
    override get message(): string {
      throw new Error('ran');
    }
  }
  assert.equal(show(new Described()), '[Error]');
  assert.equal(show(Object.setPrototypeOf(new Error(), null)), '[Error]');
  assert.equal(show(class B extends Animal {}), '[class B extends Animal]');
  assert.equal(
    show(function hello() {}),
    '[Function: hello]',
  );
  assert.equal(show(Object(1)), '[Number: 1]');
  assert.equal(
    show(
      (function* () {
        yield 1;
      })(),
    ),
    'Object [Generator] {}',
  );
  assert.equal(show(new Map()[Symbol.iterator]()), 'Object [Map Iterator] {}');
  assert.equal(show({ a: { b: { c: { d: 1 } } } }), '{ a: { b: { c: [Object] } } }');
});

test('no program code runs', () => {
  let ran = 0;
  const touch = (): number => ++ran;
  const hostile = {
    get getter() {
      return touch();
    },
    proxy: new Proxy({}, { get: touch, ownKeys: () => (touch(), []), getPrototypeOf: () => (touch(), null) }),
    toString: touch,
    toJSON: touch,
    [Symbol.toPrimitive]: touch,
    get [Symbol.toStringTag]() {
      return String(touch());
    },
  };
  const error = new Error('x');
  Object.defineProperty(error, 'name', { get: touch });
  show(hostile);
  show(error);
  show(Object.create(hostile.proxy));
  assert.equal(ran, 0);
  assert.match(show(hostile), /getter: \[Getter\], proxy: \[Proxy\]/);
});

test('a huge object stays small', () => {
  const big = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, 'y'.repeat(1000)]));
  assert.ok(show([big, big, big]).length < 20_100);
  assert.match(show(Object.assign([], { length: 1e9 })), /more items/);
});

test('pure expressions are evaluated, others refused', () => {
  let ran = 0;
  const data = {
    list: [{ n: 5 }],
    text: 'hello',
    get g() {
      return ++ran;
    },
  };
  const names: Record<string, unknown> = { data, i: 0, this: data };
  const evaluate = (expression: string): { value: unknown } | undefined =>
    evaluatePure(kit, expression, { lookup: (name) => (Object.hasOwn(names, name) ? { value: names[name] } : undefined) });
  assert.deepEqual(evaluate('data.list[i].n * 2 + 1'), { value: 11 });
  assert.deepEqual(evaluate('data.text.length > 3 ? `<${data.text}>` : null'), { value: '<hello>' });
  assert.deepEqual(evaluate('data.nothing?.more.and'), { value: undefined });
  assert.deepEqual(evaluate('this.text'), { value: 'hello' });
  assert.deepEqual(evaluate('data.nothing'), { value: undefined });
  for (const refused of [
    'data.g',
    'data.list.map(x => x)',
    'i = 1',
    'i++',
    'unknown',
    'data + ""',
    'await 1',
    'a b',
    'data.nothing.more',
    '1); (2',
  ]) {
    assert.equal(evaluate(refused), undefined, refused);
  }
  assert.equal(ran, 0);
});
