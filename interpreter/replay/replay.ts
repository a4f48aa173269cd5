/**
 * One thread of a recording, replayed: movements in both directions, and what can be seen where it stands.
 *
 * The public API's main class. Every method that moves returns where the program stands then. Invariant: the same position always
 * shows the same program; nothing asked here changes what is replayed.
 */
import type { BreakpointSpec, Goal, HitInfo, Match, Moment, Orders, Paused, Rejected, WriteInfo } from '../replayer/protocol';
import type { Breakpoint, Change, Hit, HitOptions, ProgramOutput, ReplayHooks, Watchpoint } from './asked';
import { BreakpointList } from './breakpoint-list';
import { BadLocation, NotReached } from './errors';
import { noneOf, type BreakpointOptions, type Landmark } from './landmarks';
import { enumerate, nearestLines, parseLocation, type LocationText } from './locations';
import type { Recording } from './recording';
import { findHits } from './hits';
import { FUNCTION, Places, type Resolved } from './places';
import { ReplayerProcess, type ReplayerCommand } from './replayer-process';
import { isEnd, type End, type Evaluation, type Frame, type Scheduled, type Scope, type Stop, type StopReason, type Write } from './stop';
import { goalOf, Timeline, type CheckpointMode, type Ended, type Output, type Place } from './timeline';
import { evaluateAt, localsOf, valueOf } from './values';
import { inOrder, WatchList, type PlaceChange } from './watchpoints';
import { BranchingTimeline } from './what-if';

interface Setup {
  command: () => ReplayerCommand;
  orders: Orders;
  hooks: ReplayHooks;
  checkpoints?: CheckpointMode;
  memory?: number;
}

/** Reasons of a pause that are its stop's, whatever was asked for. */
const TOLD_REASONS = ['breakpoint', 'diverged', 'interrupt'] as const;
/** Statements looked at on each side of a line that was never reached. */
const NEARBY = 400;

export class Replay {
  private readonly timeline: BranchingTimeline;
  private changes: Change[] = [];
  private readonly watchList: WatchList;
  private readonly breakpoints: BreakpointList;
  private at: Stop | End | undefined;
  /** Where the program's sources and positions are, and how they are written. */
  readonly places: Places;

  constructor(
    readonly recording: Recording,
    /** Name of the thread. */
    readonly thread: string,
    private readonly setup: Setup,
  ) {
    const { checkpoints, command, memory, orders } = setup;
    const { onLog, onOutput, onProgress, onTurn } = setup.hooks;
    this.timeline = new BranchingTimeline({
      command,
      orders,
      ...(checkpoints === undefined ? {} : { checkpoints }),
      ...(memory === undefined ? {} : { memory }),
      ...(onTurn ? { onTurn } : {}),
      ...(onProgress ? { onProgress } : {}),
      ...(onLog ? { onHit: (hit: HitInfo, whatIf: boolean) => this.breakpoints.logged(hit, whatIf, onLog) } : {}),
      ...(onOutput ? { onOutput: (output: Output, whatIf: boolean) => onOutput(this.programOutput(output, whatIf)) } : {}),
    });
    this.watchList = new WatchList(this.timeline);
    this.places = new Places(recording, thread);
    this.breakpoints = new BreakpointList(this.timeline, this.places);
  }

  /** Where the program stands; undefined before the first movement. */
  get current(): Stop | End | undefined {
    return this.at;
  }

  /** To the first statement of the program; to its end if it has none. */
  async start(): Promise<Stop | End> {
    await this.timeline.rewind();
    return this.settle(await this.timeline.forward([{ kind: 'step' }]), 'entry');
  }

  /**
   * Where the program crashed: at the throw its fatal error came from. If it did not crash, its first statement.
   * Throws Divergence.
   */
  async crash(): Promise<Stop | End> {
    if (!this.timeline.crash && this.timeline.current?.kind !== 'ended') await this.timeline.forward([]);
    const fatal = this.timeline.crash;
    if (!fatal) return this.start();
    if (fatal.throws > 0)
      return this.settle(await this.timeline.reach({ turn: fatal.turn, step: fatal.step, throws: fatal.throws }), 'exception');
    return this.crashOutside();
  }

