// Built-ins that expressions may call without a copy of the process: right values, and nothing that could reach the program's code.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { types } from 'node:util';
import { harmlessCalls } from './harmless';
import { hostInspectionKit } from './inspection';
import { evaluatePure } from './pure';

const kit = hostInspectionKit({ previewEntries: () => undefined, getPromiseDetails: () => [0], getConstructorName: () => '' });
const harmless = harmlessCalls(types, globalThis);

let ran = 0;
const trap = (): never => {
  ran++;
  throw new Error('code of the program ran');
};
class Odd extends Array<number> {}
const names: Record<string, unknown> = {
  text: 'Hello there',
  n: 3.14159,
  list: [1, 2, 3],
  holes: Object.assign([], { length: 3 }),
  odd: Odd.from([1, 2]),
  map: new Map([['a', 1]]),
  set: new Set([1]),
  bytes: new Uint8Array(5),
  plain: { a: 1, b: ['x', null, { c: undefined }] },
  cyclic: {} as Record<string, unknown>,
  getter: {
    get x() {
      return trap();
    },
  },
  json: { toJSON: trap },
  objects: [{ toString: trap }],
  proxy: new Proxy([], { get: trap, ownKeys: trap, getOwnPropertyDescriptor: trap, getPrototypeOf: trap }),
  converts: { valueOf: trap, toString: trap },
  patched: Object.assign([1], { join: trap, at: trap }),
  own: { keys: trap },
  JSON,
  Object,
  Array,
  Math,
  Number,
  String,
};
(names['cyclic'] as Record<string, unknown>)['self'] = names['cyclic'];

const value = (expression: string): { value: unknown } | undefined =>
  evaluatePure(kit, expression, { lookup: (name) => (Object.hasOwn(names, name) ? { value: names[name] } : undefined), harmless });

test('calls of built-ins on plain data are answered', () => {
  const cases: [string, unknown][] = [
    ['text.slice(0, 5)', 'Hello'],
    ['text.toUpperCase().includes("THERE")', true],

    ['n.toFixed(2)', '3.14'],
    ['Math.round(n) + Math.max(1, 2)', 5],
    ['list.at(-1)', 3],
    ['list.includes(2)', true],
    ['list.join("-")', '1-2-3'],
    ['map.get("a") + map.size', 2],
    ['set.has(2)', false],
    ['bytes.length', 5],
    ['Object.keys(plain).length', 2],
    ['Array.isArray(list)', true],
    ['JSON.stringify(plain)', '{"a":1,"b":["x",null,{}]}'],
    ['JSON.stringify(list, null, 1)', '[\n 1,\n 2,\n 3\n]'],
    ['String(n).length', 7],
    ['[n, text].length', 2],
  ];
  for (const [expression, expected] of cases) assert.deepEqual([expression, value(expression)], [expression, { value: expected }]);
});

test('whatever could run the program’s code is not', () => {
  const refused = [
    'JSON.stringify(getter)',
    'JSON.stringify(json)',
    'JSON.stringify(cyclic)',
    'JSON.stringify(proxy)',
    'JSON.stringify(plain, own)',
    'JSON.stringify(odd)',
    'objects.join()',
    'holes.join()',
    'proxy.at(0)',
    'proxy.length',
    'patched.join()',
    'patched.at(0)',
    'own.keys(1)',
    'Array.isArray(proxy)',
    'Object.keys(proxy)',
    'text.slice(converts)',
    'text.concat(proxy)',
    'Math.max(converts)',
    'String(converts)',
    'Number(converts)',
    'list.map(String)',
    'list.push(1)',
    'text.repeat(-1)',
    'text.repeat(1e9)',
    'n.toFixed(500)',
    'list.at(converts)',
  ];
  for (const expression of refused) assert.equal(value(expression), undefined, expression);
  assert.equal(ran, 0);
});
