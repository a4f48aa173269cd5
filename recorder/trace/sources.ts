/**
 * The sources of a recording, each under the SHA-256 of its bytes. The boundary puts, the replayer and the public API get.
 *
 * Invariant: a source is on disk before anything in the trace mentions its hash, and what get() returns has that hash.
 * It uses node:fs: in a recorded process the caller keeps these calls out of the trace. The hash function is handed in, since
 * `require('crypto')` would show in the program's list of loaded built-ins.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Damaged } from './errors';

/** SHA-256 of the bytes, 64 lower-case hexadecimal digits. */
export type Sha256 = (bytes: Uint8Array) => string;

export class SourceStore {
  private readonly written = new Set<string>();

  /** folder: `sources` of the recording. */
  constructor(
    private readonly folder: string,
    private readonly sha256: Sha256,
  ) {}

  /** Keeps a source; returns its hash. Text is stored as UTF-8 (a lone surrogate becomes U+FFFD). */
  put(source: string | Uint8Array): string {
    const bytes = typeof source === 'string' ? Buffer.from(source, 'utf8') : source;
    const hash = this.sha256(bytes);
    if (!this.written.has(hash)) {
      this.written.add(hash);
      writeFileSync(join(this.folder, hash), bytes, { mode: 0o600 });
    }
    return hash;
  }

  /** The bytes of a source. Throws Damaged if it is missing or is not what was stored. */
  get(hash: string): Buffer {
    const file = `sources/${hash}`;
    if (!/^[0-9a-f]{64}$/.test(hash))
      throw new Damaged(`"${hash.slice(0, 80)}" is not the hash of a source. Copy the recording again.`, file, -1);
    let bytes: Buffer;
    try {
      bytes = readFileSync(join(this.folder, hash));
    } catch {
      throw new Damaged(`${file} is missing. Copy the recording again.`, file, -1);
    }
    if (this.sha256(bytes) !== hash)
      throw new Damaged(`${file} is damaged: its bytes are not what was recorded. Copy the recording again.`, file, 0);
    return bytes;
  }

  /** All hashes. */
  list(): string[] {
    return readdirSync(this.folder).filter((name) => /^[0-9a-f]{64}$/.test(name));
  }
}
