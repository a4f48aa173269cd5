/**
 * One run of a session: what ends it, what it is to remember on the way, and where the VM has to pause for that.
 *
 * Owned by the session, which asks at every pause, throw and output. Invariant: after `arm` the VM pauses at or before the next
 * statement that a goal or the scan could be met at; after `finish` nothing of the run is left in the VM.
 */
import type { Breakpoint } from './breakpoints';
import type { DebuggedVm } from './debugged';
import { inTime, type Goal, type Match, type Moment, type PauseReason, type Rejected, type Scan } from './protocol';

export class Movement<F> {
  private goals: Goal[] = [];
  private scan: Scan | undefined;
  private startTurn = 0;
  private startSteps = 0;
  /** Steps over and out: the frame they began in, and the frames whose next statement ends them, nearest first. */
  private own: F | undefined;
  private targets: F[] = [];
  /** The last moment that met the scan. */
  lastMatch: Match | null = null;

  constructor(private readonly vm: DebuggedVm<F>) {}

  /** Begins a run. frame: where the program stands; undefined if none of it is on the stack. */
  begin(goals: Goal[], scan: Scan | undefined, frame: F | undefined): void {
    const { vm } = this;
    this.finish();
    this.goals = goals;
    this.scan = scan;
    this.lastMatch = null;
    this.startTurn = vm.turn;
    this.startSteps = vm.steps;
    const walk = goals.find(({ kind }) => kind === 'over' || kind === 'out');
    if (walk) {
      this.own = frame;
      if (frame !== undefined) this.aim(walk.kind === 'over' ? [frame, ...vm.callersOf(frame)] : vm.callersOf(frame));
      vm.pausesAtEntry = true;
    }
    this.arm();
  }

  /** The run is over. */
  finish(): void {
    this.vm.ebb();
    this.vm.pausesAtEntry = false;
    this.own = undefined;
    this.targets = [];
    this.goals = [];
    this.scan = undefined;
  }

  get scans(): boolean {
    return this.scan !== undefined;
  }

  /** Whether a change of a place that is held ends the run. */
  get watches(): boolean {
    for (let i = 0; i < this.goals.length; i++) if (this.goals[i]!.kind === 'watch') return true;
    return false;
  }

