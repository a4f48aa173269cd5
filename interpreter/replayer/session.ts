/**
 * The debugger's half of a replayer: decides at each pause whether to stop, and while stopped answers the controller's requests.
 *
 * Created by inside.ts beside the VM, in a context of its own. A stop blocks the replayer's thread in place: `serve` reads requests from
 * the control socket until one of them is `run`. Invariant: answering frames, scopes or a clean evaluation changes nothing that
 * the program could see; an evaluation that might have changed something is reported as not clean.
 */
import { DEFAULT_LIMITS, errorHead, previewOf, type InspectionKit, type PreviewLimits } from './preview';
import type {
  BreakpointSpec,
  ErrorInfo,
  Evaluated,
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
import { evaluatePure } from './pure';

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
export interface DebuggedVm<F> {
  readonly turn: number;
  readonly step: number;
  stopTurn: number;
  stopStep: number;
  beginTurn(turn: number): void;
  setBreakpoint(file: string, statementId: number, on: boolean): void;
  frames(): F[];
  callDepth(): number;
  scopesOf(frame: F): VmScope[];
  evaluate(frame: F, expression: string): unknown;
  locationOf(frame: F): VmLocation;
}

export interface SessionHost {
  kit: InspectionKit;
  /** The next message from the controller; waits for it. Never returns once the controller is gone. */
  receive(): Request | Orders;
  send(message: Reply | ReplayerEvent): void;
  /** Runs something during which output is dropped and no event of the trace is used up. */
  apart<T>(run: () => T): T;
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
  private evaluating = false;
  /** Index of the first throw of each error object, to find where a fatal error came from. */
  private thrown = new WeakMap<object, number>();
  private lastThrown: { value: unknown; index: number } | undefined;

  constructor(
    private readonly vm: DebuggedVm<F>,
    private readonly host: SessionHost,
  ) {}

  /** Waits for the first `run` request. Call before the program starts. */
  begin(): void {
    this.serve(undefined);
  }

  /** A turn begins. Turn 0 is the main script. */
  onTurn(turn: number): void {
    this.vm.beginTurn(turn);
    if (turn % TURN_REPORT === 0) this.host.send({ kind: 'turn', turn });
    this.arm();
  }

  /** The VM is about to run a statement at which it was told to pause. */
  onPause(frame: F): void {
    if (this.evaluating) return;
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
    if (this.evaluating) return;
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
    this.host.send({ kind: 'fatal', error: { ...errorHead(this.host.kit, error), stack }, throws: index, turn, step });
  }

  /** The program writes to stdout or stderr. */
  onOutput(fd: 1 | 2, bytes: Uint8Array): void {
    if (this.evaluating) return;
    let text = '';
    for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
    const { turn, step } = this.vm;
    this.host.send({ kind: 'output', fd, bytes: text, turn, step });
  }

  /** The program is over; the process ends right after this. */
  onEnd(truncated: boolean): void {
    const { turn, step } = this.vm;
    const hits: { id: number; hit: number }[] = [];
    for (const statements of this.breakpoints.values()) {
      for (const list of statements.values()) for (const { id, hits: hit } of list) hits.push({ id, hit });
    }
    this.host.send({ kind: 'ended', turn, step, truncated, lastMatch: this.lastMatch, hits });
  }

  private hitsAt(frame: F): Breakpoint[] {
    if (this.breakpoints.size === 0) return NONE;
    const { file, statementId } = this.vm.locationOf(frame);
    const found = this.breakpoints.get(file)?.get(statementId);
    if (!found) return NONE;
    let again = false;
    for (let i = 0; i < found.length; i++) {
      found[i]!.hits++;
      again ||= found[i]!.once !== true;
    }
    if (!again) this.vm.setBreakpoint(file, statementId, false);
    return found;
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
    this.host.send(paused);
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
      this.host.send(reply);
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
        return this.evaluate(request.frame, request.expression);
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
    for (const { id, file, statement, once } of set) {
      let statements = this.breakpoints.get(file);
      if (!statements) this.breakpoints.set(file, (statements = new Map()));
      let list = statements.get(statement);
      if (!list) statements.set(statement, (list = []));
      list.push({ id, file, statement, once: once === true, hits: hits.get(id) ?? 0 });
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

  private evaluate(index: number, expression: string): Evaluated {
    const { vm } = this;
    const { kit } = this.host;
    const frame = this.frame(index);
    const scopes = vm.scopesOf(frame);
    const proved = evaluatePure(kit, expression, {
      lookup: (name) => {
        if (name === 'this') return { value: vm.evaluate(frame, 'this') };
        for (let i = 0; i < scopes.length; i++) {
          const { names } = scopes[i]!;
          for (let k = 0; k < names.length; k++) {
            if (names[k]!.name === name)
              return names[k]!.state === 'value' && scopes[i]!.kind !== 'with' ? { value: names[k]!.value } : undefined;
          }
        }
        return undefined;
      },
    });
    if (proved) return { kind: 'evaluated', clean: true, ...previewOf(kit, proved.value) };
    this.evaluating = true;
    const { stopStep, stopTurn } = vm;
    vm.stopTurn = -1;
    vm.stopStep = Infinity;
    try {
      const value = this.host.apart(() => vm.evaluate(frame, expression));
      return { kind: 'evaluated', clean: false, ...previewOf(kit, value) };
    } catch (error) {
      const head = errorHead(kit, error);
      const info: ErrorInfo = { ...head, stack: '' };
      return {
        kind: 'evaluated',
        clean: false,
        type: 'error',
        preview: head.name ? `${head.name}: ${head.message}` : head.message,
        error: info,
      };
    } finally {
      vm.stopStep = stopStep;
      vm.stopTurn = stopTurn;
      this.evaluating = false;
    }
  }
}

const NONE: Breakpoint[] = [];
