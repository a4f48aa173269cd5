/**
 * Where promises were rejected that nobody handles. Node finds out at the end of a turn's work; what is of interest is the statement, or
 * the throw, that rejected the promise.
 *
 * Owned by the session; listens only while a run looks for one. Invariant: a promise that was rejected before the run began is not
 * known, and is left to a run that begins earlier.
 */
import { errorHead, type InspectionKit } from './preview';
import type { Moment, Rejected } from './protocol';

export interface RejectionHost {
  /** Answers how to stop listening. */
  listenForRejections(listener: Pick<Rejections, 'settled' | 'unhandled'>): () => void;
}

/** What was thrown last, at which statement. */
export interface Thrown {
  value: unknown;
  index: number;
  steps: number;
}

export class Rejections {
  /** What was thrown last, whatever it was. */
  latest: Thrown | undefined;
  private settledAt = new WeakMap<object, { steps: number; thrown: Thrown | undefined }>();
  private stop: (() => void) | undefined;

  constructor(
    private readonly vm: { readonly steps: number; momentOf(steps: number): Moment },
    private readonly kit: InspectionKit,
    private readonly host: RejectionHost,
    private readonly found: (rejected: Rejected) => void,
  ) {}

  listen(): void {
    this.stop ??= this.host.listenForRejections(this);
  }

  ignore(): void {
    this.stop?.();
    this.stop = undefined;
    this.settledAt = new WeakMap();
  }

  settled(promise: object): void {
    this.settledAt.set(promise, { steps: this.vm.steps, thrown: this.latest });
  }

  unhandled(promise: object, reason: unknown): void {
    const at = this.settledAt.get(promise);
    if (!at || at.steps === 0) return;
    const { steps, thrown } = at;
    const isThrown = thrown?.steps === steps && Object.is(thrown.value, reason);
    const error = { ...errorHead(this.kit, reason), stack: '' };
    this.found({ ...this.vm.momentOf(steps), ...(isThrown ? { throws: thrown.index } : {}), error });
  }
}