  /**
   * Forward to a location (its next hit from here, or with `hit` that hit counted from the program's start), or to a position in
   * either direction. Throws BadLocation, NotReached, Divergence.
   */
  async runTo(target: string, options: { hit?: number } = {}): Promise<Stop | End> {
    const moment = this.places.parsePosition(target);
    if (moment) return this.go(moment);
    const location = parseLocation(target);
    const statement = this.places.resolve(location);
    const temporary: BreakpointSpec = { id: this.timeline.newBreakpointId(), file: statement.file, statement: statement.id };
    const before = this.timeline.current;
    if (before?.kind === 'ended' && options.hit === undefined) {
      throw new NotReached(`${target} is not reached any more: the program has ended. Go back first, or say which hit of it.`);
    }
    if (options.hit !== undefined) await this.timeline.rewind();
    await this.breakpoints.arm(temporary);
    const goal = { kind: 'breakpoint' as const, id: temporary.id, ...(options.hit === undefined ? {} : { hit: options.hit }) };
    const at = await this.timeline.forward([goal]);
    await this.breakpoints.arm();
    if (at.kind === 'paused' || this.timeline.inWhatIf) return this.settle(at, 'breakpoint', temporary.id);
    const hits = at.hits.find(({ id }) => id === temporary.id)?.hit ?? 0;
    const error = await this.notReached(location, statement, hits, options.hit);
    this.timeline.returnTo(before);
    throw error;
  }

  /**
   * Every time a location is reached, from the program's start, with expressions evaluated there, in one run; the program stays
   * where it stands. Side effects are thrown away. Throws BadLocation, NotReached (never reached), Divergence.
   */
  async *hits(location: string, expressions: readonly string[] = [], options: HitOptions = {}): AsyncGenerator<Hit> {
    const { limit = Infinity, signal } = options;
    const places = this.places.resolveAll(location);
    const shown = places.map(({ path, line, column }) => ({ file: this.places.shown(path), line, column }));
    const { command, orders, hooks } = this.setup;
    const search = findHits({
      start: (onEvent) => new ReplayerProcess(command(), orders, 'pipe', onEvent),
      places: places.map((place, id) => ({
        id,
        file: place.file,
        statement: place.id,
        entry: location.startsWith(FUNCTION),
        log: [...expressions],
      })),
      onTurn: hooks.onTurn,
      onProgress: hooks.onProgress,
      signal,
    });
    let hit = 0;
    let apart: Timeline | undefined;
    try {
      if (limit > 0)
        for await (const block of search) {
          for (const { id, turn, step, values } of block) {
            const evaluations: Evaluation[] = [];
            for (const [i, expression] of expressions.entries()) {
              const told = values[i];
              const value = told
                ? valueOf(told)
                : await evaluateAt((apart ??= new Timeline({ command, orders })), { turn, step }, expression);
              evaluations.push({ expression, ...value });
            }
            yield { position: this.places.position({ turn, step }), ...shown[id]!, hit: ++hit, evaluations };
            if (hit >= limit || signal?.aborted) return;
          }
        }
    } finally {
      await apart?.close();
    }
    if (hit > 0 || limit === 0 || signal?.aborted) return;
    if (location.startsWith(FUNCTION)) throw new NotReached(`${location.slice(FUNCTION.length)} was never called.`);
    const before = this.timeline.current;
    const error = await this.notReached(parseLocation(location), places[0]!, 0, undefined);
    this.timeline.returnTo(before);
    throw error;
  }

  /** To the next statement, wherever it is. */
  stepIn(): Promise<Stop | End> {
    return this.forward([{ kind: 'step' }], 'step');
  }

  /**
   * To the next statement of this call, or, when it is left, of what goes on then: its caller, what awaits it, a generator's consumer.
   * After an await that is the statement behind it, in the same call.
   */
  stepOver(): Promise<Stop | End> {
    return this.forward([{ kind: 'over' }, { kind: 'breakpoint' }], 'step');
  }

