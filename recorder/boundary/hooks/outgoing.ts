/**
 * What the program sends: its bytes are not recorded, since the replayed program makes them again, but that they are the same is
 * checked with a number. Used by the hooks on writes of streams and files.
 *
 * Invariant: the number depends on the arguments of the write alone, so that both modes come to the same one.
 */
import type { Boundary, Site } from '../core';
import type { AnyFunction } from '../host';

/** Units looked at in one chunk: all of a short one, that many evenly spaced ones of a long one. */
const SAMPLE = 256;
const PRIME = 0x01000193;
const NOBODY_ASKS = (): string => '';

/**
 * A check of writes to `name`: call it with the chunks of each write, before the native call. said: they go to stdout or stderr of the
 * process.
 */
export function outgoingCheck(boundary: Boundary, name: string): (data: unknown, said?: boolean) => void {
  const site: Site = boundary.site(`${name}.sent`);
  // Nothing that costs an object while recording.
  if (boundary.mode === 'record')
    return (data) => {
      if (!boundary.aside) boundary.same(site, digestOf(data), NOBODY_ASKS);
    };
  return (data, said) => boundary.same(site, digestOf(data), () => `${name} of ${excerpt(data)}`, said);
}

/** 32 bits that stand for a string, a view or an array of them: in the manner of FNV-1a over the length and a sample. Encodings play no part. */
export function digestOf(data: unknown): number {
  return mix(0x811c9dc5, data) >>> 0;
}

function mix(hash: number, data: unknown): number {
  if (typeof data === 'string') return mixText(hash, data);
  if (Array.isArray(data)) {
    for (let i = 0; i < data.length; i++) hash = mix(hash, data[i]);
    return hash;
  }
  if (!ArrayBuffer.isView(data)) return hash;
  return mixBytes(hash, data instanceof Uint8Array ? data : new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

// Two units a multiplication: each waits for the one before it, and they are what this costs.

/** Where texts are laid out: a text that was put together from pieces gives its units one by one only slowly. */
const units = new Uint8Array(2 * SAMPLE);
const pairs = new Int32Array(units.buffer);
const ucs2Write = Function.prototype.call.bind((Buffer.prototype as unknown as { ucs2Write: AnyFunction }).ucs2Write) as (
  into: Uint8Array,
  text: string,
  at: number,
  bytes: number,
) => number;
/** Shorter texts are read unit by unit. */
const LAID_OUT = 24;

function mixText(hash: number, text: string): number {
  const { length } = text;
  hash = Math.imul(hash ^ length, PRIME);
  if (length > SAMPLE) {
    const stride = length / SAMPLE;
    for (let at = 0; at < length; at += stride) hash = Math.imul(hash ^ text.charCodeAt(at | 0), PRIME);
    return hash;
  }
  let at = 0;
  if (length < LAID_OUT)
    for (; at + 1 < length; at += 2) hash = Math.imul(hash ^ text.charCodeAt(at) ^ (text.charCodeAt(at + 1) << 16), PRIME) ^ (hash >>> 15);
  else {
    ucs2Write(units, text, 0, 2 * length);
    for (; at + 1 < length; at += 2) hash = Math.imul(hash ^ pairs[at >> 1]!, PRIME) ^ (hash >>> 15);
  }
  return at < length ? Math.imul(hash ^ text.charCodeAt(at), PRIME) : hash;
}

function mixBytes(hash: number, bytes: Uint8Array): number {
  // Not `length`: see scripts/harden.mjs.
  const length = bytes.byteLength;
  hash = Math.imul(hash ^ length, PRIME);
  if (length <= SAMPLE) {
    let at = 0;
    for (; at + 1 < length; at += 2) hash = Math.imul(hash ^ bytes[at]! ^ (bytes[at + 1]! << 16), PRIME) ^ (hash >>> 15);
    if (at < length) hash = Math.imul(hash ^ bytes[at]!, PRIME);
    return hash;
  }
  const stride = length / SAMPLE;
  for (let at = 0; at < length; at += stride) hash = Math.imul(hash ^ bytes[at | 0]!, PRIME);
  return hash;
}

function excerpt(data: unknown): string {
  if (typeof data === 'string') return `${data.length} characters ${JSON.stringify(data.slice(0, 60))}`;
  if (Array.isArray(data)) return `${data.length} chunks, the first ${data.length === 0 ? 'missing' : excerpt(data[0])}`;
  if (!ArrayBuffer.isView(data)) return typeof data;
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return `${bytes.length} bytes ${JSON.stringify(bytes.toString('latin1', 0, 60))}`;
}
