/**
 * How a position of one replayed thread is reached. Replay asks for places; how a replayer gets there is private to this class.
 *
 * One replayer is the present: it stands where the program stands. Others are checkpoints: copies of it that stand still at earlier or
 * later places, and of which a copy is made when a place behind them is asked for. Without copies every way back begins at the
 * program's start. Invariant: when a method returns Paused, a replayer stands blocked exactly there and has not been touched by
 * an evaluation with side effects, or will be made again before anything is asked of it; a movement that fails leaves the program
 * where it stood; hit counts of breakpoints always count from the program's start.
 */
import { freemem } from 'node:os';
import type {
  BreakpointSpec,
  ErrorInfo,
  Goal,
  HitInfo,
  Lay,
  Match,
  Moment,
  Orders,
  Paused,
  ReplayerEvent,
  Reply,
  Request,
  Scan,
  Standing,
} from '../replayer/protocol';
import { Branches } from './branches';
import { approach, canReach, inOrder, isAt, type Place } from './checkpoints';
import { Divergence, Interrupted, NotReached, ReplayerFailed } from './errors';
import { failed, type Exit, type ReplayerLink } from './replayer-link';
import type { ReplayerCommand } from './replayer-process';
import { Stock, type Checkpoint } from './stock';

export type { Place } from './checkpoints';

export interface Ended {
  kind: 'ended';
  exit: Exit;
  last: Moment;
  /** The last statement that was executed; null if none was. */
  lastStatement: Moment | null;
  truncated: boolean;
  /** Of the breakpoints set. */
  hits: { id: number; hit: number }[];
  fatal: Fatal | undefined;
  /** What the last statement has changed of a place that was looked at (goal `watch`). */
  watch?: Paused['watch'];
}

export interface Fatal extends Moment {
  error: ErrorInfo;
  /** Index of the throw the error came from, 0: no code of the program threw it. */
  throws: number;
}

export interface Output {
  fd: 1 | 2;
  bytes: Buffer;
  moment: Moment;
}

/**
 * How many checkpoints there are. `auto`: as many as are useful within the memory allowed. `dense` and `sparse`, for tests: one about
 * every millisecond of execution, and none but where the program has stood. `off`: replayers are never copied.
 */
export type CheckpointMode = 'auto' | 'dense' | 'sparse' | 'off';

export interface TimelineOptions {
  command: () => ReplayerCommand;
  orders: Orders;
  /** Output the program has not produced before on this timeline. */
  onOutput?: (output: Output) => void;
  /** Hits of breakpoints with `log`, each time a replayer of this timeline runs past them. */
  onHits?: (hits: readonly HitInfo[]) => void;
  /** The turn that is being replayed, now and then. */
  onTurn?: (turn: number) => void;
  /** How far a movement has come, now and then; step 0 as a turn begins. */
  onProgress?: (progress: Moment) => void;
  checkpoints?: CheckpointMode;
  /** Bytes that checkpoints may take; default a quarter of what is free when the timeline begins. */
  memory?: number;
}

/** What a search backwards looks for; a breakpoint that is set: any, or the one of that id. */
export type Sought = 'breakpoint' | 'throw' | 'rejection' | 'output' | { breakpoint: number };

/** Position in time, of a pause or of the end. */
type Here = Paused | Ended | undefined;

interface Preparation {
  link: ReplayerLink | undefined;
  done: Promise<void>;
}

const EVALUATION_LIMIT_MS = 20_000;
/** Milliseconds of execution between the closest checkpoints, and between those of a run of which nobody knows where it ends. */
const FINEST_MS = 3;
const EVERY_MS = 100;
/** The same for `dense`: statements, and as often as a run looks up. */
const DENSE = 20;
/** A run that is shorter, in milliseconds of execution, is not worth checkpoints on its way. */
const SHORT_MS = 50;
/** How long the user must have been idle before the way back is made shorter. */
const IDLE_MS = 10;
/** How often a movement is tried again when a replayer is lost. */
const TRIES = 4;

