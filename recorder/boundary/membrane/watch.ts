/**
 * What a native call changes besides its answer: bytes of the buffers it was given, own properties of its receiver and of
 * the objects it was given. Record mode only: the recording membrane takes a watch before a call and asks afterwards.
 *
 * Invariant: only what changed between `take` and `changes` is reported, as effects (forms.ts) that may be applied to an
 * object that has them already.
 */
import { types } from 'node:util';
import { Effect } from './forms';
import type { Bytes, Given } from './inward';

const { compare } = Buffer;
const { keys, getOwnPropertyDescriptor, is } = Object;
const { isArray } = Array;

/** Turns own properties of native making into their saved form. Undefined: leave it out. */
export type SaveProperty = (object: object, key: string) => unknown[] | undefined;
export type NumberOf = (object: object) => number;

interface Properties {
  readonly object: object;
  names: readonly string[];
  values: readonly unknown[];
}

/** Bytes of one buffer as they were. */
export class BytesBefore {
  private readonly before: Uint8Array;
  readonly #live: Bytes;

  constructor(live: Bytes) {
    this.#live = live;
    this.before = bytesOf(live).slice();
  }

  /** The effect of what has changed, undefined if nothing has. Changes are reported once. */
  change(numberOf: NumberOf): unknown[] | undefined {
    const now = bytesOf(this.#live);
    const { before } = this;
    if (now.length !== before.length || compare(before, now) === 0) return undefined;
    let start = 0;
    let end = now.length;
    // Whole blocks by comparison in native code, the rest byte by byte.
    while (end - start > BLOCK && compare(before.subarray(start, start + BLOCK), now.subarray(start, start + BLOCK)) === 0) start += BLOCK;
    while (end - start > BLOCK && compare(before.subarray(end - BLOCK, end), now.subarray(end - BLOCK, end)) === 0) end -= BLOCK;
    while (before[start] === now[start]) start++;
    while (before[end - 1] === now[end - 1]) end--;
    const bytes = now.slice(start, end);
    before.set(bytes, start);
    return [Effect.Bytes, numberOf(this.#live), start, bytes];
  }

  retake(): void {
    const now = bytesOf(this.#live);
    if (now.length === this.before.length) this.before.set(now);
  }
}

const BLOCK = 1024;
/** Arrays longer than this are input. */
const LONGEST = 4096;

export class Watch {
  private readonly bytes: BytesBefore[] = [];
  private readonly properties: Properties[] = [];

  /** given: undefined where there are primitives only. views: false where native code is known to leave buffers alone. */
  static of(receiver: unknown, given: Given | undefined, views: boolean): Watch | undefined {
    const self = typeof receiver === 'object' && receiver !== null && !types.isProxy(receiver) ? receiver : undefined;
    if (given === undefined && (self === undefined || keys(self).length === 0)) return self === undefined ? undefined : new BareWatch(self);
    const watch = new Watch();
    if (self !== undefined) watch.add(self);
    if (given !== undefined) {
      if (views) for (let i = 0; i < given.views.length; i++) watch.bytes.push(new BytesBefore(given.views[i]));
      for (let i = 0; i < given.objects.length; i++) if (!types.isProxy(given.objects[i])) watch.add(given.objects[i]);
    }
    return watch;
  }

  private add(object: object): void {
    if (isArray(object) && (object.length > LONGEST || keys(object).length !== object.length)) return;
    this.properties.push({ object, names: keys(object), values: valuesOf(object) });
  }

  changes(effects: unknown[], numberOf: NumberOf, save: SaveProperty): void {
    for (const bytes of this.bytes) {
      const change = bytes.change(numberOf);
      if (change !== undefined) effects.push(change);
    }
    for (const before of this.properties) {
      const change = changed(before, numberOf, save);
      if (change !== undefined) effects.push(change);
    }
  }

  retake(): void {
    for (const bytes of this.bytes) bytes.retake();
    for (const before of this.properties) {
      before.names = keys(before.object);
      before.values = valuesOf(before.object);
    }
  }
}

/** The commonest of all: a receiver without own properties. */
class BareWatch extends Watch {
  readonly #self: object;

  constructor(self: object) {
    super();
    this.#self = self;
  }

  override changes(effects: unknown[], numberOf: NumberOf, save: SaveProperty): void {
    if (keys(this.#self).length === 0) return;
    const change = changed({ object: this.#self, names: [], values: [] }, numberOf, save);
    if (change !== undefined) effects.push(change);
  }

  override retake(): void {}
}

/** Values of own enumerable properties, accessors as undefined. */
function valuesOf(object: object): unknown[] {
  if (isArray(object)) return object.slice();
  const names = keys(object);
  const values: unknown[] = [];
  for (let i = 0; i < names.length; i++) values[i] = getOwnPropertyDescriptor(object, names[i])!.value;
  return values;
}

function changed(before: Properties, numberOf: NumberOf, save: SaveProperty): unknown[] | undefined {
  const { object } = before;
  const values = valuesOf(object);
  const names = keys(object);
  const same = names.length === before.names.length;
  let sets: unknown[] | undefined;
  for (let i = 0; i < names.length; i++) {
    const at = same && before.names[i] === names[i] ? i : before.names.indexOf(names[i]);
    if (at >= 0 && is(before.values[at], values[i])) continue;
    const saved = save(object, names[i]);
    if (saved !== undefined) (sets ??= []).push(saved);
  }
  let gone: string[] | undefined;
  if (!same || sets !== undefined) for (const name of before.names) if (!names.includes(name)) (gone ??= []).push(name);
  before.names = names;
  before.values = values;
  return sets === undefined && gone === undefined ? undefined : [Effect.Properties, numberOf(object), sets ?? [], gone ?? []];
}

export function bytesOf(live: Bytes): Uint8Array {
  return ArrayBuffer.isView(live) ? new Uint8Array(live.buffer, live.byteOffset, live.byteLength) : new Uint8Array(live);
}
