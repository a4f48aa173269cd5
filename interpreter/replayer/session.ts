/**
 * The debugger's half of a replayer: decides at each pause whether to stop, and while stopped answers the controller's requests.
 *
 * Created by inside.ts beside the VM, in a context of its own. A stop blocks the replayer's thread in place: `serve` reads requests from
 * the control socket until one of them is `run`. Invariant: answering frames, scopes or a clean evaluation changes nothing that
 * the program could see; an evaluation that might have changed something is reported as not clean.
 */
import { Branching } from './branching';
import { Breakpoints, type Breakpoint } from './breakpoints';
import type { DebuggedVm, SessionHost } from './debugged';
import { Evaluator } from './evaluation';
import { momentBefore, Movement } from './movement';
import { DEFAULT_LIMITS, errorHead, previewOf, type PreviewLimits } from './preview';
import {
  asciiJson,
  type Paused,
  type PauseReason,
  type Place,
  type Preview,
  type ReplayerEvent,
  type Reply,
  type Request,
  type Scan,
  type ScopeInfo,
  type Standing,
} from './protocol';
import { Rejections } from './rejections';
import { asyncFrames, scheduledBy } from './scheduled';
import { Telling } from './telling';
import type { Tracker } from '../vm';
import { locate, NoPlace, placeIn, writesTo, type Located } from './watch';
import { Watchpoints } from './watchpoints';

/** What a controller asks around a step back. */
const REHEARSED: Exclude<Request, { do: 'run' | 'await' | 'interrupt' | 'fork' }>[] = [
  { do: 'breakpoints', set: [] },
  { do: 'where' },
  { do: 'back', how: 'over' },
  { do: 'back', how: 'in' },
  { do: 'back', how: 'out' },
  { do: 'locate', turn: 0, step: 1 },
  { do: 'frames' },
  { do: 'scopes', frame: 0 },
];
/** How often a running replayer tells its turn, in turns. */
const TURN_REPORT = 256;
const MAX_FRAMES = 200;
/** Shorter than for an evaluation: there are many variables. */
const VARIABLE_LIMITS: PreviewLimits = { ...DEFAULT_LIMITS, chars: 1000 };

interface Pause<F> {
  reason: PauseReason;
  /** Undefined where no code of the program's runs. */
  frame: F | undefined;
  /** What else is told of the pause. */
  more: Partial<Paused>;
}

export class Session<F> {
  private throws = 0;
  /** The program stands within a statement, not before one. */
  private within = false;
  /** Index of the first throw of each error object, to find where a fatal error came from. */
  private thrown = new WeakMap<object, number>();
  private lastThrown: { value: unknown; index: number } | undefined;

  /** Set when the end of the program has been told: what is told again after each statement that still runs. */
  private end: { truncated: boolean; code: number | null; signal: string | null } | undefined;

  /** The program has been changed, and is not the recorded one any more. */
  private changed = false;

  /** What the last statement has changed of the places that are watched. */
  private endChange: Paused['watch'];

  private readonly breakpoints: Breakpoints<F>;
  private readonly movement: Movement<F>;
  private readonly evaluator: Evaluator<F>;
  private readonly telling: Telling;
  private readonly watchpoints: Watchpoints<F>;
  private tracker: Tracker | undefined;
  private readonly branching: Branching<F>;
  private readonly rejections: Rejections;
  /** Why the program stands where it does; undefined while it runs and before it began. */
  private pause: Pause<F> | undefined;

  constructor(
    private readonly vm: DebuggedVm<F>,
    private readonly host: SessionHost,
  ) {
    this.evaluator = new Evaluator(vm, host);
    this.telling = new Telling((event) => host.send(event), Date.now);
    this.breakpoints = new Breakpoints(vm, (hit) => this.telling.tell(hit), this.evaluator);
    this.movement = new Movement(vm);
    this.watchpoints = new Watchpoints(vm, host.kit);
    this.branching = new Branching(vm, host);
    this.rejections = new Rejections(vm, host.kit, host, (rejected) => {
      if (!this.evaluator.running && this.movement.meetsRejection(rejected)) this.stop(this.vm.frames()[0], 'rejection', [], { rejected });
    });
  }

  /** Code of the program runs that is no part of the replay. */
  get evaluating(): boolean {
    return this.evaluator.running;
  }

