/**
 * The debugger's half of a replayer: decides at each pause whether to stop, and while stopped answers the controller's requests.
 *
 * Created by inside.ts beside the VM, in a context of its own. A stop blocks the replayer's thread in place: `serve` reads requests from
 * the control socket until one of them is `run`. Invariant: answering frames, scopes or a clean evaluation changes nothing that
 * the program could see; an evaluation that might have changed something is reported as not clean.
 */
import { DEFAULT_LIMITS, errorHead, previewOf, type PreviewLimits } from './preview';
import type {
  BreakpointSpec,
  Goal,
  Moment,
  Orders,
  Paused,
  PauseReason,
  Place,
  Preview,
  ReplayerEvent,
  Reply,
  Request,
  Scan,
  ScopeInfo,
} from './protocol';
import { Evaluator, type EvaluatingVm, type EvaluationHost } from './evaluation';
import { Telling } from './telling';

/** What the VM says of a statement. Line and column are 1-based. */
export interface VmLocation {
  file: string;
  line: number;
  column: number;
  statementId: number;
  functionName: string;
}

export interface VmScope {
  kind: string;
  names: { name: string; value?: unknown; state: string }[];
}

/** The part of the VM that a session uses; `F` is its frame type. */
export interface DebuggedVm<F> extends EvaluatingVm<F> {
  readonly turn: number;
  readonly step: number;
  stopTurn: number;
  stopStep: number;
  beginTurn(turn: number): void;
  setBreakpoint(file: string, statementId: number, on: boolean): void;
  frames(): F[];
  callDepth(): number;
  scopesOf(frame: F): VmScope[];
  locationOf(frame: F): VmLocation;
}

export interface SessionHost extends EvaluationHost {
  /** The next message from the controller; waits for it. Never returns once the controller is gone. */
  receive(): Request | Orders;
  send(message: Reply | ReplayerEvent): void;
}

/** How often a running replayer tells its turn, in turns. */
const TURN_REPORT = 256;
const MAX_FRAMES = 200;
/** Shorter than for an evaluation: there are many variables. */
const VARIABLE_LIMITS: PreviewLimits = { ...DEFAULT_LIMITS, chars: 1000 };

interface Breakpoint extends BreakpointSpec {
  hits: number;
}

export class Session<F> {
  /** Breakpoints by file and statement. */
  private breakpoints = new Map<string, Map<number, Breakpoint[]>>();
  private goals: Goal[] = [];
  private scan: Scan | undefined;
  private lastMatch: Moment | null = null;
  private startTurn = 0;
  private atThrow = -1;
  private throws = 0;
  /** Index of the first throw of each error object, to find where a fatal error came from. */
  private thrown = new WeakMap<object, number>();
  private lastThrown: { value: unknown; index: number } | undefined;

  private readonly evaluator: Evaluator<F>;
  private readonly telling: Telling;

  constructor(
    private readonly vm: DebuggedVm<F>,
    private readonly host: SessionHost,
  ) {
    this.evaluator = new Evaluator(vm, host);
    this.telling = new Telling((event) => host.send(event), Date.now);
  }

  /** Waits for the first `run` request. Call before the program starts. */
  begin(): void {
    this.serve(undefined);
  }

  /** A turn begins. Turn 0 is the main script. */
  onTurn(turn: number): void {
    this.vm.beginTurn(turn);
    if (turn % TURN_REPORT === 0) this.send({ kind: 'turn', turn });
    this.arm();
  }

  /** The VM is about to run a statement at which it was told to pause. */
  onPause(frame: F): void {
    if (this.evaluator.running) return;
    const { vm } = this;
    const hit = this.hitsAt(frame);
    const reason = this.stopReason(hit);
    if (reason === undefined) {
      if (this.scan && vm.turn >= this.scan.fromTurn && this.scanMatches(this.scan, hit.length > 0)) {
        this.lastMatch = { turn: vm.turn, step: vm.step };
      }
      this.arm();
      return;
    }
    this.stop(frame, reason, hit);
  }