  /** To the next statement of the caller, or of what awaits or consumes this call; with none of them, to the first statement after it. */
  stepOut(): Promise<Stop | End> {
    return this.forward([{ kind: 'out' }, { kind: 'breakpoint' }], 'step');
  }

  /**
   * To the statement of this call before this one; from the first to the statement that called or awaits it, and without one to the
   * last statement before here. At the first statement of the program it stays.
   */
  stepBack(): Promise<Stop | End> {
    return this.back('over');
  }

  /** To the last statement before here, wherever it is. */
  stepBackIn(): Promise<Stop | End> {
    return this.back('in');
  }

  /** To the statement that called this call or awaits it; without one, to the last statement before the event loop came here. */
  stepBackOut(): Promise<Stop | End> {
    return this.back('out');
  }

  /**
   * Forward to the next landmark after here. A throw is stopped at within its statement, output before the statement that wrote it, an
   * event of the outside world at the first statement that runs because of it, an unhandled rejection at the throw or statement that made
   * the promise reject. Throws NotReached if there is none, BadLocation, Divergence.
   */
  async runToNext(landmark: Landmark): Promise<Stop | End> {
    if (!this.timeline.current) await this.timeline.forward([{ kind: 'step' }]);
    const before = this.timeline.current;
    const id = this.timeline.newBreakpointId();
    if (landmark === 'rejection' && this.timeline.inWhatIf)
      throw new NotReached('unhandled rejections are only known of the recorded program: discard the what-if first.');
    const goal: Goal =
      typeof landmark === 'object'
        ? { kind: 'breakpoint', id }
        : landmark === 'event'
          ? { kind: 'turn' }
          : landmark === 'rejection'
            ? { kind: landmark, after: this.timeline.placeNow ?? { turn: 0, step: 0 } }
            : { kind: landmark };
    if (typeof landmark === 'object') await this.breakpoints.arm(...this.breakpoints.temporaries(landmark, id));
    const at = await this.timeline.forward([goal]);
    if (typeof landmark === 'object') await this.breakpoints.arm();
    if (at.kind === 'ended') {
      this.timeline.returnTo(before);
      throw new NotReached(`${noneOf(landmark)} after this position.`);
    }
    if (at.rejected) return this.rejectedAt(at.rejected);
    return at.reason === 'output' ? this.go({ turn: at.turn, step: at.step }) : this.settle(at, 'step');
  }

  /** The same backwards: to the last landmark before here. */
  async runToPrevious(landmark: Landmark): Promise<Stop | End> {
    if (this.timeline.inWhatIf) return this.discard();
    const before = this.timeline.current;
    const found = before && (await this.previousOf(landmark));
    if (found?.error) return this.rejectedAt({ ...found, error: found.error });
    if (found) return this.go(found);
    this.timeline.returnTo(before);
    throw new NotReached(`${noneOf(landmark)} before this position.`);
  }

  private async rejectedAt({ turn, step, throws, error }: Rejected): Promise<Stop | End> {
    const stop = await this.go(throws === undefined ? { turn, step } : { turn, step, throws }, 'exception');
    return isEnd(stop) || stop.error ? stop : (this.at = { ...stop, error });
  }

  /** To the next breakpoint, or to after the next statement that changes what a watchpoint watches, or to the end. */
  async continue(): Promise<Stop | End> {
    if (this.watchList.all.length === 0) return this.forward([{ kind: 'breakpoint' }], 'breakpoint');
    if (!this.timeline.current) await this.start();
    if (this.timeline.current?.kind !== 'paused') return this.forward([{ kind: 'breakpoint' }], 'breakpoint');
    if (this.timeline.inWhatIf || (await this.watchList.held())) {
      const at = await this.timeline.forward([{ kind: 'watch' }, { kind: 'breakpoint' }]);
      const stop = await this.settle(at, 'breakpoint');
      const watch = at.watch && this.watchList.find(at.watch.id);
      return watch && at.watch ? this.changed(stop, { ...at.watch, watch }) : stop;
    }
    const change = await this.watchList.next();
    const goals = change ? [goalOf(change.moment), { kind: 'breakpoint' as const }] : [{ kind: 'breakpoint' as const }];
    const at = await this.timeline.forward(goals);
    const stop = await this.settle(at, 'breakpoint');
    return change && at.kind === 'paused' && at.reason === 'moment' ? this.changed(stop, change) : stop;
  }