  /** Waits for the first `run` request. Call before the program starts. */
  begin(): void {
    this.rehearse();
    this.serve();
  }

  /** What is asked at nearly every stop, so that copies of this process answer quickly. */
  private rehearse(): void {
    const { vm } = this;
    vm.rehearse(() => {
      this.pause = { reason: 'step', frame: vm.frames()[0], more: {} };
      for (const request of REHEARSED) asciiJson(this.answer(request));
      asciiJson(this.standing());
    });
    this.pause = undefined;
  }

  /** A turn begins. Turn 0 is the main script. */
  onTurn(turn: number): void {
    this.vm.beginTurn(turn);
    if (turn % TURN_REPORT === 0) {
      this.send({ kind: 'turn', turn });
      this.branching.hurry();
    }
    this.arm();
  }

  /** The VM is about to run a statement at which it was told to pause. */
  onPause(frame: F): void {
    if (this.evaluator.running) return;
    const { movement } = this;
    this.tracker?.atStep(frame as never);
    const hit = this.breakpoints.hitsAt(frame);
    const change = movement.watches ? this.watchpoints.changed() : undefined;
    if (change) return this.stop(frame, 'watch', hit, { watch: change });
    const reason = movement.reasonToStop(frame, hit);
    if (reason === undefined) {
      movement.look(hit);
      if (this.end) this.tellEnd();
      if (!this.branching.isDue || !this.pulse(frame, hit)) this.arm();
      return;
    }
    this.stop(frame, reason, hit);
  }

  /** True if the run has been stopped, and another begun. */
  private pulse(frame: F, hit: Breakpoint[]): boolean {
    this.telling.flush();
    switch (this.branching.pulse(() => this.standing())) {
      case 'interrupt':
        this.stop(frame, 'interrupt', hit);
        return true;
      case 'copy':
        this.pause = { reason: 'moment', frame, more: {} };
        this.within = false;
        this.serve();
        return true;
      default:
        return false;
    }
  }

  private arm(): void {
    this.movement.arm();
    this.branching.aim();
    if (this.end) this.vm.pauseAt = this.vm.steps + 1;
  }

  /** The program threw, or native code threw into it; called once a throw, before anything is unwound. */
  onThrow(error: unknown, frame: F): void {
    if (this.evaluator.running) return;
    const index = ++this.throws;
    this.rejections.latest = { value: error, index, steps: this.vm.steps };
    if ((typeof error === 'object' && error !== null) || typeof error === 'function') {
      if (!this.thrown.has(error)) this.thrown.set(error, index);
    } else {
      this.lastThrown = { value: error, index };
    }
    if (this.movement.meetsThrow(index, this.breakpoints.stopsAtThrow(index)))
      this.stop(frame, 'throw', [], { error: { ...errorHead(this.host.kit, error), stack: '' } });
  }

  /** Nobody handled this error: the process is about to die of it. `stack` as Node will print it. */
  onFatal(error: unknown, stack: string): void {
    const isObject = (typeof error === 'object' && error !== null) || typeof error === 'function';
    const index = isObject
      ? (this.thrown.get(error) ?? 0)
      : this.lastThrown && Object.is(this.lastThrown.value, error)
        ? this.lastThrown.index
        : 0;
    const { turn, step } = this.vm.momentOf(this.vm.steps);
    this.send({ kind: 'fatal', error: { ...errorHead(this.host.kit, error), stack }, throws: index, turn, step });
  }

  /** The program writes to stdout or stderr. */
  onOutput(fd: 1 | 2, bytes: Uint8Array): void {
    let text = '';
    for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
    if (this.evaluator.running) return this.evaluator.onOutput(fd, text);
    const { turn, step } = this.vm;
    this.send({ kind: 'output', fd, bytes: text, index: ++this.branching.outputs, turn, step });
    if (this.movement.meetsOutput()) this.stop(this.vm.frames()[0], 'output', []);
  }

  /** The last event of a recording that just stops has been replayed. */
  onLastEvent(signal: string | null): void {
    const { turn, step } = this.vm;
    this.branching.lastEvent = { signal };
    this.send({ kind: 'lastEvent', signal, turn, step });
  }

