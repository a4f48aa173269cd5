/**
 * A trace sink in memory: for tests and tools that write a trace without a file. Behaves as the native one does, page
 * alignment of the window included.
 */
import { crc32 } from './crc32';
import { HEADER } from './events';
import type { TraceSink } from './writer';

const PAGE = 4096;

export class MemorySink implements TraceSink {
  readonly window: Uint8Array;
  readonly committed = new Float64Array(2);
  /** What has left the window, in order. */
  private readonly pieces: Uint8Array[] = [];
  private base = 0;

  /** size: bytes of the window; limit: bytes after which advance() fails as a full disk does. */
  constructor(
    size = 1 << 16,
    private readonly limit = Number.POSITIVE_INFINITY,
  ) {
    this.window = new Uint8Array(size);
  }

  advance(offset: number): number {
    const base = offset - (offset % PAGE);
    if (base + this.window.length > this.limit) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    const gone = base - this.base;
    this.pieces.push(this.window.slice(0, gone));
    this.window.copyWithin(0, gone);
    this.window.fill(0, this.window.length - gone);
    this.base = base;
    return base;
  }

  crc32(start: number, end: number, seed: number): number {
    return crc32(this.window, start, end, seed);
  }

  holds(offset: number, bytes: Uint8Array, start: number, end: number): boolean {
    const file = Buffer.concat([...this.pieces, this.window]);
    return file.compare(bytes, start, end, offset, offset + end - start) === 0;
  }

  close(): void {}

  /** The file as it would be found after close(), or after a kill at this moment. */
  toBytes(): Uint8Array {
    const all = Buffer.concat([...this.pieces, this.window]);
    const head = new DataView(all.buffer, all.byteOffset);
    head.setFloat64(HEADER.committedAt, this.committed[0]!, true);
    head.setFloat64(HEADER.checkedAt, this.committed[1]!, true);
    return all.subarray(0, this.committed[0]);
  }
}
