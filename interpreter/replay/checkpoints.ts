/**
 * Which checkpoints are worth their memory, and where a run lays new ones. Used by Timeline.
 *
 * A checkpoint is known here by `total`, the statements executed before it. Invariant: pure functions; the checkpoints that stay have
 * gaps that grow with their distance from the present, so that there are O(log n) of them.
 */
import type { Moment, Standing } from '../replayer/protocol';

export interface Worth {
  total: number;
  /** The user has stood there: given up later than others. */
  explicit: boolean;
}

/** A moment; `throws` set: within its statement, at that throw (counted from the program's start). */
export interface Place extends Moment {
  throws?: number;
}

/** How wide a gap may be, as a part of its distance from the present. */
const GAP = 0.5;
/** How much wider a gap must be before an explicit checkpoint is given up for it. */
const EXPLICIT = 8;

/**
 * Indexes of the checkpoints to give up, of a list in ascending order. finest: the gap, in statements, that is always allowed; most: how
 * many may stay.
 */
export function superfluous(kept: readonly Worth[], present: number, finest: number, most: number): number[] {
  const left = kept.map((worth, index) => ({ ...worth, index }));
  const gone: number[] = [];
  for (;;) {
    let least = Infinity;
    let at = -1;
    for (let i = 0; i < left.length; i++) {
      const before = left[i - 1]?.total ?? 0;
      // the last one before the present has the present as its neighbour
      const next = left[i + 1]?.total ?? Infinity;
      const after = before <= present && next > present && left[i]!.total <= present ? present : next;
      const distance = after <= present ? present - after : Math.max(0, before - present);
      const weight = ((after - before) / Math.max(finest, distance * GAP)) * (left[i]!.explicit ? EXPLICIT : 1);
      if (weight < least) {
        least = weight;
        at = i;
      }
    }
    if (at < 0 || (least > 1 && left.length <= most)) return gone.sort((a, b) => a - b);
    gone.push(left[at]!.index);
    left.splice(at, 1);
  }
}

/** Where a run from one number of statements to another lays checkpoints: ever closer to its end, down to `finest`. Ascending. */
export function approach(from: number, to: number, finest: number): number[] {
  const at: number[] = [];
  for (let distance = finest; distance < (to - from) * 0.75; distance *= 2) at.unshift(Math.round(to - distance));
  return at;
}

/** A replayer that stands here can run on to the place, or stands there. */
export function canReach(standing: Standing, place: Place): boolean {
  if (place.throws !== undefined) return standing.throws < place.throws || isAt(standing, place);
  if (standing.turn !== place.turn) return standing.turn < place.turn;
  return standing.step < place.step || (standing.step === place.step && !standing.within);
}

export function isAt(standing: Standing, place: Place): boolean {
  if (place.throws !== undefined) return standing.within && standing.throws === place.throws;
  return standing.turn === place.turn && standing.step === place.step && !standing.within;
}

/** Ascending in the order of the program. */
export function inOrder(a: Standing, b: Standing): number {
  return a.total - b.total || a.throws - b.throws || Number(a.within) - Number(b.within);
}