export class Timeline {
  private readonly branches: Branches;
  private readonly stock: Stock;
  private readonly mode: CheckpointMode;
  /** The replayer that stands, or stood, where the program does. */
  private present: ReplayerLink | undefined;
  private here: Here;
  /** The present replayer does not stand at `here` undisturbed. */
  private dirty = false;
  private breakpoints: BreakpointSpec[] = [];
  private nextBreakpoint = 1;
  /** Most output events that any replayer of this timeline has produced. */
  private outputsSeen = 0;
  private fatal: Fatal | undefined;
  /** Statements executed in a millisecond, as measured. */
  private rate = 3000;
  /** Statements executed before the place that the user looks at, or runs to. */
  private focus = 0;
  private idle: NodeJS.Timeout | undefined;
  /** The replayer that lays checkpoints while nobody waits. */
  private preparing: Preparation | undefined;
  private moving: ReplayerLink | undefined;
  private interrupted = false;
  private closed = false;

  constructor(private readonly options: TimelineOptions) {
    const asked = options.checkpoints ?? 'auto';
    this.branches = new Branches({
      command: options.command,
      orders: options.orders,
      copies: asked !== 'off',
      onEvent: (event, from) => this.note(event, from),
      onLaid: (link, standing) => {
        if (this.moving) this.focus = Math.max(this.focus, standing.total);
        this.stock.keep({ link, standing, explicit: false }, this.focus, this.finest);
      },
    });
    this.mode = this.branches.copies ? asked : 'off';
    this.stock = new Stock(options.memory ?? freemem() / 4);
  }

  get current(): Here {
    return this.here;
  }

  /** Where the program died of an error, if a run has seen it. */
  get crash(): Fatal | undefined {
    return this.fatal;
  }

  newBreakpointId(): number {
    return this.nextBreakpoint++;
  }

  /** Replaces the breakpoints. Their hits count from the program's start, whenever they are set. */
  async setBreakpoints(set: readonly BreakpointSpec[]): Promise<void> {
    this.breakpoints = [...set];
    await this.quiet();
    if (!this.present || this.dirty || this.here?.kind !== 'paused') return;
    await this.ask({ do: 'breakpoints', set: this.breakpoints });
  }

  /**
   * Runs forward from the present (from the start, if there is no present) until a goal is met, the program ends, or `interrupt` is
   * called (reason `interrupt`).
   */
  async forward(goals: Goal[], scan?: Scan): Promise<Paused | Ended> {
    const from = this.here;
    if (from?.kind === 'ended') return from;
    this.interrupted = false;
    await this.undisturbed();
    for (let tries = 1; ; tries++) {
      await this.leaveCheckpoint();
      const link = (this.present ??= await this.begin());
      this.dirty = from !== undefined;
      this.focus = from?.total ?? 0;
      const at = await this.run(link, goals, { lay: this.layEvery(), scan });
      if (at) return this.arrive(at, link);
      this.present = undefined;
      if (tries === TRIES) throw failed(link, await link.exited);
      await this.undisturbed();
    }
  }

  /**
   * Goes to a place, either way. Throws NotReached if there is no such place, Interrupted if `interrupt` is called meanwhile; then the
   * program stays where it is.
   */
  async reach(place: Place): Promise<Paused> {
    this.interrupted = false;
    return this.approach(place);
  }

  private async approach(place: Place): Promise<Paused> {
    await this.quiet();
    const { here } = this;
    for (let tries = 1; ; tries++) {
      const { present } = this;
      const standing =
        here?.kind === 'paused' && !isPassing(here) && !this.dirty && present && !present.hasExited ? standingOf(here) : undefined;
      if (standing && isAt(standing, place)) return here as Paused;
      const total = await this.totalOf(place);
      const best = this.stock.before(place);
      const goesOn = standing && canReach(standing, place) && !(best && inOrder(best.standing, standing) > 0);
      let link: ReplayerLink | undefined;
      if (goesOn) {
        await this.leaveCheckpoint();
        link = present!;
        this.dirty = true;
      } else if (best) {
        link = await this.copyOf(best);
        if (!link) continue;
      } else {
        link = await this.afresh();
      }
      const from = goesOn ? standing : best?.standing;
      this.focus = total ?? from?.total ?? 0;
      const at = await this.travel(link, from, place, total);
      if (at?.kind === 'paused' && at.reason !== 'missed' && at.reason !== 'interrupt') {
        if (present && present !== link) this.retire(present, standing);
        return this.arrive(at, link) as Paused;
      }
      if (link !== present) await link.kill();
      this.focus = here?.kind === 'paused' ? here.total : 0;
      if (at?.kind === 'paused' && at.reason === 'interrupt') throw new Interrupted();
      if (at) throw new NotReached(`the program has no position ${this.options.orders.thread}:${place.turn}:${place.step}.`);
      if (tries === TRIES || this.closed) throw failed(link, await link.exited);
    }
  }

