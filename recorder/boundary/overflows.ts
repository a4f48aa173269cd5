/**
 * Where V8's stack overflowed: recorded as facts, because V8 tells native code only, and at no crossing. recording.ts begins the watch,
 * replaying.ts reads the facts, the interpreter overflows there (interpreter/vm/overflow.ts).
 *
 * Invariant: a fact is written before the event that follows the overflow, so `at` says between which two events it was.
 */
import { hideOverflowWatch, stopOverflowWatch, takeOverflows, watchOverflows } from '../../native';
import { stackSize, type FactIndex, type Notices } from '../trace';

/** Kind of these facts. The key of the first says that overflows are recorded at all. */
const OVERFLOW = 'overflow';
const WATCHED = 'watched';
const MET = 'met';

/** Numbers of one overflow in what takeOverflows() returns. */
const FIELDS = 6;

/** A RangeError for want of stack. */
export interface RecordedOverflow {
  /** Events that the thread's trace had. */
  readonly at: number;
  /** Frames of the program on the stack. */
  readonly depth: number;
  /** Frames of other JavaScript, Node's own for example, above the topmost of these. */
  readonly above: number;
  /** Where the topmost frame of the program was, as a stack shows it: from 1. For a function that was being entered, where it begins. */
  readonly line: number;
  readonly column: number;
  readonly script: string;
}

/** Record: begins. own: start of the file names of ours. Returns what the writer of the trace heeds. */
export function recordOverflows(
  execArgv: readonly string[],
  own: string,
  write: (kind: string, key: string, value: unknown) => void,
): Notices | undefined {
  const pending = new Int32Array(2);
  const limit: unknown = Error.stackTraceLimit;
  if (!Number.isInteger(limit) || !watchOverflows(stackSize(execArgv) * 1024, limit as number, own, pending)) return undefined;
  write(OVERFLOW, WATCHED, true);
  const taken: (number | string)[] = [];
  return {
    pending,
    take() {
      const fresh = takeOverflows();
      for (let i = 0; i < fresh.length; i++) taken[taken.length] = fresh[i]!;
    },
    next: () => (taken.length === 0 ? Infinity : (taken[0] as number)),
    write() {
      const [, depth, above, line, column, script] = [taken[0], taken[1], taken[2], taken[3], taken[4], taken[5]];
      write(OVERFLOW, MET, { depth, above, line, column, script });
    },
    drop: () => void taken.splice(0, FIELDS),
  };
}

/** Runs what makes a context, whose Error.stackTraceLimit must be the one it has without us. */
export function withoutWatch<T>(run: () => T): T {
  hideOverflowWatch(true);
  try {
    return run();
  } finally {
    hideOverflowWatch(false);
  }
}

/** For good: another thread is about to make contexts of its own. */
export { stopOverflowWatch };

/** Replay: in the order in which they were met; undefined where nobody watched. */
export function overflowsOf(facts: FactIndex): RecordedOverflow[] | undefined {
  if (facts.find(OVERFLOW, WATCHED, 0) === undefined) return undefined;
  const list: RecordedOverflow[] = [];
  for (const { at, answer } of facts.learned(OVERFLOW, MET)) {
    const { depth, above, line, column, script } = Object('value' in answer ? answer.value : {}) as Partial<RecordedOverflow>;
    if (![depth, above, line, column].every(Number.isInteger) || typeof script !== 'string') continue;
    list.push({ at, depth: depth!, above: above!, line: line!, column: column!, script });
  }
  return list;
}
