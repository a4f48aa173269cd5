/**
 * The checkpoints of a timeline: replayers that stand still, in the order of the program, within the memory they may take.
 *
 * Invariant: a checkpoint that has been given up, or has died, is never handed out.
 */
import type { Standing } from '../replayer/protocol';
import { memoryOf } from './branches';
import { canReach, inOrder, superfluous, type Place } from './checkpoints';
import type { ReplayerLink } from './replayer-link';

export interface Checkpoint {
  readonly link: ReplayerLink;
  readonly standing: Standing;
  /** The user has stood there. */
  readonly explicit: boolean;
}

/** Most checkpoints that are kept, whatever the memory allows, and the fewest. */
const MOST = 48;
const FEWEST = 4;
/** Milliseconds between two measurements of memory: one takes the system some milliseconds, so it is one process at a time. */
const MEASURE = 100;

export class Stock {
  private list: Checkpoint[] = [];
  private most = MOST;
  /** Bytes, as measured last; in the order of measuring. */
  private readonly sizes = new Map<Checkpoint, number>();
  private measuredAt = 0;
  private measuring = false;

  constructor(
    /** Bytes. */
    private readonly budget: number,
  ) {}

  get all(): readonly Checkpoint[] {
    return this.list;
  }

  /** The last one from which the place can be reached by running on. */
  before(place: Place): Checkpoint | undefined {
    return this.list.findLast(({ standing }) => canReach(standing, place));
  }

  /** present, finest: statements, see checkpoints.ts. */
  keep(checkpoint: Checkpoint, present: number, finest: number): void {
    const at = this.list.findIndex(({ standing }) => inOrder(standing, checkpoint.standing) > 0);
    this.list.splice(at < 0 ? this.list.length : at, 0, checkpoint);
    void checkpoint.link.exited.then(() => this.drop(checkpoint));
    this.thin(present, finest);
    this.measure(present, finest);
  }

  drop(checkpoint: Checkpoint): void {
    const at = this.list.indexOf(checkpoint);
    if (at < 0) return;
    this.list.splice(at, 1);
    this.sizes.delete(checkpoint);
    void checkpoint.link.kill();
  }

  clear(): void {
    const { list } = this;
    this.list = [];
    this.sizes.clear();
    for (const { link } of list) void link.kill();
  }

  private thin(present: number, finest: number): void {
    const worth = this.list.map(({ standing, explicit }) => ({ total: standing.total, explicit }));
    const gone = superfluous(worth, present, finest, this.most).map((index) => this.list[index]!);
    for (const checkpoint of gone) this.drop(checkpoint);
  }

  /** Allows fewer when they take too much memory, more when they take little. */
  private measure(present: number, finest: number): void {
    const now = performance.now();
    if (this.measuring || now - this.measuredAt < MEASURE) return;
    const { sizes } = this;
    const next = this.list.findLast((one) => !sizes.has(one)) ?? sizes.keys().next().value;
    if (next?.link.pid === undefined) return;
    this.measuredAt = now;
    this.measuring = true;
    void memoryOf(next.link.pid).then((size) => {
      this.measuring = false;
      sizes.delete(next);
      if (size === 0 || !this.list.includes(next)) return;
      sizes.set(next, size);
      let known = 0;
      for (const one of sizes.values()) known += one;
      this.most = Math.max(FEWEST, Math.min(MOST, Math.floor((sizes.size * this.budget) / known)));
      if (this.list.length > this.most) this.thin(present, finest);
    });
  }
}
