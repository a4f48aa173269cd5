/**
 * How a position of one replayed thread is reached. Replay asks for places; how a replayer gets there is private to this class.
 *
 * Today: forwards by running the replayer at hand, backwards by a fresh replayer run from the start. Checkpoints take their place
 * behind the same methods. Invariant: when a method returns Paused, a replayer stands blocked exactly there and has not been touched by
 * an evaluation with side effects; hit counts of breakpoints always count from the program's start.
 */
import type {
  BreakpointSpec,
  ErrorInfo,
  Goal,
  HitInfo,
  Match,
  Moment,
  Orders,
  Paused,
  ReplayerEvent,
  Reply,
  Request,
  Scan,
} from '../replayer/protocol';
import { Divergence, NotReached, ReplayerFailed } from './errors';
import { failed, ReplayerProcess, type Exit, type ReplayerCommand } from './replayer-process';

/** A moment; `throws` set: within its statement, at that throw (counted from the program's start). */
export interface Place extends Moment {
  throws?: number;
}

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

export interface TimelineOptions {
  command: () => ReplayerCommand;
  orders: Orders;
  /** Output the program has not produced before on this timeline. */
  onOutput?: (output: Output) => void;
  /** Hits of breakpoints with `log`, each time a replayer of this timeline runs past them. */
  onHits?: (hits: readonly HitInfo[]) => void;
  /** The turn that is being replayed, now and then. */
  onTurn?: (turn: number) => void;
}

/** What a search backwards looks for; a breakpoint that is set: any, or the one of that id. */
export type Sought = 'breakpoint' | 'throw' | 'output' | { breakpoint: number };

/** Position in time, of a pause or of the end. */
type Here = Paused | Ended | undefined;

const EVALUATION_LIMIT_MS = 20_000;

export class Timeline {
  private replayer: ReplayerProcess | undefined;
  private here: Here;
  private dirty = false;
  private breakpoints: BreakpointSpec[] = [];
  private nextBreakpoint = 1;
  /** Output events of the replayer at hand, and the most any replayer of this timeline has produced. */
  private outputs = 0;
  private outputsSeen = 0;
  private ended: Extract<ReplayerEvent, { kind: 'ended' }> | undefined;
  private fatal: Fatal | undefined;

