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
