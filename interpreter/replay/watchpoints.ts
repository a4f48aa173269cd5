/**
 * Who wrote a place, and watchpoints: statements that change one, before or after where the program stands. Used by Replay.
 *
 * A place is named by an expression in a frame at some moment (`Watch.place`). Objects have no name that means the same in another
 * replayer, so whoever looks for writes goes to that moment first: writes before it are noted on the way, for every object, and looked up
 * there; from then on the place itself is held and looked at. Invariant: the program stays where it stands.
 */
import type { Moment, Preview, Reply, Request, WriteInfo } from '../replayer/protocol';
import type { Tracked } from '../vm';
import { BadLocation, NotReached } from './errors';
import { goalOf, type Errand, type Place, type Timeline } from './timeline';

/** A place that is watched. */
export interface Watch {
  readonly id: number;
  readonly expression: string;
  readonly frame: number;
  /** Where it was named. */
  readonly place: Place;
  readonly tracked: Tracked;
}

export interface PlaceChange {
  readonly watch: Watch;
  /** Forwards: the statement after the one that changes it; backwards: that one. */
  readonly moment: Moment;
  readonly old: Preview | null;
  readonly new: Preview | null;
}

export class WatchList {
  private watches: Watch[] = [];
  private nextId = 1;

  constructor(private readonly timeline: Timeline) {}

  get all(): readonly Watch[] {
    return this.watches;
  }

  /** Throws BadLocation, NotReached. */
  async add(expression: string, frame: number): Promise<Watch> {
    const { tracked, place } = await this.named(expression, frame);
    const watch: Watch = { id: this.nextId++, expression, frame, place, tracked };
    this.watches.push(watch);
    // Where evaluating it needs the program's code, only replayers that are thrown away can hold it.
    await this.timeline.inspect({ do: 'hold', id: watch.id, frame, expression });
    return watch;
  }

  async remove(id: number): Promise<void> {
    this.watches = this.watches.filter((watch) => watch.id !== id);
    if (this.timeline.current?.kind === 'paused') await this.timeline.inspect({ do: 'release', id });
  }

  find(id: number): Watch | undefined {
    return this.watches.find((watch) => watch.id === id);
  }

  /** Whether the replayer at hand knows when one of them changes. */
  async held(): Promise<boolean> {
    const reply = await this.timeline.inspect({ do: 'held' });
    return reply.kind === 'held' && this.watches.every(({ id }) => reply.ids.includes(id));
  }

  /** The last write to the place that the expression names here; undefined if there was none. Throws BadLocation, NotReached. */
  async lastWrite(expression: string, frame: number): Promise<WriteInfo | undefined> {
    const { tracked, place } = await this.named(expression, frame);
    return this.timeline.again(place, async (errand, whole) => {
      await errand.ask({ do: 'track', place: tracked });
      await errand.run([goalOf(place)]);
      const reply = expected(await errand.ask({ do: 'wrote', frame, expression }));
      if (reply.kind !== 'wrote' || !reply.last || (!whole && reply.last.sighted)) return undefined;
      return reply.stale && reply.value ? { ...reply.last, now: reply.value } : reply.last;
    });
  }

  /** The first change after the present. */
  async next(): Promise<PlaceChange | undefined> {
    let first: PlaceChange | undefined;
    for (const watch of this.watches) {
      const change = await this.after(watch, first?.moment);
      if (change && (!first || inOrder(change.moment, first.moment) < 0)) first = change;
    }
    return first;
  }

  /** The last change before the present. */
  async previous(): Promise<PlaceChange | undefined> {
    let last: PlaceChange | undefined;
    for (const watch of this.watches) {
      const change = await this.before(watch);
      if (change && (!last || inOrder(change.moment, last.moment) > 0)) last = change;
    }
    return last;
  }

  /** bound: later ones are not wanted. */
  private async after(watch: Watch, bound: Moment | undefined): Promise<PlaceChange | undefined> {
    const { expression, frame, id, place, tracked } = watch;
    const here = this.timeline.placeNow ?? { turn: 0, step: 0 };
    const isAhead = inOrder(here, place) < 0;
    const found = await this.timeline.again(isAhead ? here : place, async (errand): Promise<{ change?: PlaceChange }> => {
      if (isAhead) await errand.ask({ do: 'track', place: tracked, at: here });
      await errand.run([goalOf(place)]);
      if (isAhead) {
        const reply = expected(await errand.ask({ do: 'wrote', frame, expression }));
        const write = reply.kind === 'wrote' ? reply.after : null;
        if (write?.next) return { change: { watch, moment: write.next, old: write.old, new: write.value } };
      }
      await errand.ask({ do: 'hold', id, frame, expression, impure: true });
      if (inOrder(place, here) < 0) await errand.run([goalOf(here)]);
      const at = await errand.run([{ kind: 'watch' }, ...(bound ? [goalOf(bound)] : [])]);
      return at?.watch ? { change: { watch, moment: { turn: at.turn, step: at.step }, old: at.watch.old, new: at.watch.new } } : {};
    });
    return found?.change;
  }

  private async before(watch: Watch): Promise<PlaceChange | undefined> {
    const { expression, frame, id, place, tracked } = watch;
    const here = this.timeline.placeNow;
    if (!here) return undefined;
    const isBehind = inOrder(place, here) < 0;
    // What the statement that throws, or the last one of all, has changed lies before here.
    const within = here.throws !== undefined || this.timeline.current?.kind === 'ended';
    const at = { turn: here.turn, step: here.step + (within ? 1 : 0) };
    const found = await this.timeline.again(
      isBehind ? place : here,
      async (errand, whole): Promise<{ change?: PlaceChange } | undefined> => {
        await errand.ask({ do: 'track', place: tracked, at });
        await errand.run([goalOf(place)]);
        let reply: Reply;
        if (isBehind) {
          await errand.ask({ do: 'hold', id, frame, expression, impure: true });
          await errand.run([goalOf(here)]);
          reply = await errand.ask({ do: 'wroteHeld', id });
        } else {
          reply = await errand.ask({ do: 'wrote', frame, expression });
        }
        const write = expected(reply).kind === 'wrote' && reply.kind === 'wrote' ? reply.before : null;
        if (!whole && (!write || write.sighted)) return undefined;
        return write?.moment ? { change: { watch, moment: write.moment, old: write.old, new: write.value } } : {};
      },
    );
    return found?.change;
  }

  private async named(expression: string, frame: number): Promise<{ tracked: Tracked; place: Place }> {
    const request: Request = { do: 'place', frame, expression };
    const reply = expected(await this.timeline.inspect(request));
    const place = this.timeline.placeNow;
    if (reply.kind !== 'place' || !place) throw new NotReached('the program is not stopped anywhere.');
    return { tracked: reply.place, place };
  }
}

/** Throws BadLocation where the expression names no place. */
function expected(reply: Reply): Reply {
  if (reply.kind === 'noPlace') throw new BadLocation(reply.message);
  return reply;
}

/** Negative if a comes before b. */
export function inOrder(a: Moment, b: Moment): number {
  return a.turn - b.turn || a.step - b.step;
}

export type { Errand };
