/**
 * The writing half of the value codec: every answer and argument passes through here on its way into a trace. The writer extends it.
 *
 * Invariant: anything outside the table in value-tags.ts is refused with Unencodable, never approximated.
 */
import { types } from 'node:util';
import { Unencodable } from './errors';
import { LARGE, type Repeats } from './repeats';
import { ValueTag } from './tags';
import { VIEW_KINDS } from './value-tags';
import { errorClasses, type HandleCodec } from './values';

/** Thrown inside the writer when an event does not fit in the room that is left. */
export const NO_ROOM = new RangeError('no room left in the window');

const { getPrototypeOf, keys: ownKeys, getOwnPropertyDescriptor, getOwnPropertyNames, is } = Object;
const { isView } = ArrayBuffer;
const isArray = Array.isArray;
const toText = Function.prototype.call.bind(Object.prototype.toString) as (value: object) => string;
const objectProto = Object.prototype;
const uint8Proto = Uint8Array.prototype;
const bufferProto = Buffer.prototype as object;
type Write = (this: Uint8Array, text: string, offset: number, length: number) => number;
const natives = Buffer.prototype as unknown as { latin1Write: Write; ucs2Write: Write };
const call = Function.prototype.call;
// Taken at load, so that a program that patches Buffer.prototype neither sees nor breaks the trace.
const latin1Write = call.bind(natives.latin1Write) as (b: Uint8Array, s: string, at: number, n: number) => number;
const ucs2Write = call.bind(natives.ucs2Write) as (b: Uint8Array, s: string, at: number, n: number) => number;
const setBytes = call.bind(Uint8Array.prototype.set) as (b: Uint8Array, source: Uint8Array, at: number) => void;

const typedProto = getPrototypeOf(uint8Proto) as object;
const getter = <T>(name: PropertyKey): ((view: object) => T) =>
  call.bind(getOwnPropertyDescriptor(typedProto, name)!.get!) as (view: object) => T;
const lengthOf = getter<number>('length');
const bufferOf = getter<ArrayBuffer>('buffer');
const offsetOf = getter<number>('byteOffset');
const bytesOf = getter<number>('byteLength');
const classOf = getter<string | undefined>(Symbol.toStringTag);

/** Strings up to this many units are copied by a loop: cheaper than a call into native code. */
const SHORT = 48;
/** Objects of one event that are looked for one by one. */
const FEW = 8;
/** Head of the largest fixed-size piece: tag and eight bytes, with slack. */
const PIECE = 16;

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
    const n = lengthOf(source);
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
    const n = lengthOf(v);
    if (n >= LARGE) this.once(start, n, this.at - n);
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
    const tag = classOf(v) ?? 'DataView';
    const bytes =
      tag === 'DataView' ? new Uint8Array(v.buffer, v.byteOffset, v.byteLength) : new Uint8Array(bufferOf(v), offsetOf(v), bytesOf(v));
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
