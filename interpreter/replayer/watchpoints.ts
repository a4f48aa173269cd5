/**
 * Places that a session keeps hold of, and whether their values have changed since it last looked.
 *
 * Owned by the session, which looks at each statement while a goal of kind `watch` is wanted. A place stays held as long as the
 * process lives, and in its copies: also when its function is over. Invariant: looking runs none of the program's code.
 */
import type { InspectionKit } from './preview';
import type { Paused } from './protocol';
import { locate, shown, type Located, type WatchingVm } from './watch';

interface Held extends Located {
  readonly id: number;
  last: unknown;
}

export class Watchpoints<F> {
  private held: Held[] = [];

  constructor(
    private readonly vm: WatchingVm<F>,
    private readonly kit: InspectionKit,
  ) {}

  get ids(): number[] {
    return this.held.map(({ id }) => id);
  }

  /** Throws NoPlace. */
  hold(id: number, frame: F, expression: string, impure: boolean): void {
    const place = locate(this.vm, this.kit, frame, expression, impure);
    this.release(id);
    this.held.push({ ...place, id, last: this.valueOf(place) });
  }

  release(id: number): void {
    this.held = this.held.filter((one) => one.id !== id);
  }

  place(id: number): Located {
    const found = this.held.find((one) => one.id === id);
    if (!found) throw new RangeError(`place ${id} is not held`);
    return found;
  }

  /** What has changed since this was asked last; one of them, if several have. */
  changed(): NonNullable<Paused['watch']> | undefined {
    let change: NonNullable<Paused['watch']> | undefined;
    for (let i = 0; i < this.held.length; i++) {
      const one = this.held[i]!;
      const value = this.valueOf(one);
      if (Object.is(value, one.last)) continue;
      change ??= { id: one.id, old: shown(this.kit, one.last), new: shown(this.kit, value) };
      one.last = value;
    }
    return change;
  }

  private valueOf({ tracked, holder, name }: Located): unknown {
    return this.vm.valueIn(tracked, holder, name);
  }
}