  /**
   * To the last breakpoint before here, or to before the last statement that changed what a watchpoint watches, or to the first statement of
   * the program.
   */
  async reverseContinue(): Promise<Stop | End> {
    if (this.timeline.inWhatIf) return this.discard();
    const change = this.changedAtEnd() ?? (await this.watchList.previous());
    const found = this.timeline.current && (await this.timeline.lastBefore('breakpoint'));
    if (change && (!found || inOrder(found, change.moment) <= 0)) return this.changed(await this.go(change.moment), change);
    return found ? this.go(found, found.throws === undefined ? 'breakpoint' : 'exception') : this.start();
  }

  /**
   * Watches the place (a variable, a property, an entry of a Map) that an expression names here: `continue` stops after, `reverseContinue`
   * before each statement that changes it. It stays that place wherever the program goes. frame: index into frames().
   * Throws BadLocation if the expression names nothing that can be written.
   */
  async addWatchpoint(expression: string, options: { frame?: number } = {}): Promise<Watchpoint> {
    const { id } = await this.watchList.add(expression, options.frame ?? 0);
    return { id, expression };
  }

  async removeWatchpoint(id: number): Promise<void> {
    await this.watchList.remove(id);
  }

  get watchpoints(): Watchpoint[] {
    return this.watchList.all.map(({ id, expression }) => ({ id, expression }));
  }

  /** What the last statement has changed, as the end at which the program stands tells. */
  private changedAtEnd(): PlaceChange | undefined {
    const { current } = this.timeline;
    const told = this.at && isEnd(this.at) ? this.at.watch : undefined;
    const watch = told && this.watchList.find(told.id);
    if (!watch || current?.kind !== 'ended' || !current.lastStatement) return undefined;
    return { watch, moment: current.lastStatement, old: told.old ?? null, new: told.new ?? null };
  }

  private changed(stop: Stop | End, { watch: { expression, id }, old, new: fresh }: Omit<PlaceChange, 'moment'>): Stop | End {
    const watch = { id, expression, ...(old ? { old } : {}), ...(fresh ? { new: fresh } : {}) };
    return (this.at = isEnd(stop) ? { ...stop, watch } : { ...stop, reason: 'watchpoint', watch });
  }

  /** To a position, in either direction. Throws BadLocation, NotReached. */
  async goto(position: string): Promise<Stop | End> {
    const moment = this.places.parsePosition(position);
    if (!moment) throw new BadLocation(`"${position}" is not a position. Write thread:turn:step, such as ${this.thread}:9:132.`);
    return this.go(moment);
  }

  /**
   * Replaces all breakpoints. Locations as for runTo, or `function:NAME`, which makes one for each function of the name. One with `log`
   * does not stop the program: `onLog` is told the values when a movement forwards passes it. Throws BadLocation and leaves them as
   * they were.
   */
  async setBreakpoints(wanted: readonly (string | BreakpointOptions)[]): Promise<Breakpoint[]> {
    return this.breakpoints.set(wanted);
  }

  /**
   * Whether `continue`, `reverseContinue` and steps over and out stop at throws: at all of them, or only at, or at all but, the one that the
   * program died of. To know that, the program is run to its end once.
   */
  breakOnThrows(which: 'all' | 'caught' | 'uncaught' | 'none'): Promise<void> {
    return this.breakpoints.breakOnThrows(which);
  }

  /**
   * Lets the movement that is under way end early: forwards it stops where it has come to (reason interrupt), backwards it throws
   * Interrupted and stays.
   */
  interrupt(): void {
    this.timeline.interrupt();
  }