  /** The program threw, or native code threw into it; called once a throw, before anything is unwound. */
  onThrow(error: unknown, frame: F): void {
    if (this.evaluator.running) return;
    const index = ++this.throws;
    if ((typeof error === 'object' && error !== null) || typeof error === 'function') {
      if (!this.thrown.has(error)) this.thrown.set(error, index);
    } else {
      this.lastThrown = { value: error, index };
    }
    if (index === this.atThrow) this.stop(frame, 'throw', [], error);
  }

  /** Nobody handled this error: the process is about to die of it. `stack` as Node will print it. */
  onFatal(error: unknown, stack: string): void {
    const isObject = (typeof error === 'object' && error !== null) || typeof error === 'function';
    const index = isObject
      ? (this.thrown.get(error) ?? 0)
      : this.lastThrown && Object.is(this.lastThrown.value, error)
        ? this.lastThrown.index
        : 0;
    const { turn, step } = this.vm;
    this.send({ kind: 'fatal', error: { ...errorHead(this.host.kit, error), stack }, throws: index, turn, step });
  }

  /** The program writes to stdout or stderr. */
  onOutput(fd: 1 | 2, bytes: Uint8Array): void {
    if (this.evaluator.running) return;
    let text = '';
    for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
    const { turn, step } = this.vm;
    this.send({ kind: 'output', fd, bytes: text, turn, step });
  }

  /** The program is over; the process ends right after this. */
  onEnd(truncated: boolean): void {
    const { turn, step } = this.vm;
    const hits: { id: number; hit: number }[] = [];
    for (const statements of this.breakpoints.values()) {
      for (const list of statements.values()) for (const { id, hits: hit } of list) hits.push({ id, hit });
    }
    this.send({ kind: 'ended', turn, step, truncated, lastMatch: this.lastMatch, hits });
  }

  /** A message to the controller, behind the hits that came before it. */
  private send(message: Reply | ReplayerEvent): void {
    this.telling.flush();
    this.host.send(message);
  }

  private hitsAt(frame: F): Breakpoint[] {
    if (this.breakpoints.size === 0) return NONE;
    const { file, statementId } = this.vm.locationOf(frame);
    const found = this.breakpoints.get(file)?.get(statementId);
    if (!found) return NONE;
    let again = false;
    let logs = 0;
    for (let i = 0; i < found.length; i++) {
      const breakpoint = found[i]!;
      breakpoint.hits++;
      again ||= breakpoint.once !== true;
      if (breakpoint.log) {
        logs++;
        this.tell(frame, breakpoint, breakpoint.log);
      }
    }
    if (!again) this.vm.setBreakpoint(file, statementId, false);
    return logs === 0 ? found : found.filter(({ log }) => !log);
  }

  private tell(frame: F, { id, hits }: Breakpoint, expressions: readonly string[]): void {
    const { turn, step } = this.vm;
    this.telling.tell({ id, hit: hits, turn, step, values: this.evaluator.provable(frame, expressions) });
  }

  private stopReason(hit: Breakpoint[]): PauseReason | undefined {
    const { vm, goals } = this;
    for (let i = 0; i < goals.length; i++) {
      const goal = goals[i]!;
      switch (goal.kind) {
        case 'moment':
          if (vm.turn === goal.turn && vm.step === goal.step) return 'moment';
          if (vm.turn > goal.turn || (vm.turn === goal.turn && vm.step > goal.step)) return 'missed';
          break;
        case 'breakpoint':
          if (hit.some(({ id, hits }) => (goal.id ?? id) === id && (goal.hit ?? hits) === hits)) return 'breakpoint';
          break;
        case 'step':
          return 'step';
        case 'depth':
          if (vm.turn !== this.startTurn || vm.callDepth() <= goal.atMost) return 'step';
          break;
      }
    }
    return undefined;
  }