  /** The program is over; the process ends right after this, or after microtasks. */
  onEnd(truncated: boolean, code: number | null, signal: string | null): void {
    this.end = { truncated, code, signal };
    this.tellEnd();
    this.arm();
  }

  private tellEnd(): void {
    const { truncated, code, signal } = this.end!;
    const { turn, step } = this.vm;
    const { lastMatch, watches } = this.movement;
    const change = watches ? this.watchpoints.changed() : undefined;
    if (change) this.endChange = { ...change, old: this.endChange?.id === change.id ? this.endChange.old : change.old };
    const lastStatement = this.vm.steps > 0 ? this.vm.momentOf(this.vm.steps) : null;
    const hits = this.breakpoints.counts();
    this.send({
      kind: 'ended',
      turn,
      step,
      lastStatement,
      truncated,
      code,
      signal,
      lastMatch,
      hits,
      ...(this.endChange ? { watch: this.endChange } : {}),
    });
  }

  /** The program asks for something that was not recorded, and cannot go on. A changed one stops there, to be looked at. */
  onDivergence(divergence: NonNullable<Paused['divergence']>): void {
    if (this.changed) this.stop(this.vm.frames()[0], 'diverged', [], { divergence });
  }

  /** A message to the controller, behind the hits that came before it. */
  private send(message: Reply | ReplayerEvent): void {
    this.telling.flush();
    this.host.send(message);
  }

  private stop(frame: F | undefined, reason: PauseReason, hit: Breakpoint[], more: Partial<Paused> = {}): void {
    this.pause = { reason, frame, more };
    this.within = reason === 'throw' || reason === 'output' || reason === 'rejection';
    const paused = this.paused(this.pause, hit);
    const pace = this.branching.pace();
    if (pace !== undefined) paused.pace = pace;
    if (this.movement.scans) paused.lastMatch = this.movement.lastMatch;
    this.movement.finish();
    this.rejections.ignore();
    this.send(paused);
    this.serve();
  }

  private paused({ reason, frame, more }: Pause<F>, hit: Breakpoint[]): Paused {
    const { vm } = this;
    const paused: Paused = {
      kind: 'paused',
      reason,
      ...(reason === 'output' ? vm.momentOf(vm.steps) : { turn: vm.turn, step: vm.step }),
      total: vm.steps,
      outputs: this.branching.outputs,
      depth: vm.callDepth(),
      throws: this.throws,
      breakpoints: hit.map(({ id, hits }) => ({ id, hit: hits })),
      place: frame === undefined ? NOWHERE : this.placeOf(frame),
      ...more,
    };
    return paused;
  }

  private standing(): Standing {
    const { lastEvent, outputs } = this.branching;
    const { turn, step, steps: total } = this.vm;
    const standing: Standing = { turn, step, total, outputs, throws: this.throws, within: this.within };
    return lastEvent ? { ...standing, lastEvent } : standing;
  }

  /** A scan that counts the place at which the run begins. */
  private lookHere(scan: Scan): void {
    const { movement, pause, vm } = this;
    if (scan.kind === 'throw' && pause?.reason === 'throw') movement.lastMatch = { ...vm.momentOf(vm.steps), throws: this.throws };
    else if (pause?.frame !== undefined) movement.look(this.breakpoints.at(pause.frame));
  }

  /** Answers requests until one of them lets the program run. */
  private serve(): void {
    for (;;) {
      const request = this.host.receive() as Request;
      if (request.do === 'run') {
        this.watchpoints.changed();
        this.movement.begin(request.goals, request.scan, this.pause?.frame);
        if (request.scan?.fromHere === true) this.lookHere(request.scan);
        if (this.movement.wantsRejections) this.rejections.listen();
        this.pause = undefined;
        this.branching.begin(request.lay);
        if (this.end) this.tellEnd();
        this.arm();
        return;
      }
      if (request.do === 'await') {
        this.await(request);
        return;
      }
      if (request.do === 'interrupt') continue;
      if (request.do === 'fork') {
        const pid = this.branching.fork(request.branch, () => this.standing());
        if (pid > 0) this.send({ kind: 'forked', pid });
        else if (pid < 0) this.send({ kind: 'failed', message: `the replayer could not be copied (error ${-pid})` });
        continue;
      }
      let reply: Reply;
      try {
        reply = this.answer(request);
      } catch (error) {
        if (error instanceof NoPlace) reply = { kind: 'noPlace', message: error.message };
        else
          reply = { kind: 'failed', message: error instanceof Error ? `${error.name}: ${error.message}` : 'the replayer could not answer' };
      }
      this.send(reply);
    }
  }

