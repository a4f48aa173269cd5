// Large texts and blocks of bytes are stored once in a trace, and come back whole, each with memory of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Damaged } from './errors';
import { MemorySink } from './memory-sink';
import { TraceReader } from './reader';
import { EventTag, ValueTag, type CallEvent } from './tags';
import { TraceWriter } from './writer';

function written(values: readonly unknown[], window?: number): Uint8Array {
  const sink = new MemorySink(window);
  const writer = new TraceWriter(sink);
  const site = writer.intern('fs.read');
  for (const value of values) writer.call(site, 0, value);
  assert.equal(writer.failure, undefined);
  return sink.toBytes();
}

function read(bytes: Uint8Array): unknown[] {
  const reader = new TraceReader(bytes, 'main.trace');
  const values: unknown[] = [];
  for (let event = reader.next(); event !== undefined; event = reader.next())
    if (event.tag === EventTag.Call) values.push((event as CallEvent).value);
  return values;
}

const noise = (n: number, seed = 1): Buffer => Buffer.from(Array.from({ length: n }, () => (seed = (seed * 48271) % 0x7fffffff) & 255));

test('the same again, of every kind, is a reference', () => {
  const bytes = noise(20_000);
  const text = bytes.toString('latin1');
  const wide = `${text.slice(0, 9000)}\u2603`;
  const once = [bytes, new Uint8Array(noise(5000, 7)), new Uint8Array(noise(6000, 8)).buffer, text, wide, new Error(`${text}!`)];
  const one = written(once);
  const many = written([...once, ...once, [bytes, text]]);
  assert.ok(many.length - one.length < 400, `${many.length - one.length} bytes for what is there already`);
  assert.deepEqual(read(many), [...once, ...once, [bytes, text]]);
});

test('each has memory of its own', () => {
  const bytes = noise(10_000);
  const [first, second] = read(written([bytes, bytes])) as Buffer[];
  first!.fill(0);
  assert.deepEqual(second, bytes);
});

test('what differs in one byte is not the same, wherever the byte is', () => {
  const bytes = noise(5000);
  const others = [0, 1, 2, 77, 2500, 4998, 4999].map((at) => {
    const other = Buffer.from(bytes);
    other[at]! ^= 1;
    return other;
  });
  assert.deepEqual(read(written([bytes, ...others, bytes])), [bytes, ...others, bytes]);
});

test('larger than the window, and many events later', () => {
  const large = noise(300_000);
  const small = Array.from({ length: 3000 }, (_, n) => `event ${n}`);
  const trace = written([large, ...small, large, [large, { again: large }], small[0]], 1 << 16);
  assert.ok(trace.length < 400_000);
  assert.deepEqual(read(trace), [large, ...small, large, [large, { again: large }], small[0]]);
});

test('twice in one event, which does not fit at first', () => {
  const [a, b] = [noise(40_000), noise(40_000)];
  assert.deepEqual(read(written(['x'.repeat(3000), [a, b, a.toString('latin1')], [a, b]], 1 << 16)), [
    'x'.repeat(3000),
    [a, b, a.toString('latin1')],
    [a, b],
  ]);
});

test('a reference to what did not come before is damage', () => {
  const bytes = noise(5000);
  const trace = Buffer.from(written([bytes, bytes]));
  const at = trace.lastIndexOf(ValueTag.Repeat as number);
  // tag, kind, length (two bytes), offset: one byte less would be another block, all ones is far behind the end.
  trace.fill(0xff, at + 4, at + 5);
  assert.throws(() => read(trace), Damaged);
});
