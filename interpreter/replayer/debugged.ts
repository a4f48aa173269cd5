/**
 * What the parts of a session know of the VM, and of the process around it. Implemented by vm/vm.ts and inside.ts; faked in tests.
 *
 * Invariant: types only.
 */
import type { Tracked, Tracker } from '../vm';
import type { EvaluationHost } from './evaluation';
import type { SchedulingVm } from './scheduled';
import type { WatchingVm } from './watch';
import type { BranchingHost } from './branching';
import type { RejectionHost } from './rejections';
import type { Moment, Orders, ReplayerEvent, Reply, Request } from './protocol';

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
export interface DebuggedVm<F> extends WatchingVm<F>, SchedulingVm {
  track(place: Tracked, at: Moment | null): Tracker;
  readonly turn: number;
  readonly step: number;
  /** Statements executed since the program began. */
  readonly steps: number;
  /** Pause before this statement, by that count; 0 for none. */
  pauseAt: number;
  /** The same count before the event loop entered the program, where it does now. */
  readonly entryStep: number;
  pausesAtEntry: boolean;
  stepsAt(moment: Moment): number;
  momentOf(steps: number): Moment;
  beginTurn(turn: number): void;
  /** Calls back at statements of no program, so that everything is compiled that is called there. */
  rehearse(ask: () => void): void;
  setBreakpoint(file: string, statementId: number, on: boolean): void;
  countOf(file: string, statementId: number): number;
  frames(): F[];
  /** The frames that go on when this one is left, nearest first. */
  callersOf(frame: F): F[];
  isAlive(frame: F): boolean;
  isWaiting(frame: F): boolean;
  flood(frames: readonly F[]): void;
  ebb(): void;
  stepsIn(frame: F): { last: number; previous: number };
  callDepth(): number;
  scopesOf(frame: F): VmScope[];
  locationOf(frame: F): VmLocation;
}

export interface SessionHost extends EvaluationHost, BranchingHost, RejectionHost {
  /** The next message from the controller; waits for it. Never returns once the controller is gone. */
  receive(): Request | Orders;
  send(message: Reply | ReplayerEvent): void;
  /** Ends the process at once. */
  exitNow(code: number): never;
  /** From here on the program is not the recorded one. */
  whatIf(): void;
}
