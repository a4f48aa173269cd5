// Functions found by name: the places where calls of them begin.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { functionPlaces, isNamed } from './function-places';
import { statementsOf } from './locations';

const SOURCE = `'use strict';
function plain() {
  return 1;
}
const arrow = (x) => x + 1;
exports.handler = async function () { await null; };
const table = { key: () => 2, method() { for (;;) break; }, ['computed']() { return 3; }, inner: { deep() { return 4; } } };
class Order extends Object {
  #secret() { return 5; }
  constructor() { super(); }
  get total() { return 6; }
  static of = (x) => x;
}
function empty() {}
Order.prototype.late = function named() { do { plain(); } while (false); };
function looping() { label: for (let i = 0; i < 1; i++) plain(); }
function nested() { function hidden() { return 7; } { } return hidden(); }
function guarded() { try { plain(); } catch { return 0; } finally { plain(1); } }
let parameter = function (callback = () => 8) { ; return callback(); };
`;

const lines = SOURCE.split('\n');
const statements = statementsOf(SOURCE, { asFunctionBody: true });
const places = functionPlaces(SOURCE);

/** The source from the first statement of the functions meant to the end of its line, '-' for one without a statement. */
function meant(name: string): string[] {
  return places
    .filter((place) => isNamed(place, name))
    .map(({ statement }) => {
      const at = statements.find(({ id }) => id === statement);
      return at ? lines[at.line - 1]!.slice(at.column - 1) : '-';
    });
}

/** Each name means one function, that begins with this text. */
function begins(cases: Record<string, string>): void {
  for (const [name, text] of Object.entries(cases)) {
    const found = meant(name);
    assert.equal(found.length, 1, name);
    assert.ok(found[0]!.startsWith(text), `${name} begins with ${found[0]}`);
  }
}

test('functions are known by their names', () => {
  begins({
    plain: 'return 1;',
    arrow: 'x + 1;',
    handler: 'await null;',
    'exports.handler': 'await null;',
    key: '2, method',
    'table.inner.deep': 'return 4;',
    Order: 'super();',
    'Order.constructor': 'super();',
    '#secret': 'return 5;',
    'Order.total': 'return 6;',
    of: 'x;',
    'Order.prototype.late': 'plain(); }',
    'Order.late': 'plain(); }',
    named: 'plain(); }',
    parameter: 'return callback',
    callback: '8)',
  });
  for (const name of ['andler', 'computed', 'x', 'constructor.Order']) assert.deepEqual(meant(name), [], name);
});

test('the place is the statement that runs first', () => {
  begins({ method: 'break;', named: 'plain();', looping: 'let i = 0', nested: 'return hidden', guarded: 'plain(); } catch' });
  assert.deepEqual(meant('empty'), ['-']);
});

test('a try is no stop: what is in it is', () => {
  const line = lines.findIndex((text) => text.startsWith('function guarded')) + 1;
  const texts = statements
    .filter((one) => one.line === line)
    .map(({ column, endColumn }) => lines[line - 1]!.slice(column - 1, endColumn - 1));
  assert.deepEqual(texts, ['plain();', 'return 0;', 'plain(1);']);
});
