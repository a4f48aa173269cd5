/**
 * The reading half of the value codec. The reader extends it.
 *
 * Invariant: no length is trusted: what makes no sense is a Damaged error with the offset where the bytes stopped making sense.
 */
import { Damaged } from './errors';
import { ValueTag } from './tags';
import { VIEW_KINDS } from './value-tags';
import { classOfDOMException, makeError, type HandleCodec, type MakeError } from './values';

const { defineProperty } = Object;
type Slice = (this: Uint8Array, start: number, end: number) => string;
const natives = Buffer.prototype as unknown as { latin1Slice: Slice; ucs2Slice: Slice };
const call = Function.prototype.call;
// Taken at load, so that a program that patches Buffer.prototype neither sees nor breaks the trace.
const latin1Slice = call.bind(natives.latin1Slice) as (b: Uint8Array, from: number, to: number) => string;
const ucs2Slice = call.bind(natives.ucs2Slice) as (b: Uint8Array, from: number, to: number) => string;
const setBytes = call.bind(Uint8Array.prototype.set) as (b: Uint8Array, source: Uint8Array, at: number) => void;

/** Decodes from `bytes` at `at`, never past `end`. `file` names it in errors; `origin` is the file offset of bytes[0]. */
export class Decoder {
  at = 0;
  handles: HandleCodec | undefined;
  makeError: MakeError = makeError;
  private seen: object[] = [];
  private readonly view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    protected end: number,
    readonly file: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  protected damaged(what: string, at = this.at): Damaged {
    return new Damaged(
      `${this.file} is damaged at byte ${at}: ${what}. Record the program again, or copy the recording again.`,
      this.file,
      at,
    );
  }

  protected need(n: number): void {
    if (this.at + n > this.end) throw this.damaged('an event ends too early');
  }

  protected u8(): number {
    this.need(1);
    return this.bytes[this.at++]!;
  }

