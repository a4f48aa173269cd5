/**
 * Writes one thread's trace: encodes events straight into the window of a sink (in production the memory-mapped file of the
 * native facade). Called by the boundary in record mode, on every crossing.
 *
 * Invariant: the committed length is stored after the last byte of an event, so that whatever kills the process leaves whole
 * events. A failing sink (full disk) or a value without encoding ends the recording, never the recorded program: from then on
 * events are dropped and `failure` says why.
 */
import { CHECK_SIZE, EVENT_BY_TAG, FORMAT_VERSION, HEADER } from './events';
import { type Comparable, Repeats } from './repeats';
import { EventTag } from './tags';
import { Encoder, NO_ROOM } from './encoder';
import type { HandleCodec } from './values';

/** Where the bytes go. The native facade's trace file is one; MemorySink is another. */
export interface TraceSink extends Comparable {
  /** A window on the file, the same object for the sink's whole life. */
  readonly window: Uint8Array;
  /** The two words of the file's head: [0] the committed length, [1] where the last check ends, in bytes. */
  readonly committed: Float64Array;
  /**
   * Moves the window forward so that it holds file offset `offset` and as much as possible after it.
   * Returns the file offset of window[0], at most one page before `offset`. Throws (ENOSPC) and stays where it is if it cannot.
   */
  advance(offset: number): number;
  /** CRC-32 of window[start, end), continuing `seed` (0 to begin). */
  crc32(start: number, end: number, seed: number): number;
  /** Cuts the file to the committed length. The window stays writable, to no effect. */
  close(): void;
}

/** Bytes between checks. */
const CHECK_EVERY = 4096;
/** Room that is always there when an event begins: its head, or a check. */
const HEAD = 96;

export interface TraceWriterOptions {
  readonly handles?: HandleCodec;
  /** Told once, when the sink fails or a value is Unencodable. The trace up to then is whole. */
  readonly onFailure?: (error: Error) => void;
}

/** Fields of a deferred call. */
const DEFERRED = 5;

/** What must be written before the next event, in its order among events that wait for that too. */
export interface Notices {
  /** [0]: 1 while there is something to take, else 0; [1]: how many there have been. Set at any time, by native code too. */
  readonly pending: Int32Array;
  /** From here on `pending` is 0; a notice that was taken is one to write. */
  take(): void;
  /** Number of the next one to write, from 1; Infinity if there is none. */
  next(): number;
  write(): void;
  drop(): void;
}

/** An exception for want of stack: what was begun is as if it had not been, and may be done again. */
export function isOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message === 'Maximum call stack size exceeded';
}

/** Encodes the fields of any event by its row in the table. */
class EventEncoder extends Encoder {
  protected fields(tag: EventTag, fields: readonly unknown[]): void {
    const row = EVENT_BY_TAG[tag]!.fields;
    this.begin();
    for (let i = 0; i < row.length; i++) {
      const field = fields[i];
      switch (row[i]!.type) {
        case 'uint':
          this.room(HEAD);
          this.uint(field as number);
          break;
        case 'u32':
          this.room(HEAD);
          this.u32(field as number);
          break;
        case 'text':
          this.text(field as string);
          break;
        case 'value':
          this.value(field);
          break;
        case 'values':
          this.values(field as readonly unknown[]);
          break;
      }
    }
  }

  protected values(args: readonly unknown[]): void {
    this.room(HEAD);
    this.uint(args.length);
    for (let i = 0; i < args.length; i++) this.value(args[i]);
  }
}

/** Encodes one event of any size into memory that grows. */
class Scratch extends EventEncoder {
  /** origin: the file offset that the event will have. */
  constructor(handles: HandleCodec | undefined, repeats: Repeats | undefined, origin: number) {
    super(new Uint8Array(1 << 16));
    this.handles = handles;
    this.repeats = repeats;
    this.origin = origin;
  }

  encode(tag: EventTag, fields: readonly unknown[]): Uint8Array {
    for (;;) {
      this.at = 0;
      this.bytes[this.at++] = tag;
      try {
        this.fields(tag, fields);
        return this.bytes.subarray(0, this.at);
      } catch (error) {
        if (error !== NO_ROOM) throw error;
        this.use(new Uint8Array(this.limit * 4));
      }
    }
  }
}

