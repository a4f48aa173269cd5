// What stands for the built-ins in hardened modules does what they do, whatever has become of them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { constructors, getters, methods, namespaces, of, optional } from './intrinsics';

const call = methods as Record<string, (...args: unknown[]) => unknown>;
const root = join(__dirname, '../../..');

test('array methods of our own answer as the built-in ones', () => {
  const list = [5, 1, 4, 2];
  const cases: [string, unknown[]][] = [
    ['slice', []],
    ['slice', [1]],
    ['slice', [-2, -1]],
    ['slice', [-9, 9]],
    ['splice', [1]],
    ['splice', [1, 2, 'a', 'b', 'c']],
    ['splice', [-1, 1]],
    ['concat', [[1, [2]], 3]],
    ['push', [1, 2]],
    ['map', [(x: number, i: number) => x * i]],
    ['filter', [(x: number) => x > 2]],
    ['flatMap', [(x: number) => [x, [x]]]],
    ['indexOf', [4]],
    ['join', ['-']],
  ];
  for (const [name, args] of cases) {
    const mine = [...list];
    const theirs = [...list];
    const native = (theirs as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!(...args);
    assert.deepEqual([call[name]!(mine, ...args), mine], [native, theirs], `${name}(${args.join()})`);
  }
});

test('texts and regular expressions', () => {
  const cases: [string, string, unknown[]][] = [
    ['replace', 'a-b-c', [/-/g, '$$$&']],
    ['replace', 'a-b', [/(\w)-(\w)/, '$2 $1 $x']],
    ['replace', 'a-b', ['-', '+']],
    ['replace', 'abc', [/[ac]/g, (letter: string, at: number) => `${letter}${at}`]],
    ['split', 'a, b ,c', [/\s*,\s*/]],
    ['split', 'a,b', [',']],
    ['match', 'x1y22', [/\d+/g]],
    ['match', 'none', [/\d+/]],
    ['search', 'ab1', [/\d/]],
    ['startsWith', 'abc', ['ab']],
  ];
  for (const [name, text, args] of cases) {
    const native = (text as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!(...args);
    assert.deepEqual(call[name]!(text, ...args), native, `${name}(${args.join()})`);
  }
  assert.equal(call['test']!(/b/, 'abc'), true);
  assert.equal((optional as typeof call)['split']!(undefined, ','), undefined);
});

test('collections, loops and namespaces do not look at what was replaced', () => {
  const names = ['push', 'map', 'slice', Symbol.iterator] as (keyof unknown[])[];
  const kept = names.map((name) => [name, Object.getOwnPropertyDescriptor(Array.prototype, name)!] as const);
  const { get } = Map.prototype;
  const results: unknown[] = [0, 0, 0, 0];
  const boom = (): never => {
    throw new Error('called');
  };
  const { defineProperty } = Object;
  try {
    for (let i = 0; i < names.length; i++) defineProperty(Array.prototype, names[i]!, { value: boom, configurable: true });
    Map.prototype.get = boom;
    defineProperty(Object.prototype, 'get', { value: boom, configurable: true });
    const map = new (constructors['Map'] as MapConstructor)([[1, 'one']]);
    results[0] = map.get(1);
    for (const { 0: key } of of(map) as Iterable<[number, string]>) results[1] = key;
    const object = {};
    (namespaces['Object'] as typeof Object).defineProperty(object, 'x', { value: 3 });
    results[2] = (object as { x: number }).x;
    results[3] = (getters as { byteLength(view: unknown): number }).byteLength(new Uint16Array(2));
  } finally {
    Reflect.deleteProperty(Object.prototype, 'get');
    for (let i = 0; i < kept.length; i++) defineProperty(Array.prototype, kept[i]![0], kept[i]![1]);
    Map.prototype.get = get;
  }
  assert.deepEqual(results, ['one', 1, 3, 4]);
});

test('harden rewrites what a program could reach, and keeps the lines', () => {
  const source = [
    '"use strict";',
    'const { keys } = Object;',
    'function f(list, options = {}) {',
    '  for (const [key, , value] of list) list?.push(',
    '    key, [...value]);',
    '  return new Map(list.map(({ Set }) => typeof Set)).size + Math.max(1);',
    '}',
  ].join('\n');
  const script = `
    import { harden } from ${JSON.stringify(join(root, 'scripts/harden.mjs'))};
    import tables from ${JSON.stringify(join(root, 'dist/recorder/trace/intrinsics.js'))};
    process.stdout.write(harden(${JSON.stringify(source)}, 'recorder/x.js', tables));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.equal(stderr, '');
  const lines = stdout.split('\n');
  assert.equal(lines.length, source.split('\n').length);
  assert.match(lines[0]!, /^"use strict";.*require\("\.\/trace\/intrinsics\.js"\)/);
  assert.equal(lines[1], 'const { keys } = $own_namespaces_Object;');
  assert.equal(lines[2], 'function f(list, options = $own_none) {');
  assert.equal(lines[3], '  for (const {0: key, 2: value} of $own_of(list)) $own_optional_push(list, ');
  assert.equal(lines[4], '    key, [...$own_of(value)]);');
  assert.match(
    lines[5]!,
    /new \$own_constructors_Map\(\$own_methods_map\(list, \(\{ Set \}\) => typeof Set\)\)\.size \+ \$own_namespaces_Math_max\(1\)/,
  );
});

test('the recorder as it is built is hardened', () => {
  for (const file of ['boundary/record.js', 'boundary/replay.js', 'trace/writer.js', 'boundary/hooks/fs.js'])
    assert.match(readFileSync(join(root, 'dist/recorder', file), 'utf8'), /^"use strict";\/\* hardened \*\//, `${file}: npm run build`);
});