  private scanMatches(scan: Scan, atBreakpoint: boolean): boolean {
    return scan.kind === 'breakpoint' ? atBreakpoint : this.vm.callDepth() <= scan.atMost;
  }

  /** Tells the VM where it has to pause next. */
  private arm(): void {
    const { vm } = this;
    let next = Infinity;
    for (let i = 0; i < this.goals.length; i++) {
      const goal = this.goals[i]!;
      if (goal.kind === 'step' || goal.kind === 'depth') next = vm.step + 1;
      else if (goal.kind === 'moment' && goal.turn === vm.turn && goal.step > vm.step) next = Math.min(next, goal.step);
      else if (goal.kind === 'moment' && goal.turn < vm.turn) next = vm.step + 1;
    }
    if (this.scan?.kind === 'depth' && vm.turn >= this.scan.fromTurn) next = vm.step + 1;
    vm.stopTurn = next === Infinity ? -1 : vm.turn;
    vm.stopStep = next;
  }

  private stop(frame: F, reason: PauseReason, hit: Breakpoint[], thrown?: unknown): void {
    const { vm } = this;
    const paused: Paused = {
      kind: 'paused',
      reason,
      turn: vm.turn,
      step: vm.step,
      depth: vm.callDepth(),
      throws: this.throws,
      breakpoints: hit.map(({ id, hits }) => ({ id, hit: hits })),
      place: this.placeOf(frame),
    };
    if (reason === 'throw') paused.error = { ...errorHead(this.host.kit, thrown), stack: '' };
    if (this.scan) paused.lastMatch = this.lastMatch;
    this.send(paused);
    this.serve(frame);
  }

  private serve(frame: F | undefined): void {
    for (;;) {
      const request = this.host.receive() as Request;
      if (request.do === 'run') {
        this.goals = request.goals;
        this.scan = request.scan;
        this.lastMatch = null;
        this.startTurn = frame === undefined ? 0 : this.vm.turn;
        this.atThrow = -1;
        for (const goal of request.goals) if (goal.kind === 'throw') this.atThrow = goal.index;
        this.arm();
        return;
      }
      let reply: Reply;
      try {
        reply = this.answer(request);
      } catch (error) {
        reply = { kind: 'failed', message: error instanceof Error ? `${error.name}: ${error.message}` : 'the replayer could not answer' };
      }
      this.send(reply);
    }
  }

  private answer(request: Exclude<Request, { do: 'run' }>): Reply {
    switch (request.do) {
      case 'breakpoints':
        this.replaceBreakpoints(request.set);
        return { kind: 'done' };
      case 'frames':
        return {
          kind: 'frames',
          frames: this.vm
            .frames()
            .slice(0, MAX_FRAMES)
            .map((frame) => this.placeOf(frame)),
        };
      case 'scopes':
        return { kind: 'scopes', scopes: this.scopes(request.frame) };
      case 'evaluate':
        return this.evaluator.evaluate(this.frame(request.frame), request.expression);
    }
  }

  /** Hit counts of breakpoints that stay are kept. */
  private replaceBreakpoints(set: BreakpointSpec[]): void {
    const hits = new Map<number, number>();
    for (const [file, statements] of this.breakpoints) {
      for (const [statement, list] of statements) {
        this.vm.setBreakpoint(file, statement, false);
        for (const { id, hits: count } of list) hits.set(id, count);
      }
    }
    this.breakpoints = new Map();
    for (const { id, file, statement, once, log } of set) {
      let statements = this.breakpoints.get(file);
      if (!statements) this.breakpoints.set(file, (statements = new Map()));
      let list = statements.get(statement);
      if (!list) statements.set(statement, (list = []));
      list.push({ id, file, statement, once: once === true, ...(log ? { log } : {}), hits: hits.get(id) ?? 0 });
      this.vm.setBreakpoint(file, statement, true);
    }
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

const NONE: Breakpoint[] = [];