  /** The calls on the stack, innermost first; behind them, marked async, those that await or had scheduled them. */
  async frames(): Promise<Frame[]> {
    const reply = await this.timeline.inspect({ do: 'frames' });
    return reply.kind === 'frames' ? reply.frames.map((place) => this.places.frame(place)) : [];
  }

  /**
   * Where the callback that a frame belongs to was scheduled: its await, or the call that was given the function (then, setTimeout, on,
   * ...). Undefined in the program's own run, which nothing scheduled. frame: index into frames().
   */
  async schedule(options: { frame?: number } = {}): Promise<Scheduled | undefined> {
    const reply = await this.timeline.inspect({ do: 'scheduled', frame: options.frame ?? 0 });
    if (reply.kind !== 'scheduled') return undefined;
    const { by, callback, place } = reply;
    const { file, line, column } = this.places.frame(place);
    return { by, callback, position: this.places.position(reply), file, line, column };
  }

  /**
   * The last statement that wrote a variable, a property or an entry of a Map (`map.get(key)`), as it is where the program stands; undefined
   * if none did. Throws BadLocation if the expression names nothing that can be written. frame: index into frames().
   */
  async lastWrite(expression: string, options: { frame?: number } = {}): Promise<Write | undefined> {
    if (this.timeline.inWhatIf) throw new NotReached('who wrote what is only known of the recorded program: discard the what-if first.');
    const found = await this.watchList.lastWrite(expression, options.frame ?? 0);
    return found && this.write(expression, found);
  }

  /**
   * To the last statement that wrote a variable, a property or an entry of a Map; `wrote` of the stop tells the old and the new value.
   * Throws BadLocation (nothing that can be written), NotReached (no statement of the program wrote it).
   */
  async whoWrote(expression: string, options: { frame?: number } = {}): Promise<Stop | End> {
    const wrote = await this.lastWrite(expression, options);
    if (!wrote) throw new NotReached(`${expression} was not written by any statement before here.`);
    if (wrote.position === undefined)
      throw new NotReached(`${expression} was not written by a statement: it came from outside the program.`);
    const stop = await this.goto(wrote.position);
    return isEnd(stop) ? stop : (this.at = { ...stop, wrote });
  }

  private write(expression: string, { how, by, moment, place, old, value, now }: WriteInfo): Write {
    return {
      expression,
      how,
      ...(by ? { by } : {}),
      ...(moment ? { position: this.places.position(moment) } : {}),
      ...(place ? placeOnly(this.places.frame(place)) : {}),
      ...(old ? { old } : {}),
      ...(value ? { new: value } : {}),
      ...(now ? { now } : {}),
    };
  }

  /** To where the callback that a frame belongs to was scheduled; `scheduled` of the stop says how. Throws NotReached if nothing did. */
  async scheduledBy(options: { frame?: number } = {}): Promise<Stop | End> {
    const scheduled = await this.schedule(options);
    if (!scheduled) throw new NotReached('nothing scheduled this: it runs as part of the program itself.');
    const stop = await this.goto(scheduled.position);
    return isEnd(stop) ? stop : (this.at = { ...stop, scheduled });
  }

  /** The scopes a frame sees, innermost first. frame: index into frames(). */
  async scopes(frame = 0): Promise<Scope[]> {
    const reply = await this.timeline.inspect({ do: 'scopes', frame });
    if (reply.kind !== 'scopes') return [];
    return reply.scopes.map(({ kind, names }) => ({
      kind,
      names: Object.fromEntries(names.map(({ name, ...value }) => [name, value])),
    }));
  }

  /** Evaluates as if written at the frame's current statement. Side effects are thrown away. frame: index into frames(). */
  async evaluate(expression: string, options: { frame?: number } = {}): Promise<Evaluation> {
    const reply = await this.timeline.inspect({ do: 'evaluate', frame: options.frame ?? 0, expression });
    if (reply.kind === 'failed') return { expression, type: 'error', preview: reply.message };
    if (reply.kind !== 'evaluated') throw new NotReached('the program is not stopped anywhere.');
    return { expression, ...valueOf(reply), ...(reply.settled ? { settled: this.places.position(reply.settled) } : {}) };
  }

