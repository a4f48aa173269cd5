import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from './outgoing';

test('equal data, equal number, whatever holds the bytes', () => {
  const bytes = Buffer.from('xxhello').subarray(2);
  assert.equal(digestOf(bytes), digestOf(new Uint8Array([104, 101, 108, 108, 111])));
  assert.equal(digestOf(['a', 'utf8', bytes]), digestOf(['a', 'utf8', Buffer.from('hello')]));
});

test('another character, another length or another order is another number', () => {
  const all = ['hello', 'hellp', 'hello ', '', ['hel', 'lo'], ['lo', 'hel'], 'h'.repeat(255), 'h'.repeat(256)];
  assert.equal(new Set(all.map(digestOf)).size, all.length);
});

test('of long data the length and a sample count', () => {
  const long = Buffer.alloc(100_000, 1);
  const before = digestOf(long);
  assert.notEqual(before, digestOf(long.subarray(1)));
  long.fill(2, 50_000, 60_000);
  assert.notEqual(before, digestOf(long));
});

test('how a text is held plays no part, and every unit of a short one counts', () => {
  for (const length of [1, 2, 23, 24, 25, 101, 256]) {
    const flat = 'abcdefgh'.repeat(32).slice(0, length);
    let pieces = '';
    for (const unit of flat) pieces += unit;
    const wide = `\u0100${flat}`.slice(1);
    assert.deepEqual([digestOf(pieces), digestOf(wide)], [digestOf(flat), digestOf(flat)]);
    const numbers = new Set([digestOf(flat)]);
    for (let i = 0; i < length; i++) {
      numbers.add(digestOf(`${flat.slice(0, i)}Z${flat.slice(i + 1)}`));
      numbers.add(digestOf(`${flat.slice(0, i)}\u0161${flat.slice(i + 1)}`));
    }
    assert.equal(numbers.size, 1 + 2 * length);
  }
});
