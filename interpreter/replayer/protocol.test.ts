import { test } from 'node:test';
import assert from 'node:assert';
import { decode, encode, lengthAt, MessageSplitter, type Reply } from './protocol';

const message: Reply = { kind: 'evaluated', clean: true, type: 'string', preview: '"ü\u2028\ud800"', value: 'ü\u2028\ud800 \u{1f600}\0' };

test('a message is ASCII and comes back as it was, lone surrogates included', () => {
  const bytes = encode(message);
  assert.ok(bytes.every((byte, i) => i < 4 || byte < 0x80));
  assert.equal(lengthAt(bytes, 0), bytes.length - 4);
  assert.deepEqual(decode(bytes.subarray(4)), message);
});

test('messages survive being cut anywhere', () => {
  const one = encode(message);
  const two = encode({ kind: 'done' });
  const stream = Buffer.concat([one, two, one]);
  for (const size of [1, 2, 3, 7, one.length, one.length + 2, stream.length]) {
    const splitter = new MessageSplitter();
    const got: unknown[] = [];
    for (let at = 0; at < stream.length; at += size) {
      for (const body of splitter.push(stream.subarray(at, at + size))) got.push(decode(body));
    }
    assert.deepEqual(got, [message, { kind: 'done' }, message], `cut every ${size} bytes`);
  }
});

test('a message of a megabyte', () => {
  const big: Reply = { ...message, preview: 'x\n'.repeat(500_000) };
  assert.deepEqual(decode(encode(big).subarray(4)), big);
});
