import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventTag, MemorySink, TraceReader, TraceWriter, type HandleCodec, type TraceEvent } from './index';

function write(fill: (writer: TraceWriter) => void, size?: number, handles?: HandleCodec): Uint8Array {
  const sink = new MemorySink(size);
  const writer = new TraceWriter(sink, { handles });
  fill(writer);
  writer.close();
  return sink.toBytes();
}

function read(bytes: Uint8Array, handles?: HandleCodec): TraceEvent[] {
  const reader = new TraceReader(bytes, 'threads/main.trace', { handles });
  const events: TraceEvent[] = [];
  for (let event = reader.next(); event !== undefined; event = reader.next()) events.push(event);
  return events;
}

/** The value as it comes back from a trace. */
function through(value: unknown, handles?: HandleCodec): unknown {
  const bytes = write((writer) => writer.call(writer.intern('t.v'), 0, value), undefined, handles);
  const event = read(bytes, handles)[0]!;
  assert.equal(event.tag, EventTag.Call);
  return (event as { value: unknown }).value;
}

test('values come back as they were', () => {
  const values: unknown[] = [
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1,
    127,
    128,
    -1,
    -128,
    2 ** 31,
    2 ** 32 + 5,
    Number.MAX_SAFE_INTEGER,
    -Number.MAX_SAFE_INTEGER,
    2 ** 60,
    1.5,
    NaN,
    Infinity,
    0n,
    -(2n ** 100n),
    2n ** 64n,
    '',
    'ascii',
    'é'.repeat(200),
    '漢字',
    'x'.repeat(100) + '€',
    '\ud800 alone',
    '💩',
    Symbol.for('a key'),
    new Uint8Array([1, 2, 3]),
    Buffer.from('buffer'),
    new Float64Array([1.5, -2]),
    new BigInt64Array([5n]),
    new Uint8Array([9, 9]).buffer,
    [],
    [1, [2, 'three']],
    { a: 1, b: { c: undefined } },
    new Date(1234567890123),
    new Map<unknown, unknown>([
      ['k', 1],
      [{ o: 1 }, null],
    ]),
    new Set([1, 'two']),
  ];
  for (const value of values) assert.deepStrictEqual(through(value), value);
});

test('holes, prototypes and the key __proto__ survive', () => {
  const sparse: number[] = [1];
  sparse[2] = 3;
  sparse.length = 4;
  const holes = through(sparse) as unknown[];
  assert.equal(holes.length, 4);
  assert.deepEqual(Object.keys(holes), ['0', '2']);
  const bare = through(Object.assign(Object.create(null), { x: 1 })) as object;
  assert.equal(Object.getPrototypeOf(bare), null);
  const trick = through(JSON.parse('{"__proto__":{"polluted":1}}')) as object;
  assert.equal(Object.getPrototypeOf(trick), Object.prototype);
  assert.deepEqual(Object.keys(trick), ['__proto__']);
});

test('an error keeps its class, message and own properties with their enumerability, not its stack', () => {
  const error = Object.assign(new RangeError('too far'), { code: 'ERR_X', errno: -2, cause: new TypeError('inner') });
  const back = through(error) as typeof error;
  assert.ok(back instanceof RangeError);
  assert.equal(back.message, 'too far');
  assert.equal(back.code, 'ERR_X');
  assert.ok(back.cause instanceof TypeError);
  assert.deepEqual(Object.keys(back), Object.keys(error));
  assert.ok(!Object.getOwnPropertyDescriptor(back, 'message')!.enumerable);
});

test('cycles and shared objects keep their identity within an event', () => {
  const certificate: Record<string, unknown> = { subject: 'CN=x', raw: Buffer.from('der') };
  certificate['issuer'] = certificate;
  const back = through([certificate, certificate['raw'], certificate]) as [typeof certificate, unknown, unknown];
  assert.equal(back[0]['issuer'], back[0]);
  assert.equal(back[2], back[0]);
  assert.equal(back[1], back[0]['raw']);
  const shared = Buffer.from('s');
  const bytes = write((writer) => writer.entry(writer.intern('t.e'), 3, 17, 8, 9, [shared, 1, shared]));
  const event = read(bytes)[0] as unknown as { args: unknown[]; handle: number; asyncCounter: number };
  assert.deepEqual(event.args.slice(0, 2), [8, 9]);
  assert.equal(event.args[2], event.args[4]);
  assert.equal(event.handle, 3);
  assert.equal(event.asyncCounter, 17);
});

test('native handles go by number, and come back as the same object', () => {
  class Socket {}
  const one = new Socket();
  const codec: HandleCodec = { numberOf: (v) => (v === one ? 7 : 0), handleOf: (n) => (n === 7 ? one : {}) };
  assert.equal(through(one, codec), one);
  assert.deepEqual(through({ a: one, b: [one] }, codec), { a: one, b: [one] });
  let told = '';
  new TraceWriter(new MemorySink(), { handles: codec, onFailure: (error) => (told = error.message) }).call(1, 0, new Socket());
  assert.match(told, /class Socket cannot cross/);
});

test('a value that cannot be encoded ends the recording before its event, and throws nothing into the program', () => {
  let told: Error | undefined;
  const sink = new MemorySink();
  const writer = new TraceWriter(sink, { onFailure: (error) => (told = error) });
  const site = writer.intern('t.v');
  writer.call(site, 0, 1);
  writer.call(site, 0, ['x'.repeat(100), Symbol('private')]);
  writer.call(site, 0, 2);
  writer.close();
  assert.equal((told as NodeJS.ErrnoException).code, 'Unencodable');
  assert.deepEqual(
    read(sink.toBytes()).map((event) => (event as { value: unknown }).value),
    [1],
  );
});