export class TraceWriter extends EventEncoder {
  /** Why events are dropped, if they are. */
  failure: Error | undefined;
  private readonly sink: TraceSink;
  private readonly committed: Float64Array;
  private readonly onFailure: ((error: Error) => void) | undefined;
  private readonly names = new Map<string, number>();
  /** Window offset up to which `crc` has been computed, and the sum so far. */
  private summed: number = HEADER.size;
  private crc = 0;
  /** Window offset behind which a check is due. */
  private checkAt = HEADER.size + CHECK_EVERY;
  /** File offset where the last check ends. */
  private checked: number = HEADER.size;
  private events = 0;
  /** [0]: not 0 while something must be written before the next event. */
  pending: Int32Array = new Int32Array(2);
  /**
   * Calls that were answered when there was no stack left to write them, in order: site, handle, what gives the value, and the notices that
   * came of trying: their count before and after. Filled where no function can be called.
   */
  readonly deferred: unknown[] = [];
  /** Notices of what the program never saw, as counts before and after. */
  private readonly ignored: number[] = [];
  private settling = false;
  /** Window offset where the last whole event ends. */
  private whole: number = HEADER.size;
  private notices: Notices | undefined;

  constructor(sink: TraceSink, options: TraceWriterOptions = {}) {
    super(sink.window);
    this.sink = sink;
    this.committed = sink.committed;
    this.handles = options.handles;
    this.repeats = new Repeats(sink);
    this.onFailure = options.onFailure;
    this.view.setBigUint64(HEADER.magicAt, HEADER.magic, true);
    this.view.setUint32(HEADER.versionAt, FORMAT_VERSION, true);
    this.at = this.whole = HEADER.size;
    this.committed[0] = this.at;
  }

  /** From here on these are taken before each event. */
  heed(notices: Notices): void {
    this.notices = notices;
    this.pending = notices.pending;
  }

  /** Events written so far; the index of the next one. */
  get count(): number {
    return this.events;
  }

  /** File offset of the next event, in bytes. */
  get position(): number {
    return this.origin + this.at;
  }

  /** The number of a name, defined on first use. Keep it: numbers never change within a trace. */
  intern(name: string): number {
    let id = this.names.get(name);
    if (id === undefined) {
      id = this.names.size + 1;
      this.write(EventTag.Define, [id, name]);
      this.events--; // the reader does not count definitions
      this.names.set(name, id);
    }
    return id;
  }

  /** A call has returned `value`. site: an interned name; handle: a handle's number or 0. */
  call(site: number, handle: number, value: unknown): void {
    const start = this.start(EventTag.Call);
    try {
      this.uint(site);
      this.uint(handle);
      this.begin();
      this.value(value);
    } catch (error) {
      this.retry(error, start, EventTag.Call, [site, handle, value]);
      return;
    }
    this.commit();
  }

  /** A call has thrown `error`. */
  throw(site: number, handle: number, error: unknown): void {
    this.write(EventTag.Throw, [site, handle, error]);
  }

  /**
   * Native code calls back. asyncCounter: the async id counter before the callback; asyncId and triggerId: of its context. The two
   * go before the arguments, which are read by index and may be an arguments object.
   */
  entry(site: number, handle: number, asyncCounter: number, asyncId: number, triggerId: number, args: ArrayLike<unknown>): void {
    const start = this.start(EventTag.Entry);
    const { length } = args;
    try {
      this.uint(site);
      this.uint(handle);
      this.uint(asyncCounter);
      this.begin();
      this.uint(length + 2);
      this.number(asyncId);
      this.number(triggerId);
      for (let i = 0; i < length; i++) this.value(args[i]);
    } catch (error) {
      const all: unknown[] = [asyncId, triggerId];
      // By index: the program may have patched the methods of arrays.
      for (let i = 0; i < length; i++) all[i + 2] = args[i];
      this.retry(error, start, EventTag.Entry, [site, handle, asyncCounter, all]);
      return;
    }
    this.commit();
  }

  drain(): void {
    this.start(EventTag.Drain);
    this.commit();
  }

  mark(name: string): void {
    this.write(EventTag.Mark, [name]);
  }

  /** See facts.ts. */
  fact(kind: number, key: string, at: number, answer: unknown): void {
    this.write(EventTag.Fact, [kind, key, at, answer]);
  }

  /** The last event. kind: exit, uncaught, signal or lost; code 0..255; signal: its name or ''. Followed by a check. */
  end(kind: string, code: number, signal: string): void {
    this.write(EventTag.End, [kind, code, signal]);
    this.check();
  }

  /** Any event of the table, by tag, its fields in order. The named methods are faster. */
  write(tag: EventTag, fields: readonly unknown[]): void {
    const start = this.start(tag);
    try {
      this.fields(tag, fields);
    } catch (error) {
      this.retry(error, start, tag, fields);
      return;
    }
    this.commit();
  }

  /** Writes the last check and cuts the file. Idempotent; events written afterwards are dropped. */
  close(): void {
    if (this.failure === undefined) {
      this.check();
      this.failure = new Error('the trace is closed');
    }
    this.sink.close();
    this.fallBack();
  }