  constructor(private readonly options: TimelineOptions) {}

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
    if (!this.replayer || this.dirty || this.here?.kind === 'ended') return;
    await this.ask({ do: 'breakpoints', set: this.breakpoints });
  }

  /** Runs forward from the present (from the start, if there is no present) until a goal is met or the program ends. */
  async forward(goals: Goal[], scan?: Scan): Promise<Paused | Ended> {
    if (this.here?.kind === 'ended') return this.here;
    await this.undisturbed();
    if (!this.replayer) await this.start();
    return this.run(goals, scan);
  }

  /** Goes to a place, either way. Throws NotReached if there is no such place, and stays. */
  async reach(place: Place): Promise<Paused> {
    const before = this.here;
    if (!this.canRunTo(place)) await this.restart();
    else await this.undisturbed();
    if (!this.replayer) await this.start();
    const at = await this.run([goalOf(place)]);
    if (at.kind === 'ended' || at.reason === 'missed') {
      this.returnTo(before);
      throw new NotReached(`the program has no position ${this.options.orders.thread}:${place.turn}:${place.step}.`);
    }
    return at;
  }

  /** After a movement that led nowhere: where the program stood before it. Costs nothing until the next question. */
  returnTo(before: Here): void {
    if (before?.kind === 'paused') {
      this.here = before;
      this.dirty = true;
    } else if (!before) {
      this.here = undefined;
      this.dirty = true;
    }
  }

  /** Goes back to before the program. */
  async rewind(): Promise<void> {
    await this.restart();
  }

  /** The last moment before the present that is of that kind; undefined if there is none. The replayer stands somewhere else afterwards: reach a place next. */
  async lastBefore(sought: Sought): Promise<Match | undefined> {
    const { here } = this;
    if (!here) return undefined;
    const scan: Scan =
      typeof sought === 'object' ? { kind: 'breakpoint', id: sought.breakpoint, fromTurn: 0 } : { kind: sought, fromTurn: 0 };
    await this.restart();
    await this.start();
    const goals: Goal[] = [];
    if (here.kind === 'paused') {
      if (here.reason === 'throw') goals.push({ kind: 'throw', index: here.throws });
      else goals.push({ kind: 'moment', turn: here.turn, step: here.step });
    }
    const at = await this.run(goals, scan);
    return (at.kind === 'paused' ? at.lastMatch : this.ended?.lastMatch) ?? undefined;
  }

  /** Asks something that does not move the program. The program must be paused. */
  async inspect(request: Exclude<Request, { do: 'run' } | { do: 'breakpoints' }>): Promise<Reply> {
    await this.undisturbed();
    if (this.here?.kind !== 'paused') throw new NotReached('the program is not stopped anywhere: it has ended or was not started.');
    if (request.do === 'evaluate') return this.evaluate(request);
    return this.ask(request);
  }

  /** An evaluation may change the program, end it, or never end: then the replayer is thrown away. */
  private async evaluate(request: Extract<Request, { do: 'evaluate' }>): Promise<Reply> {
    const { replayer } = this;
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      void replayer?.kill(true);
    }, EVALUATION_LIMIT_MS);
    const reply = await this.send(request).finally(() => clearTimeout(limit));
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
   */
  async again<T>(_before: Place, use: (errand: Errand, whole: boolean) => Promise<T | undefined>): Promise<T | undefined> {
    const replayer = new ReplayerProcess(this.options.command(), this.options.orders, 'pipe', () => undefined);
    try {
      return await use(errandOf(replayer), true);
    } finally {
      await replayer.kill();
    }
  }

  /** Where the program stands; after its end, its last statement. */
  get placeNow(): Place | undefined {
    return this.here?.kind === 'ended' ? this.here.last : this.place();
  }

  async close(): Promise<void> {
    const { replayer } = this;
    this.replayer = undefined;
    await replayer?.kill();
  }

  private place(): Place | undefined {
    const { here } = this;
    if (here?.kind !== 'paused') return undefined;
    return here.reason === 'throw' ? { turn: here.turn, step: here.step, throws: here.throws } : { turn: here.turn, step: here.step };
  }

  private canRunTo(place: Place): boolean {
    const { here } = this;
    if (!this.replayer || this.dirty || here?.kind === 'ended') return false;
    if (!here) return true;
    if (place.throws !== undefined) return here.throws < place.throws;
    return (
      here.reason !== 'throw' &&
      here.reason !== 'output' &&
      (place.turn > here.turn || (place.turn === here.turn && place.step > here.step))
    );
  }

  /** After an evaluation with side effects: the same place in a fresh replayer. */
  private async undisturbed(): Promise<void> {
    if (!this.dirty) return;
    const place = this.place();
    await this.restart();
    if (place) await this.reach(place);
  }

  private async restart(): Promise<void> {
    await this.close();
    this.here = undefined;
    this.dirty = false;
  }

  private async start(): Promise<void> {
    this.outputs = 0;
    this.ended = undefined;
    const replayer = new ReplayerProcess(this.options.command(), this.options.orders, 'pipe', (event) => this.note(event, replayer));
    this.replayer = replayer;
    if (this.breakpoints.length > 0) await this.ask({ do: 'breakpoints', set: this.breakpoints });
  }

  private note(event: ReplayerEvent, from: ReplayerProcess): void {
    if (from !== this.replayer) return;
    switch (event.kind) {
      case 'output':
        if (++this.outputs <= this.outputsSeen) return;
        this.outputsSeen = this.outputs;
        this.options.onOutput?.({
          fd: event.fd,
          bytes: Buffer.from(event.bytes, 'latin1'),
          moment: { turn: event.turn, step: event.step },
        });
        return;
      case 'hits':
        this.options.onHits?.(event.hits);
        return;
      case 'turn':
        this.options.onTurn?.(event.turn);
        return;
      case 'fatal':
        this.fatal = { error: event.error, throws: event.throws, turn: event.turn, step: event.step };
        return;
      case 'ended':
        this.ended = event;
    }
  }

  private async run(goals: Goal[], scan?: Scan): Promise<Paused | Ended> {
    const reply = await this.send(scan ? { do: 'run', goals, scan } : { do: 'run', goals });
    if (reply.kind === 'paused') return (this.here = reply);
    if (reply.kind !== 'exit') throw new ReplayerFailed(`the replayer answered ${reply.kind} to run`);
    const { ended, replayer } = this;
    if (!ended) throw failed(replayer, reply);
    return (this.here = {
      kind: 'ended',
      exit: reply,
      last: { turn: ended.turn, step: ended.step },
      lastStatement: ended.lastStatement,
      truncated: ended.truncated,
      hits: ended.hits,
      fatal: this.fatal,
    });
  }

  private async ask(request: Request): Promise<Reply> {
    const reply = await this.send(request);
    if (reply.kind === 'exit') throw failed(this.replayer, reply);
    if (reply.kind === 'failed') throw new ReplayerFailed(reply.message);
    return reply;
  }

  private async send(request: Request): Promise<Reply | Exit> {
    try {
      return await this.replayer!.request(request);
    } catch (error) {
      if (error instanceof Divergence) this.here = undefined;
      throw error;
    }
  }
}

/** A replayer apart from the timeline, for one question. */
export interface Errand {
  ask(request: Request): Promise<Reply>;
  /** Undefined: the program has ended. */
  run(goals: Goal[]): Promise<Paused | undefined>;
}

function errandOf(link: ReplayerProcess): Errand {
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
