/**
 * Hits of a place told to the controller as the program runs past it, in blocks.
 *
 * Used by the session for log points and for `hits`. A block goes out when it is large, when some time has passed since the last one,
 * and ahead of every other message, so that the controller hears everything in the order in which it happened. Sending waits while
 * the controller does not read: that is all the back-pressure there is. Invariant: a hit told is told once.
 */
import type { HitInfo, ReplayerEvent } from './protocol';

/** Hits in a block, at most. */
const BLOCK = 200;
/** Units of previews in a block, about. */
const BLOCK_CHARS = 30_000;
/** A hit waits no longer than this for the next. */
const PATIENCE_MS = 50;

export class Telling {
  private pending: HitInfo[] = [];
  private chars = 0;
  private last = 0;

  constructor(
    private readonly send: (event: ReplayerEvent) => void,
    private readonly now: () => number,
  ) {}

  tell(hit: HitInfo): void {
    this.pending.push(hit);
    const { values } = hit;
    for (let i = 0; i < values.length; i++) this.chars += values[i]?.preview.length ?? 0;
    if (this.pending.length >= BLOCK || this.chars >= BLOCK_CHARS || this.now() - this.last >= PATIENCE_MS) this.flush();
  }

  /** Sends what waits. Call now and then, and before any other message. */
  flush(): void {
    if (this.pending.length === 0) return;
    const hits = this.pending;
    this.pending = [];
    this.chars = 0;
    this.send({ kind: 'hits', hits });
    this.last = this.now();
  }
}
