/**
 * What the program sends: its bytes are not recorded, since the replayed program makes them again, but that they are the same is
 * checked with a number. Used by the hooks on writes of streams and files.
 *
 * Invariant: the number depends on the arguments of the write alone, so that both modes come to the same one.
 */
import type { Boundary, Site } from '../core';

/** Units looked at in one chunk: all of a short one, that many evenly spaced ones of a long one. */
const SAMPLE = 256;
const PRIME = 0x01000193;

/** A check of writes to `name`: call it with the chunks of each write, before the native call. */
export function outgoingCheck(boundary: Boundary, name: string): (data: unknown) => void {
  const site: Site = boundary.site(`${name}.sent`);
  return (data) => boundary.same(site, digestOf(data), () => `${name} of ${excerpt(data)}`);
}

/** 32 bits that stand for a string, a view or an array of them: FNV-1a over the length and a sample. Encodings play no part. */
export function digestOf(data: unknown): number {
  return mix(0x811c9dc5, data) >>> 0;
}

function mix(hash: number, data: unknown): number {
  if (typeof data === 'string') {
    const { length } = data;
    const stride = length <= SAMPLE ? 1 : length / SAMPLE;
    hash = Math.imul(hash ^ length, PRIME);
    for (let at = 0; at < length; at += stride) hash = Math.imul(hash ^ data.charCodeAt(at | 0), PRIME);
    return hash;
  }
  if (Array.isArray(data)) {
    for (let i = 0; i < data.length; i++) hash = mix(hash, data[i]);
    return hash;
  }
  if (!ArrayBuffer.isView(data)) return hash;
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const { length } = bytes;
  const stride = length <= SAMPLE ? 1 : length / SAMPLE;
  hash = Math.imul(hash ^ length, PRIME);
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
