/**
 * Finds large texts and blocks of bytes that stand in the trace already, so that the same file read twice is stored once. The
 * writer asks for every block as it encodes it.
 *
 * Invariant: an answer is exact. A sample of the bytes says where an equal block may be, the sink compares them in full; only
 * committed events are referred to, since they never change.
 */

/** Where the bytes of the trace can be compared: a part of TraceSink. */
export interface Comparable {
  /** [0] the committed length in bytes. */
  readonly committed: Float64Array;
  /** True if the file holds bytes[start, end) at `offset`, all of it before the committed length. */
  holds(offset: number, bytes: Uint8Array, start: number, end: number): boolean;
}

/** Bytes of the smallest block that is looked for: a page. */
export const LARGE = 4096;
const SAMPLES = 64;
/** Blocks remembered; after as many the search starts afresh. */
const MOST = 1 << 16;

export class Repeats {
  private readonly places = new Map<number, number>();

  constructor(private readonly file: Comparable) {}

  /** The file offset of an equal block, or -1: then bytes[start, end), which go to file offset `offset`, are remembered. */
  find(bytes: Uint8Array, start: number, end: number, offset: number): number {
    const key = sample(bytes, start, end);
    const { places } = this;
    const place = places.get(key);
    if (place !== undefined && place + end - start <= this.file.committed[0]! && this.file.holds(place, bytes, start, end)) return place;
    if (places.size >= MOST) places.clear();
    places.set(key, offset);
    return -1;
  }
}

/** FNV-1a over the length and bytes from all over the block. */
function sample(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const step = Math.floor((length - 1) / SAMPLES);
  let hash = 0x811c9dc5 ^ length;
  for (let at = start; at < end; at += step) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash;
}
