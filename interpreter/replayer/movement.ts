/**
 * One run of a session: what ends it, what it is to remember on the way, and where the VM has to pause for that.
 *
 * Owned by the session, which asks `reasonToStop` at every pause. Invariant: after `arm` the VM pauses at or before the next statement
 * that a goal or the scan could be met at.
 */
import type { Breakpoint } from './breakpoints';
import type { DebuggedVm } from './debugged';
import type { Goal, Moment, PauseReason, Scan } from './protocol';

export class Movement<F> {
  private goals: Goal[] = [];
  private scan: Scan | undefined;
  private startTurn = 0;
  /** Index of the throw that ends the run; -1 for none. */
  private atThrow = -1;
  /** The last moment that met the scan. */
  lastMatch: Moment | null = null;

  constructor(private readonly vm: DebuggedVm<F>) {}

  /** Begins a run. started: whether the program has executed anything. */
  begin(goals: Goal[], scan: Scan | undefined, started: boolean): void {
    this.goals = goals;
    this.scan = scan;
    this.lastMatch = null;
    this.startTurn = started ? this.vm.turn : 0;
    this.atThrow = -1;
    for (const goal of goals) if (goal.kind === 'throw') this.atThrow = goal.index;
    this.arm();
  }

  get scans(): boolean {
    return this.scan !== undefined;
  }

  /** Whether a change of a place that is held ends the run. */
  get watches(): boolean {
    for (let i = 0; i < this.goals.length; i++) if (this.goals[i]!.kind === 'watch') return true;
    return false;
  }

  endsAtThrow(index: number): boolean {
    return index === this.atThrow;
  }

  reasonToStop(hit: Breakpoint[]): PauseReason | undefined {
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

  /** At a pause that does not end the run: remembers it if the scan is for it. */
  look(hit: Breakpoint[]): void {
    const { scan, vm } = this;
    if (!scan || vm.turn < scan.fromTurn) return;
    if (scan.kind === 'breakpoint' ? hit.length > 0 : vm.callDepth() <= scan.atMost) this.lastMatch = { turn: vm.turn, step: vm.step };
  }

  /** Tells the VM where it has to pause next. */
  arm(): void {
    const { vm } = this;
    let next = Infinity;
    for (let i = 0; i < this.goals.length; i++) {
      const goal = this.goals[i]!;
      if (goal.kind === 'step' || goal.kind === 'depth' || goal.kind === 'watch') next = vm.steps + 1;
      else if (goal.kind === 'moment' && goal.turn <= vm.turn) next = Math.min(next, Math.max(vm.steps + 1, vm.stepsAt(goal)));
    }
    if (this.scan?.kind === 'depth' && vm.turn >= this.scan.fromTurn) next = vm.steps + 1;
    vm.pauseAt = next === Infinity ? 0 : next;
  }
}