  protected uint(): number {
    let result = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.u8();
      result += (byte & 127) * scale;
      if (byte < 128) {
        if (!Number.isSafeInteger(result)) break;
        return result;
      }
      scale *= 128;
    }
    throw this.damaged('a number has no end');
  }

  protected u32(): number {
    this.need(4);
    const n = this.view.getUint32(this.at, true);
    this.at += 4;
    return n;
  }

  protected f64(): number {
    this.need(8);
    const n = this.view.getFloat64(this.at, true);
    this.at += 8;
    return n;
  }

  protected text(): string {
    const tag = this.u8();
    if (tag === ValueTag.Repeat) {
      const again = this.repeated();
      if (typeof again === 'string') return again;
    } else if (tag === ValueTag.Latin1 || tag === ValueTag.Utf16) return this.textAfter(tag);
    throw this.damaged('a string was expected', this.at - 1);
  }

  /** What stands further up in the trace: see repeats.ts. */
  private repeated(): string | Uint8Array | ArrayBuffer {
    const start = this.at;
    const tag = this.u8() as ValueTag;
    const n = this.uint();
    const from = this.uint();
    const size = tag === ValueTag.Utf16 ? 2 * n : n;
    if (from + size > start) throw this.damaged('a reference to bytes that did not come before', start);
    const bytes = this.bytes.subarray(from, from + size);
    if (tag === ValueTag.Latin1) return latin1Slice(this.bytes, from, from + size);
    if (tag === ValueTag.Utf16) return ucs2Slice(this.bytes, from, from + size);
    const copy = new ArrayBuffer(n);
    setBytes(new Uint8Array(copy), bytes, 0);
    if (tag === ValueTag.ArrayBuffer) return copy;
    if (tag === ValueTag.Buffer) return Buffer.from(copy);
    if (tag === ValueTag.Uint8Array) return new Uint8Array(copy);
    throw this.damaged('a reference to what is not stored once', start);
  }

  private textAfter(tag: ValueTag.Latin1 | ValueTag.Utf16): string {
    const length = this.uint();
    const n = tag === ValueTag.Latin1 ? length : 2 * length;
    this.need(n);
    const from = this.at;
    this.at += n;
    return tag === ValueTag.Latin1 ? latin1Slice(this.bytes, from, from + n) : ucs2Slice(this.bytes, from, from + n);
  }

  /** A copy in memory of its own: the program may write to it. */
  private block(): ArrayBuffer {
    const n = this.uint();
    this.need(n);
    const copy = new ArrayBuffer(n);
    setBytes(new Uint8Array(copy), this.bytes.subarray(this.at, this.at + n), 0);
    this.at += n;
    return copy;
  }

  /** How many things follow; each takes a byte at least, so that a wild count cannot make us allocate. */
  protected count(): number {
    const n = this.uint();
    if (n > this.end - this.at) throw this.damaged('a count is larger than the trace');
    return n;
  }

  protected begin(): void {
    if (this.seen.length !== 0) this.seen = [];
  }

  private keep<T extends object>(v: T): T {
    this.seen.push(v);
    return v;
  }

  protected value(): unknown {
    const tag = this.u8();
    if (tag < 128) return tag;
    switch (tag as ValueTag) {
      case ValueTag.Undefined:
        return undefined;
      case ValueTag.Null:
        return null;
      case ValueTag.False:
        return false;
      case ValueTag.True:
        return true;
      case ValueTag.Integer:
        return this.uint();
      case ValueTag.Negative:
        return -this.uint();
      case ValueTag.Double:
        return this.f64();
      case ValueTag.BigInt: {
        const text = this.text();
        if (!/^-?[0-9a-f]+$/.test(text)) throw this.damaged('a bigint is malformed');
        return text.startsWith('-') ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`);
      }
      case ValueTag.Latin1:
      case ValueTag.Utf16:
        return this.textAfter(tag);
      case ValueTag.Symbol:
        return Symbol.for(this.text());
      case ValueTag.Uint8Array:
        return this.keep(new Uint8Array(this.block()));
      case ValueTag.Buffer:
        return this.keep(Buffer.from(this.block()));
      case ValueTag.ArrayBuffer:
        return this.keep(this.block());
      case ValueTag.View:
        return this.keep(this.otherView());
      case ValueTag.Array:
        return this.array();
      case ValueTag.Object:
        return this.plain({});
      case ValueTag.NullObject:
        return this.plain(Object.create(null) as Record<string, unknown>);
      case ValueTag.Date:
        return this.keep(new Date(this.f64()));
      case ValueTag.Map: {
        const n = this.count();
        const map = this.keep(Reflect.construct(Map, []) as Map<unknown, unknown>);
        for (let i = 0; i < n; i++) {
          const key = this.value();
          map.set(key, this.value());
        }
        return map;
      }
      case ValueTag.Set: {
        const n = this.count();
        const set = this.keep(Reflect.construct(Set, []) as Set<unknown>);
        for (let i = 0; i < n; i++) set.add(this.value());
        return set;
      }
      case ValueTag.Error:
        return this.error();
      case ValueTag.DOMException: {
        const name = this.text();
        const error = this.keep(new (classOfDOMException())(this.text(), name));
        return this.ownProperties(error, this.count());
      }
      case ValueTag.Handle: {
        const at = this.at;
        const handle = this.uint();
        if (this.handles === undefined) throw this.damaged('a native handle where none can be', at);
        return this.keep(this.handles.handleOf(handle));
      }
      case ValueTag.Repeat: {
        const again = this.repeated();
        return typeof again === 'string' ? again : this.keep(again);
      }
      case ValueTag.Back: {
        const at = this.at;
        const found = this.seen[this.uint()];
        if (found === undefined) throw this.damaged('a reference to an object that did not come before', at);
        return found;
      }
      default:
        throw this.damaged(`0x${tag.toString(16)} is no kind of value`, this.at - 1);
    }
  }

  private otherView(): ArrayBufferView {
    const kind = VIEW_KINDS[this.u8()];
    if (kind === undefined) throw this.damaged('an unknown kind of typed array', this.at - 1);
    const at = this.at;
    const block = this.block();
    const make = (globalThis as unknown as Record<string, new (b: ArrayBuffer) => ArrayBufferView>)[kind]!;
    try {
      return new make(block);
    } catch {
      throw this.damaged(`a ${kind} has a length that is no multiple of its elements'`, at);
    }
  }

  private array(): unknown[] {
    const n = this.count();
    const array = this.keep<unknown[]>([]);
    for (let i = 0; i < n; i++) {
      if (this.bytes[this.at] === (ValueTag.Hole as number)) {
        this.at++;
        array.length = i + 1;
      } else array[i] = this.value();
    }
    return array;
  }

  private plain(object: Record<string, unknown>): object {
    const n = this.count();
    this.keep(object);
    for (let i = 0; i < n; i++) {
      const key = this.text();
      this.define(object, key, this.value(), true);
    }
    return object;
  }

  private define(object: object, key: string, value: unknown, enumerable: boolean): void {
    defineProperty(object, key, { value, enumerable, configurable: true, writable: true });
  }

  private error(): Error {
    const className = this.text();
    const n = this.count();
    // The message comes first wherever the engine made the error; reading it ahead lets the constructor set it.
    return this.ownProperties(this.keep(this.makeError(className, this.peekMessage(n))), n);
  }

  private ownProperties(error: Error, n: number): Error {
    for (let i = 0; i < n; i++) {
      const enumerable = this.u8() === 1;
      const key = this.text();
      this.define(error, key, this.value(), enumerable);
    }
    return error;
  }

  private peekMessage(n: number): string {
    if (n === 0) return '';
    const at = this.at;
    this.u8();
    const key = this.text();
    const tag = this.u8();
    const isText = tag === ValueTag.Latin1 || tag === ValueTag.Utf16 || tag === ValueTag.Repeat;
    this.at--;
    const message = key === 'message' && isText ? this.text() : '';
    this.at = at;
    return message;
  }
}
