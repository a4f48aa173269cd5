/**
 * The codec of values: every answer and argument in a trace passes through here. The writer and the reader are built on it.
 *
 * Invariant: decode(encode(v)) is v for everything the table in value-tags.ts names, object identity within one event
 * included; anything else is refused with a typed error, never approximated. Decoding trusts no length: it fails with the
 * offset where the bytes stopped making sense.
 */
import { types } from 'node:util';
import { Damaged, Unencodable } from './errors';
import { LARGE, type Repeats } from './repeats';
import { ValueTag } from './tags';
import { VIEW_KINDS } from './value-tags';

/** How the boundary numbers native objects. */
export interface HandleCodec {
  /** The number of a native object, or 0 if it is none. */
  numberOf(value: object): number;
  /** The object with that number; may create it. */
  handleOf(handle: number): object;
}

/** Thrown inside the writer when an event does not fit in the room that is left. */
export const NO_ROOM = new RangeError('no room left in the window');

const { getPrototypeOf, keys: ownKeys, getOwnPropertyDescriptor, getOwnPropertyNames, is, defineProperty } = Object;
const { isView } = ArrayBuffer;
const isArray = Array.isArray;
const toText = Function.prototype.call.bind(Object.prototype.toString) as (value: object) => string;
const objectProto = Object.prototype;
const uint8Proto = Uint8Array.prototype;
const bufferProto = Buffer.prototype as object;
type Slice = (this: Uint8Array, start: number, end: number) => string;
type Write = (this: Uint8Array, text: string, offset: number, length: number) => number;
const natives = Buffer.prototype as unknown as { latin1Slice: Slice; ucs2Slice: Slice; latin1Write: Write; ucs2Write: Write };
const call = Function.prototype.call;
// Taken at load, so that a program that patches Buffer.prototype neither sees nor breaks the trace.
const latin1Write = call.bind(natives.latin1Write) as (b: Uint8Array, s: string, at: number, n: number) => number;
const ucs2Write = call.bind(natives.ucs2Write) as (b: Uint8Array, s: string, at: number, n: number) => number;
const latin1Slice = call.bind(natives.latin1Slice) as (b: Uint8Array, from: number, to: number) => string;
const ucs2Slice = call.bind(natives.ucs2Slice) as (b: Uint8Array, from: number, to: number) => string;
const setBytes = call.bind(Uint8Array.prototype.set) as (b: Uint8Array, source: Uint8Array, at: number) => void;

/** Strings up to this many units are copied by a loop: cheaper than a call into native code. */
const SHORT = 48;
/** Objects of one event that are looked for one by one. */
const FEW = 8;
/** Head of the largest fixed-size piece: tag and eight bytes, with slack. */
const PIECE = 16;

const errorClasses: readonly [string, ErrorConstructor][] = [
  ['TypeError', TypeError],
  ['RangeError', RangeError],
  ['SyntaxError', SyntaxError],
  ['ReferenceError', ReferenceError],
  ['EvalError', EvalError],
  ['URIError', URIError],
  ...webAssemblyErrors(),
  ['Error', Error],
];

/** There is no WebAssembly under --jitless. */
function webAssemblyErrors(): [string, ErrorConstructor][] {
  const { WebAssembly } = globalThis as unknown as { WebAssembly?: Record<string, ErrorConstructor> };
  if (WebAssembly === undefined) return [];
  return ['CompileError', 'LinkError', 'RuntimeError'].map((name) => [name, WebAssembly[name]!]);
}

type DOMExceptionClass = new (message: string, name: string) => Error;
const { structuredClone } = globalThis;
let domExceptionClass: DOMExceptionClass | undefined;

/** The global of that name is an accessor, on Node 20, that reading replaces in the program's sight. What cannot be cloned has one, too. */
function classOfDOMException(): DOMExceptionClass {
  if (domExceptionClass === undefined)
    try {
      structuredClone(Symbol.iterator);
    } catch (error) {
      domExceptionClass = (error as Error).constructor as DOMExceptionClass;
    }
  return domExceptionClass!;
}

