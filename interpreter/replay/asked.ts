/** What a replay is asked for and what it tells beside its stops: breakpoints, hits, log points, output, hooks. Part of the public API. */
import type { Evaluation } from './stop';

/** What the program wrote, told once however often it is replayed. */
export interface ProgramOutput {
  stream: 'stdout' | 'stderr';
  bytes: Buffer;
  position: string;
  /** A what-if wrote it: the recorded program has not. */
  whatIf?: true;
}

/** A change of the program's state by `set`. */
export interface Change {
  position: string;
  /** As given: what was assigned to, and what. */
  target: string;
  value: string;
}

export interface ReplayHooks {
  onOutput?: (output: ProgramOutput) => void;
  /** Log points that a movement forwards passes. */
  onLog?: (logged: Logged) => void;
  /** Told the turn that is being replayed, now and then. */
  onTurn?: (turn: number) => void;
  /** The same in more detail: at which of its statements, so that a long turn is seen to go on; step 0 as one begins. */
  onProgress?: (progress: { turn: number; step: number }) => void;
}

export interface Breakpoint {
  id: number;
  /** As shown: relative to the program's working directory. */
  file: string;
  line: number;
  column: number;
  /** Which of those asked for it belongs to: `function:NAME` may make several. */
  index: number;
}

export interface Watchpoint {
  id: number;
  expression: string;
}

/** One time that a location was reached. */
export interface Hit {
  position: string;
  file: string;
  line: number;
  column: number;
  /** Counts from 1. */
  hit: number;
  evaluations: Evaluation[];
}

/** A log point was passed. */
export interface Logged extends Hit {
  /** The breakpoint's id. */
  id: number;
  /** A what-if passed it, not the recorded program. */
  whatIf?: true;
}

export interface HitOptions {
  /** No more than so many. */
  limit?: number;
  /** Ends the search: the generator is done. */
  signal?: AbortSignal;
}