  private start(tag: EventTag): number {
    if (this.pending[0] !== 0 && !this.settling) this.settle();
    // What was left unfinished for want of stack is written over.
    this.at = this.whole;
    if (this.at + HEAD > this.limit) this.advance();
    const start = this.at;
    this.bytes[this.at++] = tag;
    return start;
  }

  /** Notices and events that wait. */
  private settle(): void {
    this.settling = true;
    let done = false;
    try {
      const { notices, deferred } = this;
      this.pending[0] = 0;
      notices?.take();
      for (;;) {
        const notice = notices === undefined ? Infinity : notices.next();
        if (deferred.length > 0 && (deferred[3] as number) < notice) {
          this.call(deferred[0] as number, deferred[1] as number, (deferred[2] as () => unknown)());
          this.ignored.push(deferred[3] as number, deferred[4] as number);
          deferred.splice(0, DEFERRED);
        } else if (notice !== Infinity) {
          if (!this.isIgnored(notice)) notices!.write();
          notices!.drop();
        } else break;
      }
      done = true;
    } finally {
      this.settling = false;
      if (!done && this.pending[0] === 0) this.pending[0] = 1;
    }
  }

  private isIgnored(notice: number): boolean {
    for (let i = 0; i < this.ignored.length; i += 2) if (notice > this.ignored[i]! && notice <= this.ignored[i + 1]!) return true;
    return false;
  }

  private commit(): void {
    if (this.failure !== undefined) {
      this.at = this.whole = 0;
      return;
    }
    this.events++;
    this.committed[0] = this.origin + this.at;
    this.whole = this.at;
    if (this.at < this.checkAt) return;
    const before = this.pending[1]!;
    try {
      this.check();
    } catch {
      // No stack left: the next event tries again, this one is whole.
      this.ignored[this.ignored.length] = before;
      this.ignored[this.ignored.length] = this.pending[1]!;
    }
  }

  private check(): void {
    if (this.at + HEAD > this.limit) this.advance();
    this.sum();
    const position = this.origin + this.at;
    if (this.failure !== undefined || position === this.checked) return;
    this.bytes[this.at++] = EventTag.Check;
    this.u32(position - this.checked);
    this.u32(this.crc);
    this.checked = position + CHECK_SIZE;
    this.committed[1] = this.checked;
    this.committed[0] = this.checked;
    this.whole = this.at;
    this.summed = this.at;
    this.crc = 0;
    this.checkAt = this.at + CHECK_EVERY;
  }

  private sum(): void {
    if (this.failure === undefined && this.summed < this.at) this.crc = this.sink.crc32(this.summed, this.at, this.crc);
    this.summed = this.at;
  }

  /** Moves the window to `at`. Everything before it has been summed. */
  private advance(): void {
    if (this.failure !== undefined) {
      this.at = this.whole = 0;
      return;
    }
    this.sum();
    const offset = this.origin + this.at;
    try {
      this.origin = this.sink.advance(offset);
    } catch (error) {
      if (isOverflow(error)) throw error;
      this.fail(error as Error);
      return;
    }
    const moved = offset - this.origin;
    this.checkAt += moved - this.at;
    this.at = this.whole = this.summed = moved;
  }

  /** The event begun at `start` did not fit (or a value has no encoding): encode it aside and copy it in pieces. */
  private retry(error: unknown, start: number, tag: EventTag, fields: readonly unknown[]): void {
    this.at = start;
    if (this.failure !== undefined) return;
    if (isOverflow(error)) throw error;
    if (error !== NO_ROOM) {
      this.fail(error as Error);
      return;
    }
    let encoded: Uint8Array;
    try {
      encoded = new Scratch(this.handles, this.repeats, this.origin + start).encode(tag, fields);
    } catch (fault) {
      if (isOverflow(fault)) throw fault;
      this.fail(fault as Error);
      return;
    }
    let done = 0;
    while (done < encoded.length) {
      if (this.at >= this.limit) this.advance();
      if (this.failure !== undefined) return;
      const piece = encoded.subarray(done, done + this.limit - this.at);
      this.bytes.set(piece, this.at);
      this.at += piece.length;
      done += piece.length;
    }
    this.commit();
  }

  private fail(error: Error): void {
    this.failure = error;
    this.fallBack();
    this.onFailure?.(error);
  }

  /** Encode into memory of no consequence from now on. */
  private fallBack(): void {
    this.use(new Uint8Array(CHECK_EVERY));
    this.repeats = undefined;
    this.at = this.whole = 0;
    this.names.clear();
  }
}
