import { test } from 'node:test';
import assert from 'node:assert';
import { BadLocation } from './errors';
import { nearestLines, parseLocation, resolveFile, resolveStatement, shownPath, type Statement } from './locations';

const FILES = [
  '/srv/shop/app.js',
  '/srv/shop/lib/cart.js',
  '/srv/shop/admin/cart.js',
  '/srv/shop/node_modules/x/index.js',
  '/srv/shop/index.js',
];
const file = (text: string): string => resolveFile(text, FILES, '/srv/shop');

test('FILE:LINE[:COL]', () => {
  assert.deepEqual(parseLocation('app.js:12'), { file: 'app.js', line: 12, column: undefined });
  assert.deepEqual(parseLocation('C:\\x\\app.js:12:3'), { file: 'C:\\x\\app.js', line: 12, column: 3 });
  for (const bad of ['app.js', 'app.js:', ':3', 'app.js:x', 'app.js:0', 'app.js:1:0'])
    assert.throws(() => parseLocation(bad), BadLocation, bad);
});

test('files by suffix on path boundaries', () => {
  assert.equal(file('app.js'), '/srv/shop/app.js');
  assert.equal(file('lib/cart.js'), '/srv/shop/lib/cart.js');
  assert.equal(file('/srv/shop/app.js'), '/srv/shop/app.js');
  assert.equal(file('./app.js'), '/srv/shop/app.js');
  assert.throws(() => file('pp.js'), BadLocation);
});

test('an ambiguous suffix lists the candidates', () => {
  assert.throws(() => file('cart.js'), {
    name: 'BadLocation',
    message: 'cart.js could be 2 files: lib/cart.js or admin/cart.js. Write more of its path.',
    candidates: ['lib/cart.js', 'admin/cart.js'],
  });
  const nested = ['/a/app.js', '/a/b/app.js'];
  assert.throws(() => resolveFile('app.js', nested, '/a'), { candidates: ['./app.js', 'b/app.js'] });
  assert.equal(resolveFile('./app.js', nested, '/a'), '/a/app.js');
});

test('the program goes before its dependencies', () => {
  assert.equal(file('index.js'), '/srv/shop/index.js');
  assert.equal(file('x/index.js'), '/srv/shop/node_modules/x/index.js');
});

test('an unknown file names near ones', () => {
  assert.throws(() => file('appp.js'), { name: 'BadLocation', candidates: ['app.js'] });
  assert.throws(() => file('app.ts'), { message: /never loaded it\. There is app\.js\./ });
});

const at = (id: number, line: number, column: number, endLine: number, endColumn: number): Statement => ({
  id,
  line,
  column,
  endLine,
  endColumn,
});
const STATEMENTS = [at(0, 1, 1, 5, 2), at(1, 2, 3, 2, 30), at(2, 2, 10, 2, 20), at(3, 8, 1, 8, 9)];

test('statements by line and column', () => {
  assert.equal(resolveStatement(STATEMENTS, 2, undefined, 'a.js').id, 1);
  assert.equal(resolveStatement(STATEMENTS, 2, 12, 'a.js').id, 2);
  assert.equal(resolveStatement(STATEMENTS, 2, 25, 'a.js').id, 1);
  assert.equal(resolveStatement(STATEMENTS, 2, 1, 'a.js').id, 1);
  assert.throws(() => resolveStatement(STATEMENTS, 6, undefined, 'a.js'), {
    name: 'BadLocation',
    message: 'a.js:6 has no statement to stop at. The nearest lines that do are 2 and 8.',
    candidates: ['a.js:2', 'a.js:8'],
  });
});

test('nearest lines, shown paths', () => {
  assert.deepEqual(nearestLines([1, 5, 9, 20], 10, 2), [5, 9]);
  assert.deepEqual(nearestLines([], 10, 2), []);
  assert.equal(shownPath('/srv/shop/lib/a.js', '/srv/shop'), 'lib/a.js');
  assert.equal(shownPath('/srv/shopping/a.js', '/srv/shop'), '/srv/shopping/a.js');
});