/** Encodes into `bytes` from `at`. The owner sets both, and takes `at` back afterwards. */
export class Encoder {
  protected bytes: Uint8Array;
  protected view: DataView;
  protected at = 0;
  protected limit = 0;
  /** File offset of bytes[0]. */
  protected origin = 0;
  handles: HandleCodec | undefined;
  protected repeats: Repeats | undefined;
  /** Objects begun in this event, in order: few of them in a list, which is reused, more in a map. */
  private readonly few: (object | undefined)[] = Array.from({ length: FEW }, () => undefined);
  private begun = 0;
  private many: Map<object, number> | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.limit = bytes.length;
  }

  /** Encode into other memory from now on. */
  protected use(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.limit = bytes.length;
  }

  protected room(n: number): void {
    if (this.at + n > this.limit) throw NO_ROOM;
  }

  /** An unsigned integer up to 2^53-1, seven bits a byte, low bits first. */
  protected uint(n: number): void {
    const bytes = this.bytes;
    let at = this.at;
    if (n > 0x7fffffff) {
      // Four groups of seven bits at a time, so that the rest is integer arithmetic.
      const high = Math.floor(n / 0x10000000);
      const low = n - high * 0x10000000;
      bytes[at++] = (low & 127) | 128;
      bytes[at++] = ((low >> 7) & 127) | 128;
      bytes[at++] = ((low >> 14) & 127) | 128;
      bytes[at++] = (low >> 21) | 128;
      this.at = at;
      return this.uint(high);
    }
    while (n >= 128) {
      bytes[at++] = (n & 127) | 128;
      n >>>= 7;
    }
    bytes[at++] = n;
    this.at = at;
  }

  protected u32(n: number): void {
    this.view.setUint32(this.at, n, true);
    this.at += 4;
  }

  protected f64(n: number): void {
    this.view.setFloat64(this.at, n, true);
    this.at += 8;
  }

  /** A string with its tag: 0x88 or 0x89, length in units, units. */
  protected text(s: string): void {
    const n = s.length;
    this.room(PIECE + n);
    const bytes = this.bytes;
    const start = this.at;
    bytes[this.at++] = ValueTag.Latin1;
    this.uint(n);
    let at = this.at;
    if (n <= SHORT) {
      let i = 0;
      for (; i < n; i++) {
        const c = s.charCodeAt(i);
        if (c > 255) break;
        bytes[at++] = c;
      }
      if (i === n) {
        this.at = at;
        return;
      }
    } else {
      let i = 0;
      while (i < n && s.charCodeAt(i) < 256) i++;
      if (i === n) {
        latin1Write(bytes, s, at, n);
        this.at = at + n;
        if (n >= LARGE) this.once(start, n, at);
        return;
      }
    }
    this.room(PIECE + 2 * n);
    bytes[start] = ValueTag.Utf16;
    at = this.at;
    ucs2Write(bytes, s, at, 2 * n);
    this.at = at + 2 * n;
    if (n >= LARGE) this.once(start, n, at);
  }

  /** The piece that begins at `start` with its tag and ends here with `n` units from `from` on becomes a reference if it stands in the trace already. */
  private once(start: number, n: number, from: number): void {
    const place = this.repeats === undefined ? -1 : this.repeats.find(this.bytes, from, this.at, this.origin + from);
    if (place < 0) return;
    const tag = this.bytes[start]!;
    this.at = start;
    this.bytes[this.at++] = ValueTag.Repeat;
    this.bytes[this.at++] = tag;
    this.uint(n);
    this.uint(place);
  }

  protected block(source: Uint8Array): void {
    const n = source.length;
    this.room(PIECE + n);
    this.uint(n);
    setBytes(this.bytes, source, this.at);
    this.at += n;
  }

  /** One event's values: call begin() first, so that back references start afresh. What the last event held is let go of. */
  protected begin(): void {
    if (this.begun === 0) return;
    for (let i = 0; i < this.begun && i < FEW; i++) this.few[i] = undefined;
    this.begun = 0;
    this.many = undefined;
  }

  /** The number of an object of this event, or -1 if it is met for the first time: then it has one from now on. */
  private met(v: object): number {
    const { few, begun } = this;
    if (this.many !== undefined) {
      const index = this.many.get(v);
      if (index !== undefined) return index;
      this.many.set(v, begun);
    } else {
      for (let i = 0; i < begun; i++) if (few[i] === v) return i;
      if (begun < FEW) few[begun] = v;
      else {
        this.many = new Map();
        for (let i = 0; i < FEW; i++) this.many.set(few[i]!, i);
        this.many.set(v, begun);
      }
    }
    this.begun = begun + 1;
    return -1;
  }

  protected value(v: unknown): void {
    this.room(PIECE);
    switch (typeof v) {
      case 'number':
        return this.number(v);
      case 'undefined':
        this.bytes[this.at++] = ValueTag.Undefined;
        return;
      case 'boolean':
        this.bytes[this.at++] = v ? ValueTag.True : ValueTag.False;
        return;
      case 'string':
        return this.text(v);
      case 'bigint':
        this.bytes[this.at++] = ValueTag.BigInt;
        return this.text(v.toString(16));
      case 'symbol': {
        const key = Symbol.keyFor(v);
        if (key === undefined) throw new Unencodable(`a symbol cannot cross the boundary: ${String(v)}`);
        this.bytes[this.at++] = ValueTag.Symbol;
        return this.text(key);
      }
      default:
        return this.object(v as object | null);
    }
  }

  protected number(n: number): void {
    const bytes = this.bytes;
    if ((n | 0) === n && n > 0) {
      if (n < 128) bytes[this.at++] = n;
      else {
        bytes[this.at++] = ValueTag.Integer;
        this.uint(n);
      }
      return;
    }
    if (Number.isSafeInteger(n) && !is(n, -0)) {
      if (n >= 0) {
        if (n > 127) bytes[this.at++] = ValueTag.Integer;
        return this.uint(n);
      }
      bytes[this.at++] = ValueTag.Negative;
      return this.uint(-n);
    }
    bytes[this.at++] = ValueTag.Double;
    this.f64(n);
  }

  private object(v: object | null): void {
    const bytes = this.bytes;
    if (v === null) {
      bytes[this.at++] = ValueTag.Null;
      return;
    }
    const index = this.met(v);
    if (index >= 0) {
      bytes[this.at++] = ValueTag.Back;
      return this.uint(index);
    }
    this.container(v, getPrototypeOf(v) as object | null);
  }

  private flat(v: Uint8Array, proto: object): void {
    this.flatAs(proto === uint8Proto ? ValueTag.Uint8Array : ValueTag.Buffer, v);
  }

  private flatAs(tag: ValueTag, v: Uint8Array): void {
    const start = this.at;
    this.bytes[this.at++] = tag;
    this.block(v);
    if (v.length >= LARGE) this.once(start, v.length, this.at - v.length);
  }

  private container(v: object, proto: object | null): void {
    const bytes = this.bytes;
    if (proto === uint8Proto || proto === bufferProto) return this.flat(v as Uint8Array, proto);
    if (isView(v)) return this.otherView(v, proto);
    if (isArray(v)) return this.array(v);
    if (proto === objectProto || proto === null) return this.plain(v as Record<string, unknown>, proto);
    const handle = this.handles === undefined ? 0 : this.handles.numberOf(v);
    if (handle !== 0) {
      bytes[this.at++] = ValueTag.Handle;
      return this.uint(handle);
    }
    // Before errors: newer engines count it among them, though its name and message are no properties of its own.
    if (toText(v) === '[object DOMException]') return this.domException(v as Error);
    if (types.isNativeError(v)) return this.error(v);
    if (types.isDate(v)) {
      bytes[this.at++] = ValueTag.Date;
      return this.f64(v.getTime());
    }
    if (types.isArrayBuffer(v)) return this.flatAs(ValueTag.ArrayBuffer, new Uint8Array(v));
    if (types.isMap(v)) {
      bytes[this.at++] = ValueTag.Map;
      this.uint(v.size);
      v.forEach((value, key) => {
        this.value(key);
        this.value(value);
      });
      return;
    }
    if (types.isSet(v)) {
      bytes[this.at++] = ValueTag.Set;
      this.uint(v.size);
      v.forEach((value) => this.value(value));
      return;
    }
    // A plain object of another context: its prototype is that context's Object.prototype.
    if (typeof v === 'object' && getPrototypeOf(proto) === null && proto.constructor?.name === 'Object')
      return this.plain(v as Record<string, unknown>, proto);
    throw new Unencodable(`a ${typeof v} of class ${proto?.constructor?.name ?? 'unknown'} cannot cross the boundary`);
  }

  private otherView(v: ArrayBufferView, proto: object | null): void {
    const bytes = new Uint8Array(v.buffer, v.byteOffset, v.byteLength);
    const tag = (v as unknown as { [Symbol.toStringTag]: string })[Symbol.toStringTag];
    if (tag === 'Uint8Array') return this.flat(bytes, proto instanceof Buffer ? bufferProto : uint8Proto);
    const kind = VIEW_KINDS.indexOf(tag as (typeof VIEW_KINDS)[number]);
    if (kind < 0) throw new Unencodable(`a view of class ${tag} cannot cross the boundary`);
    this.bytes[this.at++] = ValueTag.View;
    this.bytes[this.at++] = kind;
    this.block(bytes);
  }

  private array(v: readonly unknown[]): void {
    this.bytes[this.at++] = ValueTag.Array;
    this.uint(v.length);
    for (let i = 0; i < v.length; i++) {
      if (v[i] === undefined && !(i in v)) {
        this.room(PIECE);
        this.bytes[this.at++] = ValueTag.Hole;
      } else this.value(v[i]);
    }
  }

  private plain(v: Record<string, unknown>, proto: object | null): void {
    const keys = ownKeys(v);
    this.bytes[this.at++] = proto === null ? ValueTag.NullObject : ValueTag.Object;
    this.uint(keys.length);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      this.text(key);
      this.value(v[key]);
    }
  }

  private error(v: Error): void {
    let className = 'Error';
    for (let i = 0; i < errorClasses.length; i++) {
      if (v instanceof errorClasses[i]![1]) {
        className = errorClasses[i]![0];
        break;
      }
    }
    this.bytes[this.at++] = ValueTag.Error;
    this.text(className);
    this.ownProperties(v);
  }

  private domException(v: Error): void {
    this.bytes[this.at++] = ValueTag.DOMException;
    this.text(v.name);
    this.text(v.message);
    this.ownProperties(v);
  }

  /** All own properties of an error but the stack. */
  private ownProperties(v: Error): void {
    const names = getOwnPropertyNames(v);
    let count = 0;
    for (let i = 0; i < names.length; i++) if (names[i] !== 'stack') count++;
    this.room(PIECE);
    this.uint(count);
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      if (name === 'stack') continue;
      const property = getOwnPropertyDescriptor(v, name)!;
      this.room(PIECE);
      this.bytes[this.at++] = property.enumerable ? 1 : 0;
      this.text(name);
      this.value((v as unknown as Record<string, unknown>)[name]);
    }
  }
}

/** Makes the error of a recorded class; the boundary may replace it to choose the stack. */
export type MakeError = (className: string, message: string) => Error;

const makeError: MakeError = (className, message) => {
  const found = errorClasses.find(([name]) => name === className);
  return new (found === undefined ? Error : found[1])(message);
};

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
        const map = this.keep(new Map<unknown, unknown>());
        for (let i = 0; i < n; i++) {
          const key = this.value();
          map.set(key, this.value());
        }
        return map;
      }
      case ValueTag.Set: {
        const n = this.count();
        const set = this.keep(new Set<unknown>());
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
