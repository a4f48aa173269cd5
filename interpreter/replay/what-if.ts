/**
 * What-ifs: a copy of the program at the present whose state is changed and which goes on from there, until it asks for something that
 * was not recorded or ends. And evaluations that let a copy go on until a promise is settled.
 *
 * Replay talks to this class as to the timeline it extends. Invariant: while a what-if is open the timeline itself stands where it was
 * opened, untouched; every movement backwards, or to a position, closes it.
 */
import type { BreakpointSpec, Evaluated, Goal, HitInfo, Moment, Paused, ReplayerEvent, Reply, Request, Scan } from '../replayer/protocol';
import { Divergence, NotReached, ReplayerFailed } from './errors';
import { failed, type Exit, type ReplayerLink } from './replayer-link';
import { ReplayerProcess } from './replayer-process';
import { Timeline, type Ended, type Fatal, type Output, type Place, type TimelineOptions } from './timeline';

type Question = Parameters<Timeline['inspect']>[0];
type Here = Paused | Ended | undefined;

/** How long a copy may go on for an evaluation that awaits something. */
const AWAITING_LIMIT_MS = 60_000;

export interface BranchingOptions extends Omit<TimelineOptions, 'onOutput' | 'onHits'> {
  /** Log points that a movement forwards has passed, in order. */
  onHit?: (hit: HitInfo, whatIf: boolean) => void;
  /** whatIf: the copy wrote it, not the recorded program. */
  onOutput?: (output: Output, whatIf: boolean) => void;
}

interface WhatIf {
  link: ReplayerLink;
  here: Paused | Ended;
  ended: Extract<ReplayerEvent, { kind: 'ended' }> | undefined;
  fatal: Fatal | undefined;
}

export class BranchingTimeline extends Timeline {
  private branch: WhatIf | undefined;
  private set: readonly BreakpointSpec[] = [];
  /** While a movement forwards is under way: what it has passed last. */
  private passing: Moment | undefined;

  constructor(private readonly setup: BranchingOptions) {
    const { onOutput, ...rest } = setup;
    const hits: { take?: (hits: readonly HitInfo[]) => void } = {};
    super({
      ...rest,
      ...(onOutput ? { onOutput: (output: Output) => onOutput(output, false) } : {}),
      onHits: (list) => hits.take?.(list),
    });
    hits.take = (list) => this.pass(list);
  }

  get inWhatIf(): boolean {
    return this.branch !== undefined;
  }

  override get current(): Here {
    return this.branch?.here ?? super.current;
  }

  override get crash(): Fatal | undefined {
    return this.branch ? this.branch.fatal : super.crash;
  }

  /**
   * Evaluates in a copy of the program, and keeps the copy as the present if that succeeds. In a what-if already, it is that copy which
   * changes.
   */
  async change(frame: number, expression: string): Promise<Reply> {
    const { branch } = this;
    if (branch) {
      if (branch.here.kind !== 'paused') throw new NotReached('the what-if has ended. Discard it first.');
      return this.request(branch.link, { do: 'change', frame, expression });
    }
    const here = super.current;
    if (here?.kind !== 'paused') throw new NotReached('the program is not stopped anywhere: it has ended or was not started.');
    const link = await this.split(here, (event) => this.noteOf(event));
    let reply: Reply | undefined;
    try {
      reply = await this.request(link, { do: 'change', frame, expression });
      if (reply.kind !== 'evaluated' || reply.type === 'error') return reply;
      this.branch = { link, here, ended: undefined, fatal: undefined };
      return reply;
    } finally {
      if (!this.branch) await link.kill();
    }
  }

  /** Closes the what-if, if one is open. */
  async leave(): Promise<void> {
    const { branch } = this;
    this.branch = undefined;
    await branch?.link.kill();
  }

  override async forward(goals: Goal[], scan?: Scan): Promise<Paused | Ended> {
    const { branch } = this;
    if (!branch) {
      const here = super.current;
      this.passing = here?.kind === 'paused' ? here : { turn: 0, step: 0 };
      try {
        return await super.forward(goals, scan);
      } finally {
        this.passing = undefined;
      }
    }
    if (branch.here.kind === 'ended') return branch.here;
    if (branch.here.reason === 'diverged') {
      throw new NotReached('the what-if cannot go on: what it asks for was not recorded. Discard it, or go back.');
    }
    const reply = await branch.link.request(scan ? { do: 'run', goals, scan } : { do: 'run', goals });
    if (reply.kind === 'paused') return (branch.here = reply);
    const { ended, fatal, link } = branch;
    if (reply.kind !== 'exit' || !ended) {
      await this.leave();
      throw reply.kind === 'exit' ? failed(link, reply) : new ReplayerFailed(`the replayer answered ${reply.kind} to run`);
    }
    const last = { turn: ended.turn, step: ended.step };
    const { lastStatement, truncated, hits, watch } = ended;
    return (branch.here = { kind: 'ended', exit: reply, last, lastStatement, truncated, hits, fatal, ...(watch ? { watch } : {}) });
  }