  /** Lets the movement that is under way end early. */
  interrupt(): void {
    this.interrupted = true;
    this.moving?.interrupt();
  }

  /** After a movement that led nowhere: where the program stood before it. Costs nothing until the next question. */
  returnTo(before: Here): void {
    if (before?.kind === 'ended') return;
    this.here = before;
    this.dirty = true;
  }

  /** Goes back to before the program. */
  async rewind(): Promise<void> {
    await this.quiet();
    await this.discard();
  }

  /** The last moment before the present that is of that kind; undefined if there is none. The program stays where it is. Throws Interrupted. */
  async lastBefore(sought: Sought): Promise<Match | undefined> {
    const { here } = this;
    if (!here) return undefined;
    this.interrupted = false;
    await this.quiet();
    const scan: Scan =
      typeof sought === 'object'
        ? { kind: 'breakpoint', id: sought.breakpoint, fromTurn: 0 }
        : { kind: sought, fromTurn: 0, ...(sought === 'rejection' && here.kind === 'paused' ? { before: placeOf(here) } : {}) };
    // that nobody handles a rejection shows when its turn is over
    const towards = ({ turn, step, throws }: Place): Goal[] =>
      sought === 'rejection'
        ? [{ kind: 'moment', turn: turn + 1, step: 1 }]
        : [goalOf(throws === undefined ? { turn, step } : { turn, step, throws })];
    // what was executed last lies before the end, and before a throw
    let end: { goals: Goal[]; total: number } =
      here.kind === 'ended' ? { goals: [], total: Infinity } : { goals: towards(placeOf(here)), total: here.total };
    let limit: Standing | undefined = here.kind === 'paused' ? standingOf(here) : undefined;
    for (let lost = 0; ;) {
      // one that stands at a throw would not meet that throw again
      const start = this.stock.all.findLast(({ standing }) => !standing.within && (!limit || inOrder(standing, limit) < 0));
      const link = start ? await this.copyOf(start) : await this.afresh();
      if (!link) continue;
      const lay = end.total === Infinity ? this.layEvery() : {};
      const at = await this.run(link, end.goals, {
        lay,
        scan: { ...scan, fromHere: start !== undefined },
      });
      const match = at?.kind === 'paused' ? at.lastMatch : link.ended?.lastMatch;
      await link.kill();
      if (at?.kind === 'paused' && at.reason === 'interrupt') throw new Interrupted();
      if (!at) {
        if (++lost >= TRIES) throw failed(link, await link.exited);
        continue;
      }
      if (match) return match;
      if (!start) return undefined;
      const { turn, step, throws, total, within } = start.standing;
      end = { goals: towards(within ? { turn, step, throws } : { turn, step }), total };
      limit = start.standing;
    }
  }

  /** Asks something that does not move the program. The program must be paused. */
  async inspect(request: Exclude<Request, { do: 'run' | 'breakpoints' | 'fork' | 'interrupt' }>): Promise<Reply> {
    await this.undisturbed();
    if (this.here?.kind !== 'paused') throw new NotReached('the program is not stopped anywhere: it has ended or was not started.');
    if (request.do === 'evaluate') return this.evaluate(request);
    return this.ask(request);
  }