  /**
   * Assigns in a frame, as a what-if: from here on a copy of the program goes on, with that changed, until it asks for something that
   * was not recorded (reason `diverged`) or ends. Stops of it have `whatIf`. Every movement backwards, and `discard`, gives the recorded
   * program back, where it stood. The answer is the value, or the error, which changes nothing. frame: index into frames().
   */
  async set(target: string, value: string, options: { frame?: number } = {}): Promise<Evaluation> {
    const expression = `${target} = ${value}`;
    const { current } = this.timeline;
    const reply = await this.timeline.change(options.frame ?? 0, `${target} = (${value}\n)`);
    if (reply.kind !== 'evaluated') throw new NotReached('the program is not stopped anywhere.');
    const evaluation = { expression, ...valueOf(reply) };
    if (reply.type === 'error' || current?.kind !== 'paused') return evaluation;
    this.changes = [...this.whatIf, { position: this.places.position(current), target, value }];
    await this.settle(current, this.at && !isEnd(this.at) ? this.at.reason : 'step');
    return evaluation;
  }

  /** The changes that the program stands under; none in the recorded one. */
  get whatIf(): readonly Change[] {
    return this.timeline.inWhatIf ? this.changes : [];
  }

  /** Ends the what-if: back to the recorded program, where it stood. Stays, if there is none. */
  async discard(): Promise<Stop | End> {
    await this.timeline.leave();
    const { current } = this.timeline;
    return current ? this.settle(current, 'step') : this.start();
  }

  /** Ends the replayer. The object is of no use afterwards. */
  close(): Promise<void> {
    return this.timeline.close();
  }

  private async forward(goals: Parameters<Timeline['forward']>[0], reason: StopReason): Promise<Stop | End> {
    if (!this.timeline.current && goals[0]?.kind !== 'breakpoint') return this.start();
    return this.settle(await this.timeline.forward(goals), reason);
  }

  private async go(place: Place, reason: StopReason = 'step'): Promise<Stop | End> {
    const { current } = this.timeline;
    const here =
      current?.kind === 'paused' &&
      place.throws === undefined &&
      current.reason !== 'throw' &&
      current.reason !== 'output' &&
      current.reason !== 'rejection' &&
      current.turn === place.turn &&
      current.step === place.step;
    const paused = here ? current : await this.timeline.reach(place);
    return this.settle(paused, place.turn === 0 && place.step === 1 && reason === 'step' ? 'entry' : reason);
  }

  private async back(how: 'in' | 'over' | 'out'): Promise<Stop | End> {
    if (this.timeline.inWhatIf) return this.discard();
    const moment = await this.momentBack(how);
    return moment ? this.go(moment) : this.start();
  }

  /** From the end, every way back leads to the last statement. */
  private async momentBack(how: 'in' | 'over' | 'out' | 'turn'): Promise<Moment | undefined> {
    const { current } = this.timeline;
    if (!current) return undefined;
    if (current.kind === 'ended') {
      const { lastStatement } = current;
      return how === 'turn' && lastStatement ? { turn: lastStatement.turn, step: 1 } : (lastStatement ?? undefined);
    }
    const reply = await this.timeline.inspect({ do: 'back', how });
    return reply.kind === 'moment' ? (reply.moment ?? undefined) : undefined;
  }

  private async previousOf(landmark: Landmark): Promise<Match | undefined> {
    if (landmark === 'event') return this.momentBack('turn');
    if (typeof landmark === 'string') return this.timeline.lastBefore(landmark);
    const id = this.timeline.newBreakpointId();
    await this.breakpoints.arm(...this.breakpoints.temporaries(landmark, id));
    const found = await this.timeline.lastBefore({ breakpoint: id });
    await this.breakpoints.arm();
    return found;
  }

  private async settle(at: Paused | Ended, reason: StopReason, breakpoint?: number): Promise<Stop | End> {
    return (this.at = at.kind === 'ended' ? this.endOf(at) : await this.stopOf(at, reason, breakpoint));
  }