  /** The program goes on alone until the evaluation is settled: nothing stops it. */
  private await({ frame, expression }: Extract<Request, { do: 'await' }>): void {
    this.breakpoints.replace([]);
    this.movement.begin([], undefined, undefined);
    this.pause = undefined;
    this.evaluator.begin(this.frame(frame), expression, (value) => {
      const { turn, step } = this.vm;
      this.send({ kind: 'evaluated', clean: false, settled: { turn, step }, ...value });
      this.host.exitNow(0);
    });
  }

  private answer(request: Exclude<Request, { do: 'run' | 'await' | 'interrupt' | 'fork' }>): Reply {
    switch (request.do) {
      case 'breakpoints':
        this.breakpoints.replace(request.set);
        return { kind: 'done' };
      case 'back':
        return { kind: 'moment', moment: momentBefore(this.vm, request.how, this.within) };
      case 'where':
        if (!this.pause) return { kind: 'failed', message: 'the program has not begun' };
        return this.paused(this.pause, this.pause.frame === undefined ? [] : this.breakpoints.at(this.pause.frame));
      case 'locate':
        return { kind: 'located', total: request.turn <= this.vm.turn ? this.vm.stepsAt(request) : null };
      case 'frames':
        return {
          kind: 'frames',
          frames: [
            ...this.vm
              .frames()
              .slice(0, MAX_FRAMES)
              .map((frame) => this.placeOf(frame)),
            ...asyncFrames(this.vm),
          ],
        };
      case 'scheduled':
        return scheduledBy(this.vm, request.frame);
      case 'place':
        return { kind: 'place', place: placeIn(this.vm, this.host.kit, this.frame(request.frame), request.expression) };
      case 'track':
        this.tracker = this.vm.track(request.place, request.at ?? null);
        return { kind: 'done' };
      case 'wrote': {
        const place = locate(this.vm, this.host.kit, this.frame(request.frame), request.expression, true);
        return this.writesTo(place, request.expression);
      }
      case 'wroteHeld':
        return this.writesTo(this.watchpoints.place(request.id), 'it');
      case 'hold':
        this.watchpoints.hold(request.id, this.frame(request.frame), request.expression, request.impure === true);
        return { kind: 'done' };
      case 'release':
        this.watchpoints.release(request.id);
        return { kind: 'done' };
      case 'held':
        return { kind: 'held', ids: this.watchpoints.ids };
      case 'scopes':
        return { kind: 'scopes', scopes: this.scopes(request.frame) };
      case 'evaluate':
        return this.evaluator.evaluate(this.frame(request.frame), request.expression, request.milliseconds);
      case 'change':
        this.changed = true;
        this.host.whatIf();
        return this.evaluator.change(this.frame(request.frame), request.expression);
    }
  }

  private writesTo(place: Located, expression: string): Reply {
    if (!this.tracker) throw new RangeError('no writes were noted');
    return writesTo(this.vm, this.host.kit, this.tracker, place, expression);
  }

  private placeOf(frame: F): Place {
    const { file, line, column, functionName } = this.vm.locationOf(frame);
    return { function: functionName, file, line, column };
  }

  private frame(index: number): F {
    const frame = this.vm.frames()[index];
    if (frame === undefined) throw new RangeError(`there is no frame ${index}`);
    return frame;
  }

  private scopes(index: number): ScopeInfo[] {
    return this.vm.scopesOf(this.frame(index)).map(({ kind, names }) => ({
      kind,
      names: kind === 'global' ? [] : names.map(({ name, value, state }) => ({ name, ...this.variable(value, state) })),
    }));
  }

  private variable(value: unknown, state: string): Preview {
    if (state === 'value') return previewOf(this.host.kit, value, VARIABLE_LIMITS);
    return { type: state, preview: state === 'tdz' ? '<not initialized yet>' : '<not available>' };
  }
}

/** Where the event loop stands between turns. */
const NOWHERE: Place = { function: '', file: '', line: 0, column: 0 };