  /** An evaluation may change the program, end it, or never end: then the replayer is thrown away. */
  private async evaluate(request: Extract<Request, { do: 'evaluate' }>): Promise<Reply> {
    const { present } = this;
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      void present?.kill(true);
    }, EVALUATION_LIMIT_MS);
    const reply = await present!.request(request).finally(() => clearTimeout(limit));
    if (reply.kind === 'exit') {
      this.dirty = true;
      const message = late ? `the evaluation took longer than ${EVALUATION_LIMIT_MS / 1000} s.` : 'the evaluation ended the program.';
      return { kind: 'evaluated', clean: false, type: 'error', preview: message, error: { name: 'Error', message, stack: '' } };
    }
    if (reply.kind === 'evaluated' && !reply.clean) this.dirty = true;
    return reply;
  }

  /**
   * Something that is to be looked at once more: `use` gets a replayer of its own that stands somewhere before a place, and is called again with
   * one from further back as long as it answers undefined. whole: this one stands at the program's start. The program stays where it is.
   * Throws Interrupted.
   */
  async again<T>(before: Place, use: (errand: Errand, whole: boolean) => Promise<T | undefined>): Promise<T | undefined> {
    await this.quiet();
    this.interrupted = false;
    const starts = this.stock.all.filter(({ standing }) => canReach(standing, before) && !isAt(standing, before));
    for (let start = starts.pop(); ; start = starts.pop()) {
      const link = start
        ? await this.branches.copy(start.link, (event, from) => this.noteProgress(event, from))
        : await this.branches.begin();
      if (!link) continue;
      try {
        const found = await use(this.errand(link), start === undefined);
        if (found !== undefined || start === undefined) return found;
      } finally {
        await link.kill();
      }
    }
  }

  /** A copy of the replayer that stands where the program does, apart from the timeline. Undefined where replayers are not copied. */
  protected async copyOfPresent(onEvent: (event: ReplayerEvent) => void): Promise<ReplayerLink | undefined> {
    await this.undisturbed();
    return this.present && this.branches.copy(this.present, onEvent);
  }

  /** Where the program stands; after its end, its last statement. */
  get placeNow(): Place | undefined {
    return this.here?.kind === 'ended' ? (this.here.lastStatement ?? this.here.last) : this.here && placeOf(this.here);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.idle);
    await this.branches.close();
    await this.preparing?.done;
    this.stock.clear();
    this.present = undefined;
  }

  // --- replayers ---------------------------------------------------------------------------------------------------------------

  /** A replayer before the program. */
  private async begin(): Promise<ReplayerLink> {
    const link = await this.branches.begin();
    await this.tellBreakpoints(link);
    return link;
  }

  /** The same. Without copies there is one replayer only, and the present gives way. */
  private async afresh(): Promise<ReplayerLink> {
    if (this.mode === 'off' && this.present) {
      const { present } = this;
      this.present = undefined;
      this.dirty = this.here !== undefined;
      await present.kill();
    }
    return this.begin();
  }

  private async copyOf(checkpoint: Checkpoint): Promise<ReplayerLink | undefined> {
    const link = await this.branches.copy(checkpoint.link);
    if (link) await this.tellBreakpoints(link);
    else this.stock.drop(checkpoint);
    return link;
  }

  private async tellBreakpoints(link: ReplayerLink): Promise<void> {
    await link.request({ do: 'breakpoints', set: this.breakpoints });
  }

  /** Makes the present stand at `here` again, after an evaluation with side effects or a movement that led elsewhere. */
  private async undisturbed(): Promise<void> {
    await this.quiet();
    const { here, present } = this;
    if (!this.dirty && (here?.kind !== 'paused' || (present && !present.hasExited))) return;
    this.present = undefined;
    this.dirty = false;
    await present?.kill();
    if (here?.kind !== 'paused') return;
    this.dirty = true;
    await this.approach(placeOf(here));
    this.here = { ...here, breakpoints: (this.here as Paused).breakpoints };
  }

  private async discard(): Promise<void> {
    const { present } = this;
    this.here = undefined;
    this.present = undefined;
    this.dirty = false;
    await present?.kill();
  }

  /** Before the present moves on: a copy of it stays, if the way back is long enough. */
  private async leaveCheckpoint(): Promise<void> {
    const { here, present } = this;
    if (this.mode === 'off' || here?.kind !== 'paused' || isPassing(here) || !present) return;
    const standing = standingOf(here);
    const last = this.stock.before(placeOf(here));
    if (last && standing.total - last.standing.total < this.finest) return;
    const link = await this.branches.copy(present);
    if (link) this.stock.keep({ link, standing, explicit: true }, standing.total, this.finest);
  }

  /** The former present, which stands at `standing` or, if that is undefined, nowhere in particular. */
  private retire(link: ReplayerLink, standing: Standing | undefined): void {
    if (!standing || this.mode === 'off') void link.kill();
    else this.stock.keep({ link, standing, explicit: true }, this.focus, this.finest);
  }

  /** Statements between the closest checkpoints. */
  private get finest(): number {
    return this.mode === 'dense' ? DENSE : this.mode === 'auto' ? FINEST_MS * this.rate : Infinity;
  }

  private layEvery(): Lay {
    return this.mode === 'dense' ? { every: 0 } : this.mode === 'auto' ? { every: EVERY_MS } : {};
  }

  /** On the way to a place; total: statements executed before it, if that is known. */
  private layTowards(from: number, total: number | undefined): Lay {
    if (total === undefined) return this.layEvery();
    const isShort = this.mode !== 'dense' && total - from < SHORT_MS * this.rate;
    return isShort || this.finest === Infinity ? {} : { at: approach(from, total, this.finest) };
  }

  /** Statements executed before a place; undefined if no replayer at hand has been there. */
  private async totalOf({ turn, step }: Moment): Promise<number | undefined> {
    const { here, present } = this;
    if (here?.kind === 'paused' && here.turn === turn) return here.total - here.step + step;
    const last = this.stock.all.at(-1);
    const known = last && last.standing.turn >= turn ? last.link : present;
    if (!known || this.mode === 'off') return undefined;
    const reply = await known.request({ do: 'locate', turn, step });
    return reply.kind === 'located' ? (reply.total ?? undefined) : undefined;
  }

  private async travel(
    link: ReplayerLink,
    from: Standing | undefined,
    place: Place,
    total: number | undefined,
  ): Promise<Paused | Ended | undefined> {
    if (from && isAt(from, place)) {
      const reply = await link.request({ do: 'where' });
      return reply.kind === 'paused' ? { ...reply, reason: from.within ? 'throw' : 'moment' } : undefined;
    }
    const start = from?.total ?? 0;
    return this.run(link, [goalOf(place)], { lay: this.layTowards(start, total) });
  }

  /** Runs a replayer. Undefined if it was lost. Throws Divergence. */
  private async run(
    link: ReplayerLink,
    goals: Goal[],
    { lay, scan }: { lay: Lay; scan?: Scan | undefined },
  ): Promise<Paused | Ended | undefined> {
    this.moving = link;
    const reply = link.request({ do: 'run', goals, ...(scan ? { scan } : {}), ...(isEmpty(lay) ? {} : { lay }) });
    if (this.interrupted) link.interrupt();
    try {
      const at = await reply;
      if (at.kind === 'paused') {
        if (at.pace !== undefined && !scan) this.learn(at.pace);
        return at;
      }
      if (at.kind !== 'exit') throw new ReplayerFailed(`the replayer answered ${at.kind} to run`);
      const { ended } = link;
      if (!ended) return undefined;
      const { hits, lastStatement, step, truncated, turn, watch } = ended;
      return {
        kind: 'ended',
        exit: at,
        last: { turn, step },
        lastStatement,
        truncated,
        hits,
        fatal: this.fatal,
        ...(watch ? { watch } : {}),
      };
    } catch (error) {
      if (error instanceof Divergence && link === this.present) this.present = undefined;
      throw error;
    } finally {
      this.moving = undefined;
    }
  }

  /** Where little of the time goes into statements (starting, loading, Node's library), few of them are far apart: that is believed at once. */
  private learn(rate: number): void {
    this.rate = Math.max(1, rate < this.rate / 4 ? rate : this.rate * 0.5 + rate * 0.5);
  }

  private arrive(at: Paused | Ended, link: ReplayerLink): Paused | Ended {
    this.here = at;
    this.dirty = false;
    this.present = at.kind === 'paused' ? link : undefined;
    if (at.kind === 'paused') {
      this.focus = at.total;
      if (this.mode === 'auto') this.idle = setTimeout(() => this.prepare(), IDLE_MS).unref();
    }
    return at;
  }

  /** While nobody asks for anything: checkpoints shortly before the present, if the last one is far away. */
  private prepare(): void {
    const { here } = this;
    if (here?.kind !== 'paused' || this.dirty || this.closed) return;
    const place = placeOf(here);
    const start = this.stock.before(place);
    if (!start || here.total - start.standing.total < 2 * this.finest || isAt(start.standing, place)) return;
    const lay: Lay = { at: approach(start.standing.total, here.total, this.finest) };
    const preparing: Preparation = { link: undefined, done: Promise.resolve() };
    const lays = async (): Promise<void> => {
      const link = await this.branches.copy(start.link);
      if (!link) return;
      preparing.link = link;
      if (this.preparing === preparing)
        await link.request({ do: 'run', goals: [{ kind: 'moment', turn: here.turn, step: here.step }], lay });
      await link.kill();
    };
    this.preparing = preparing;
    // a divergence will be met again where somebody wants to know
    preparing.done = lays().catch(() => undefined);
  }

  /** Ends what goes on while nobody asks for anything. */
  private async quiet(): Promise<void> {
    clearTimeout(this.idle);
    const { preparing } = this;
    this.preparing = undefined;
    if (!preparing) return;
    await preparing.link?.kill(true);
    await preparing.done;
  }

  private note(event: ReplayerEvent, from: ReplayerLink): void {
    switch (event.kind) {
      case 'output':
        if (event.index <= this.outputsSeen) return;
        this.outputsSeen = event.index;
        this.options.onOutput?.({
          fd: event.fd,
          bytes: Buffer.from(event.bytes, 'latin1'),
          moment: { turn: event.turn, step: event.step },
        });
        return;
      case 'hits':
        if (from === this.moving) this.options.onHits?.(event.hits);
        return;
      case 'turn':
      case 'progress':
        this.noteProgress(event, from);
        return;
      case 'fatal':
        this.fatal = { error: event.error, throws: event.throws, turn: event.turn, step: event.step };
    }
  }

  private noteProgress(event: ReplayerEvent, from: ReplayerLink): void {
    if (from !== this.moving) return;
    if (event.kind !== 'turn' && event.kind !== 'progress') return;
    this.options.onTurn?.(event.turn);
    this.options.onProgress?.({ turn: event.turn, step: event.kind === 'turn' ? 0 : event.step });
  }

  /** A run of it can be interrupted as a movement can. */
  private errand(link: ReplayerLink): Errand {
    const { ask, run } = errandOf(link);
    return {
      ask,
      run: async (goals) => {
        this.moving = link;
        const running = run(goals);
        if (this.interrupted) link.interrupt();
        try {
          const at = await running;
          if (at?.reason === 'interrupt') throw new Interrupted();
          return at;
        } finally {
          this.moving = undefined;
        }
      },
    };
  }

  private async ask(request: Request): Promise<Reply> {
    const reply = await this.present!.request(request);
    if (reply.kind === 'exit') throw failed(this.present, reply);
    if (reply.kind === 'failed') throw new ReplayerFailed(reply.message);
    return reply;
  }
}