  private async stopOf(paused: Paused, asked: StopReason, breakpoint: number | undefined): Promise<Stop> {
    const hit = paused.breakpoints.find(({ id }) => id === breakpoint) ?? paused.breakpoints[0];
    const reason = paused.reason === 'throw' ? 'exception' : (TOLD_REASONS.find((one) => one === paused.reason) ?? asked);
    const frames = await this.frames();
    const top = frames[0] ?? this.places.frame(paused.place);
    const fatal = this.timeline.crash;
    const ofFatal = paused.reason === 'throw' && fatal?.throws === paused.throws;
    const error = ofFatal ? fatal.error : paused.error;
    return {
      position: this.places.position(paused),
      reason,
      file: top.file,
      line: top.line,
      column: top.column,
      ...(hit && reason === 'breakpoint' ? { hit: hit.hit } : {}),
      frames,
      locals: frames.length === 0 ? {} : localsOf(await this.scopes()),
      evaluations: [],
      ...(error ? { error } : {}),
      ...(paused.divergence ? { divergence: paused.divergence } : {}),
      ...(this.timeline.inWhatIf ? { whatIf: true as const } : {}),
    };
  }

  private endOf({ exit, last, truncated, fatal }: Ended): End {
    return {
      position: this.places.position(last),
      reason: 'end',
      exitCode: truncated ? null : exit.code,
      signal: exit.signal,
      truncated,
      evaluations: [],
      ...(fatal ? { error: fatal.error } : {}),
      ...(this.timeline.inWhatIf ? { whatIf: true as const } : {}),
    };
  }

  /** A fatal error that no code of the program threw: the last statement before it, the place from the error's own stack. */
  private async crashOutside(): Promise<Stop | End> {
    const { error, turn, step } = this.timeline.crash!;
    const last = step > 0 ? { turn, step } : undefined;
    const stop = last ? await this.go(last, 'exception') : await this.start();
    const frames = this.places.framesIn(error.stack);
    const top = frames[0];
    if (!top) return isEnd(stop) ? stop : (this.at = { ...stop, reason: 'exception', error });
    const { file, line, column } = top;
    const { position, evaluations } = stop;
    return (this.at = { position, reason: 'exception', file, line, column, frames, locals: {}, evaluations, error });
  }

  private async notReached(asked: LocationText, statement: Resolved, hits: number, hit: number | undefined): Promise<NotReached> {
    const where = `${this.places.shown(statement.path)}:${asked.line}`;
    if (hits > 0)
      return new NotReached(`${where} was reached ${times(hits)}, ${hit === undefined ? 'not after this position' : `not ${times(hit)}`}.`);
    const nearby = statement.statements
      .filter(({ id }) => Math.abs(id - statement.id) <= NEARBY)
      .map((one) => ({ id: this.timeline.newBreakpointId(), file: statement.file, statement: one.id, countOnly: true, line: one.line }));
    await this.timeline.rewind();
    await this.timeline.setBreakpoints(nearby);
    const end = await this.timeline.forward([]);
    const reached = new Set(end.kind === 'ended' ? end.hits.filter((one) => one.hit > 0).map(({ id }) => id) : []);
    const nearest = nearestLines(
      nearby.filter(({ id }) => reached.has(id)).map(({ line }) => line),
      asked.line,
      2,
    );
    await this.breakpoints.arm();
    const hint = nearest.length > 0 ? `The nearest lines that were are ${enumerate(nearest.map(String), 'and')}.` : 'No line near it was.';
    return new NotReached(`${where} was never reached. ${hint}`, nearest);
  }

  private programOutput({ fd, bytes, moment }: Output, whatIf: boolean): ProgramOutput {
    return { stream: fd === 1 ? 'stdout' : 'stderr', bytes, position: this.places.position(moment), ...(whatIf ? { whatIf: true } : {}) };
  }
}

function placeOnly({ file, line, column }: Frame): { file: string; line: number; column: number } {
  return { file, line, column };
}

function times(count: number): string {
  return count === 1 ? 'once' : count === 2 ? 'twice' : `${count} times`;
}