test('small events are small', () => {
  const sink = new MemorySink();
  const writer = new TraceWriter(sink);
  const site = writer.intern('timers.getLibuvNow');
  const before = writer.position;
  writer.call(site, 0, 1732);
  assert.equal(writer.position - before, 6);
  writer.call(site, 0, undefined);
  assert.equal(writer.position - before, 10);
});

test('events of every size cross windows', () => {
  const sizes = [0, 1, 10, 4000, 8000, 8192, 30000, 100, 65536, 300000, 5];
  const fill = (n: number) => Buffer.alloc(n, n & 255);
  const bytes = write((writer) => {
    const site = writer.intern('tcp.onread');
    for (const n of sizes) {
      writer.call(site, 1, fill(n));
      writer.call(site, 1, '\u0100' + 'y'.repeat(n));
    }
    writer.end('exit', 3, '');
  }, 16384);
  const events = read(bytes);
  assert.equal(events.length, sizes.length * 2 + 1);
  sizes.forEach((n, i) => {
    assert.deepEqual((events[2 * i] as { value: unknown }).value, fill(n));
    assert.equal((events[2 * i + 1] as { value: string }).value, '\u0100' + 'y'.repeat(n));
  });
  assert.deepEqual(events.at(-1), { tag: EventTag.End, index: 22, offset: events.at(-1)!.offset, kind: 'exit', code: 3, signal: '' });
});

test('peek tells the head and moves nothing', () => {
  const bytes = write((writer) => {
    writer.call(writer.intern('fs.open'), 0, 5);
    writer.entry(writer.intern('fs.oncomplete'), 12, 40, 8, 9, [null, 5]);
    writer.drain();
    writer.mark('exit');
  });
  const reader = new TraceReader(bytes, 'x');
  assert.deepEqual(reader.peek(), reader.peek());
  assert.equal(reader.peek()!.name, 'fs.open');
  reader.next();
  assert.equal(reader.peek()!.handle, 12);
  assert.equal(reader.peek()!.index, 1);
  reader.next();
  assert.equal(reader.next()!.tag, EventTag.Drain);
  assert.equal((reader.next() as { name: string }).name, 'exit');
  assert.equal(reader.peek(), undefined);
  assert.equal(reader.truncated, true);
});

test('any flipped byte is reported with its place, or changes nothing', () => {
  const bytes = write((writer) => {
    const site = writer.intern('fs.read');
    for (let i = 0; i < 400; i++) writer.call(site, i, Buffer.alloc(i, 7));
    writer.end('exit', 0, '');
  });
  const whole = JSON.stringify(read(bytes));
  for (let at = 0; at < bytes.length; at += at < 200 ? 1 : 97) {
    const copy = Uint8Array.from(bytes);
    copy[at]! ^= 0x10;
    try {
      assert.equal(JSON.stringify(read(copy)), whole, `byte ${at}`);
      assert.ok(at < 64, `byte ${at} was changed and nothing noticed`);
    } catch (error) {
      const code = (error as { code?: string }).code!;
      assert.ok(['Damaged', 'NotARecording', 'WrongFormat'].includes(code), `byte ${at}: ${String(error)}`);
    }
  }
});

test('a file cut short is damaged; a process cut short is truncated', () => {
  const bytes = write((writer) => {
    const site = writer.intern('fs.read');
    for (let i = 0; i < 100; i++) writer.call(site, i, 'a line of text');
  });
  assert.throws(() => new TraceReader(bytes.subarray(0, bytes.length - 10), 'x'), { code: 'Damaged', offset: bytes.length - 10 });
  assert.throws(() => new TraceReader(bytes.subarray(0, 20), 'x'), { code: 'NotARecording' });

  const sink = new MemorySink();
  const writer = new TraceWriter(sink);
  const site = writer.intern('fs.read');
  for (let i = 0; i < 1000; i++) writer.call(site, i, 'a line of text');
  const killed = sink.toBytes();
  const reader = new TraceReader(Buffer.concat([killed, Buffer.alloc(5000, 3)]), 'x');
  let count = 0;
  while (reader.next() !== undefined) count++;
  assert.equal(count, 1000);
  assert.ok(reader.truncated);
});

test('values nested without end are damage, not a fault of the reader', () => {
  const bytes = write((writer) => writer.call(writer.intern('t.v'), 0, new Uint8Array(200_000)));
  // no checks, and arrays of one element where the value was
  bytes.fill(0, 24, 32);
  const start = bytes.indexOf(0x90, 64);
  for (let at = start; at < start + 200_000; at += 2) bytes.set([0xa0, 1], at);
  assert.throws(() => read(bytes), { name: 'Damaged', message: /cannot be held in memory/ });
});

test('a full disk ends the recording and not the program', () => {
  const sink = new MemorySink(8192, 40000);
  let told: Error | undefined;
  const writer = new TraceWriter(sink, { onFailure: (error) => (told = error) });
  const site = writer.intern('fs.read');
  for (let i = 0; i < 1000; i++) writer.call(site, 0, Buffer.alloc(100));
  writer.call(site, 0, Buffer.alloc(100000));
  writer.close();
  assert.equal((told as NodeJS.ErrnoException).code, 'ENOSPC');
  assert.equal(writer.failure, told);
  const events = read(sink.toBytes());
  assert.ok(events.length > 100 && events.length < 1000, `${events.length} events`);
});