function placeOf(at: Paused): Place {
  return at.reason === 'throw' ? { turn: at.turn, step: at.step, throws: at.throws } : { turn: at.turn, step: at.step };
}

/** It stands in the middle of something that it cannot be brought to again. */
function isPassing({ reason }: Paused): boolean {
  return reason === 'output' || reason === 'rejection';
}

function standingOf({ turn, step, total, throws, outputs, reason }: Paused): Standing {
  return { turn, step, total, throws, outputs, within: reason === 'throw' };
}

function isEmpty({ every, at }: Lay): boolean {
  return every === undefined && (at === undefined || at.length === 0);
}

/** A replayer apart from the timeline, for one question. */
export interface Errand {
  ask(request: Request): Promise<Reply>;
  /** Undefined: the program has ended. */
  run(goals: Goal[]): Promise<Paused | undefined>;
}

function errandOf(link: ReplayerLink): Errand {
  const ask = async (request: Request): Promise<Reply | undefined> => {
    const reply = await link.request(request);
    if (reply.kind === 'failed') throw new ReplayerFailed(reply.message);
    return reply.kind === 'exit' ? undefined : reply;
  };
  return {
    async ask(request) {
      const reply = await ask(request);
      if (!reply) throw failed(link, await link.exited);
      return reply;
    },
    async run(goals) {
      const at = await ask({ do: 'run', goals });
      return at?.kind === 'paused' ? at : undefined;
    },
  };
}

export function goalOf(place: Place): Goal {
  return place.throws === undefined ? { kind: 'moment', turn: place.turn, step: place.step } : { kind: 'throw', index: place.throws };
}
