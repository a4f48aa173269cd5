/** The JSON shapes of the public API: stops, ends, values. Stable: scripts and editors rely on them. Made by replay.ts. */
import type { Divergence as DivergenceDetails } from '../../recorder/boundary/divergence';

/** A value as shown to a person. `value` is there for strings (of up to a million units), finite numbers, booleans and null; it is exact. */
export interface Value {
  /** typeof, or `null`; `tdz` for a variable that is not initialized yet, `error` for an evaluation that threw. */
  type: string;
  preview: string;
  value?: string | number | boolean | null;
}

export interface Frame {
  /** '' for the top level of a module. */
  function: string;
  /** Relative to the program's working directory where it is inside of it, else absolute. */
  file: string;
  /** 1-based. */
  line: number;
  /** 1-based, in UTF-16 units. */
  column: number;
  /** Not on the stack: it awaits the frames above, or had scheduled them. Such frames come after all those on the stack. */
  async?: true;
  /** What it did that led to the frames above: `await`, `setTimeout`, `then`, `on`, ... Not on callers of one that has it. */
  by?: string;
  /** Of an async frame, where it did. */
  position?: string;
}

/** What scheduled a callback. */
export interface Scheduled {
  /** `await`, the name of the function that was called (`setTimeout`, `then`, `on`, `createServer`, ...), or `definition`. */
  by: string;
  /** Name of the function that was scheduled. */
  callback: string;
  /** Of the statement that did it. */
  position: string;
  /** The place of the call. */
  file: string;
  line: number;
  column: number;
}

/** How a variable, a property or an entry got its value. */
export interface Write {
  expression: string;
  /**
   * `literal`: as part of an object or array literal; `call`: within a function of Node's or of the language, or in what that returned;
   * `argument`: it came with the call of the function; `declaration`: as its function or block began; `outside`: not by the program.
   */
  how: 'assignment' | 'literal' | 'delete' | 'call' | 'argument' | 'declaration' | 'outside';
  /** Of a call or an argument: the function. */
  by?: string;
  /** Of the statement. */
  position?: string;
  /** The place of the assignment or the call. */
  file?: string;
  line?: number;
  column?: number;
  /** Absent: there was nothing. */
  old?: Value;
  /** Absent: it was deleted. */
  new?: Value;
  /** What it is by now, where something that is no statement of the program, such as Node's own code, has written since. */
  now?: Value;
}

export interface Evaluation extends Value {
  expression: string;
  /** What it threw. The stack of a SyntaxError shows where in the expression it is. */
  error?: ErrorValue;
  /** What it wrote; the program has not. */
  output?: { stream: 'stdout' | 'stderr'; text: string }[];
  /** Of an expression that awaits: the position to which the program had to go on until that was settled. */
  settled?: string;
}

export interface ErrorValue {
  name: string;
  message: string;
  stack: string;
}

export interface Scope {
  /** local, block, closure, module, global, ... innermost first. */
  kind: string;
  names: Record<string, Value>;
}

/** diverged: a what-if asks for something that was not recorded, and cannot go on. */
export type StopReason = 'entry' | 'breakpoint' | 'step' | 'watchpoint' | 'exception' | 'interrupt' | 'diverged';

/** Where the program stands: before a statement, or at the moment of a throw. */
export interface Stop {
  /** thread:turn:step */
  position: string;
  reason: StopReason;
  file: string;
  line: number;
  column: number;
  /** How often this place had been reached, this time included, since the program began. Set at breakpoints. */
  hit?: number;
  frames: Frame[];
  /** Variables of the top frame's function and blocks; an inner one hides an outer one of its name. */
  locals: Record<string, Value>;
  evaluations: Evaluation[];
  /** At an exception. */
  error?: ErrorValue;
  /** At the end of a what-if: what it asked for, and what was recorded instead. */
  divergence?: { message: string; report: string; details: DivergenceDetails };
  /** A what-if stands here, not the recorded program. */
  whatIf?: true;
  /** After scheduledBy: what happens at this statement. */
  scheduled?: Scheduled;
  /** At a watchpoint: what has changed, or going back, is about to. */
  watch?: { id: number; expression: string; old?: Value; new?: Value };
  /** After whoWrote: what this statement writes. */
  wrote?: Write;
}

/** The program is over. */
export interface End {
  position: string;
  reason: 'end';
  /** What the parent process saw: null when a signal ended it. */
  exitCode: number | null;
  signal: string | null;
  /** The recording stops before the program did, because it was killed: this is as far as it is known. */
  truncated: boolean;
  evaluations: Evaluation[];
  /** The error nobody handled, if that is what ended it. */
  error?: ErrorValue;
  /** A watched place that the very last statement has changed. */
  watch?: { id: number; expression: string; old?: Value; new?: Value };
  /** A what-if has ended, not the recorded program. */
  whatIf?: true;
}

export function isEnd(at: Stop | End): at is End {
  return at.reason === 'end';
}