  override async reach(place: Place): Promise<Paused> {
    await this.leave();
    return super.reach(place);
  }

  override async rewind(): Promise<void> {
    await this.leave();
    return super.rewind();
  }

  override async lastBefore(kind: Parameters<Timeline['lastBefore']>[0]): ReturnType<Timeline['lastBefore']> {
    await this.leave();
    return super.lastBefore(kind);
  }

  override async setBreakpoints(set: readonly BreakpointSpec[]): Promise<void> {
    this.set = set;
    const { branch } = this;
    if (branch?.here.kind === 'paused') await this.request(branch.link, { do: 'breakpoints', set: [...set] });
    return super.setBreakpoints(set);
  }

  override async inspect(request: Question): Promise<Reply> {
    const { branch } = this;
    if (!branch) return this.settled(request, await super.inspect(request));
    if (branch.here.kind === 'ended') throw new NotReached('the what-if has ended.');
    return this.request(branch.link, request);
  }

  override async close(): Promise<void> {
    await this.leave();
    return super.close();
  }

  /** An evaluation with an `await` at its top: a copy goes on until that is settled. */
  private async settled(request: Question, reply: Reply): Promise<Reply> {
    const here = super.current;
    if (request.do !== 'evaluate' || reply.kind !== 'evaluated' || reply.awaits !== true || here?.kind !== 'paused') return reply;
    const link = await this.split(here, () => undefined);
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      void link.kill(true);
    }, AWAITING_LIMIT_MS);
    try {
      const { frame, expression } = request;
      const answer = await link.request({ do: 'await', frame, expression });
      if (answer.kind !== 'exit') return answer;
      return failure(
        late
          ? `what it awaits was not settled within ${AWAITING_LIMIT_MS / 1000} s.`
          : 'what it awaits was not settled before the program ended.',
      );
    } catch (error) {
      if (!(error instanceof Divergence)) throw error;
      return failure(`not recorded here: ${error.details.actual}. The outside world cannot be asked afterwards.`);
    } finally {
      clearTimeout(limit);
      await link.kill();
    }
  }

  /** A replayer that stands where the program does, for the caller to move and to end. */
  private async split(here: Paused, onEvent: (event: ReplayerEvent) => void): Promise<ReplayerLink> {
    const copy = await this.copyOfPresent(onEvent);
    if (copy) return copy;
    let listening = false;
    const { command, orders } = this.setup;
    const link = new ReplayerProcess(command(), orders, 'pipe', (event) => {
      if (listening) onEvent(event);
    });
    if (this.set.length > 0) await this.request(link, { do: 'breakpoints', set: [...this.set] });
    const goal: Goal =
      here.reason === 'throw' ? { kind: 'throw', index: here.throws } : { kind: 'moment', turn: here.turn, step: here.step };
    await this.request(link, { do: 'run', goals: [goal] });
    listening = true;
    return link;
  }

  /** Log points are told when the user moves forward, not when the present is reached once more. */
  private pass(hits: readonly HitInfo[]): void {
    for (const hit of hits) {
      const { passing } = this;
      if (!passing || hit.turn < passing.turn || (hit.turn === passing.turn && hit.step <= passing.step)) continue;
      this.passing = hit;
      this.setup.onHit?.(hit, false);
    }
  }

  private noteOf(event: ReplayerEvent): void {
    const { branch } = this;
    if (!branch) return;
    if (event.kind === 'ended') branch.ended = event;
    else if (event.kind === 'fatal') branch.fatal = { error: event.error, throws: event.throws, turn: event.turn, step: event.step };
    else if (event.kind === 'hits') for (const hit of event.hits) this.setup.onHit?.(hit, true);
    else if (event.kind === 'turn' || event.kind === 'progress') {
      this.setup.onTurn?.(event.turn);
      this.setup.onProgress?.({ turn: event.turn, step: event.kind === 'turn' ? 0 : event.step });
    } else if (event.kind === 'output') {
      const moment = { turn: event.turn, step: event.step };
      this.setup.onOutput?.({ fd: event.fd, bytes: Buffer.from(event.bytes, 'latin1'), moment }, true);
    }
  }

  private async request(link: ReplayerLink, request: Request): Promise<Reply> {
    const reply: Reply | Exit = await link.request(request);
    if (reply.kind === 'exit') throw failed(link, reply);
    if (reply.kind === 'failed') throw new ReplayerFailed(reply.message);
    return reply;
  }
}

function failure(message: string): Evaluated {
  return { kind: 'evaluated', clean: true, type: 'error', preview: message, error: { name: 'Error', message, stack: '' } };
}