  /** At a pause before a statement of the frame. */
  reasonToStop(frame: F, hit: Breakpoint[]): PauseReason | undefined {
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
        case 'over':
        case 'out':
          if (this.arrives(frame)) return 'step';
          break;
        case 'turn':
          if (vm.turn !== this.startTurn) return 'step';
          break;
      }
    }
    return undefined;
  }

  /** At a throw: whether it ends the run. Remembers it if the scan is for it. */
  meetsThrow(index: number, isBreakpoint: boolean): boolean {
    const { goals, scan, vm } = this;
    for (let i = 0; i < goals.length; i++) {
      const goal = goals[i]!;
      if (goal.kind === 'throw' && (goal.index ?? index) === index) return true;
      if (isBreakpoint && goal.kind === 'breakpoint' && goal.id === undefined) return true;
    }
    const isSought = scan?.kind === 'throw' || (isBreakpoint && scan?.kind === 'breakpoint' && scan.id === undefined);
    if (isSought && vm.turn >= scan.fromTurn) this.lastMatch = { ...vm.momentOf(vm.steps), throws: index };
    return false;
  }

  /** The program wrote something: whether that ends the run. Remembers it if the scan is for it. */
  meetsOutput(): boolean {
    const { goals, scan, vm } = this;
    if (vm.steps === 0) return false;
    if (vm.steps > this.startSteps && goals.some(({ kind }) => kind === 'output')) return true;
    if (scan?.kind === 'output' && vm.turn >= scan.fromTurn) this.lastMatch = vm.momentOf(vm.steps);
    return false;
  }

  get wantsRejections(): boolean {
    return this.scan?.kind === 'rejection' || this.goals.some(({ kind }) => kind === 'rejection');
  }

  /** Node found an unhandled rejection: whether that ends the run. Remembers it if the scan is for it. */
  meetsRejection(rejected: Rejected): boolean {
    const { goals, scan } = this;
    if (goals.some((goal) => goal.kind === 'rejection' && inTime(rejected, goal.after) > 0)) return true;
    const isSought = scan?.kind === 'rejection' && rejected.turn >= scan.fromTurn && (!scan.before || inTime(rejected, scan.before) < 0);
    if (isSought && (!this.lastMatch || inTime(this.lastMatch, rejected) < 0)) this.lastMatch = rejected;
    return false;
  }

  /** At a pause that does not end the run: remembers it if the scan is for it. */
  look(hit: Breakpoint[]): void {
    const { scan, vm } = this;
    if (scan?.kind !== 'breakpoint' || vm.turn < scan.fromTurn) return;
    if (hit.some(({ id }) => (scan.id ?? id) === id)) this.lastMatch = { turn: vm.turn, step: vm.step };
  }

  /** Tells the VM where it has to pause next. */
  arm(): void {
    const { vm } = this;
    let next = Infinity;
    for (let i = 0; i < this.goals.length; i++) {
      const goal = this.goals[i]!;
      const anywhere =
        goal.kind === 'step' || goal.kind === 'watch' || ((goal.kind === 'over' || goal.kind === 'out') && this.own === undefined);
      if (anywhere || (goal.kind === 'turn' && vm.turn !== this.startTurn)) next = vm.steps + 1;
      else if (goal.kind === 'moment' && goal.turn <= vm.turn) next = Math.min(next, Math.max(vm.steps + 1, vm.stepsAt(goal)));
    }
    vm.pauseAt = next === Infinity ? 0 : next;
  }

  private arrives(frame: F): boolean {
    const { vm, own } = this;
    if (own === undefined || this.isNext(frame)) return true;
    if (vm.steps !== vm.entryStep + 1) return false;
    // The event loop entered the program anew: what waits may be awaited by others now.
    const live = this.targets.filter((target) => vm.isAlive(target));
    const goesOn = vm.isAlive(own);
    const found = new Set(live);
    for (const one of goesOn ? [own, ...live] : live) for (const caller of vm.callersOf(one)) if (vm.isWaiting(caller)) found.add(caller);
    if (found.size === 0 && !goesOn) return true;
    this.aim([...found]);
    return this.isNext(frame);
  }

  /** Whether the frame is among those sought. One that a nearer one is called by or awaits comes later: that goes on first. */
  private isNext(frame: F): boolean {
    const at = this.targets.indexOf(frame);
    for (let i = 0; i < at; i++) if (this.vm.isWaiting(this.targets[i]!)) return false;
    return at >= 0;
  }

  private aim(frames: F[]): void {
    this.targets = frames;
    this.vm.ebb();
    this.vm.flood(frames);
  }
}

/** The moment that a step back leads to from a pause before a statement of the top frame, or `within` it; null if there is none. */
export function momentBefore<F>(vm: DebuggedVm<F>, how: 'in' | 'over' | 'out' | 'turn', within: boolean): Moment | null {
  const steps = how === 'turn' ? turnBefore(vm) : stepsBefore(vm, how, within);
  return steps > 0 ? vm.momentOf(steps) : null;
}

function stepsBefore<F>(vm: DebuggedVm<F>, how: 'in' | 'over' | 'out', within: boolean): number {
  if (how === 'in') return within ? vm.steps : vm.steps - 1;
  const frame = vm.frames()[0];
  if (frame === undefined) return vm.steps;
  if (how === 'over') {
    const { last, previous } = vm.stepsIn(frame);
    const before = within ? last : previous;
    if (before > 0) return before;
  }
  // A caller whose parameters are still being bound has no statement yet.
  for (const caller of vm.callersOf(frame)) {
    const { last } = vm.stepsIn(caller);
    if (last > 0) return last;
  }
  return vm.entryStep;
}

function turnBefore<F>(vm: DebuggedVm<F>): number {
  const first = vm.stepsAt({ turn: vm.turn, step: 1 });
  if (vm.steps > first) return first;
  if (first <= 1) return 0;
  return vm.stepsAt({ turn: vm.momentOf(first - 1).turn, step: 1 });
}
