/**
 * A replay that asks for something else than was recorded. Made by replay.ts, shown on stderr or passed to the controller.
 *
 * Invariant: a divergence ends the replay; nothing of the live world is asked instead. Everything in it is data that a controller
 * can be sent; names come from the trace and may hold anything.
 */
import { printable } from '../trace';

/**
 * What went wrong, as the boundary sees it.
 *
 * - `call`: another call than the next event
 * - `handle`: that call, on another native object
 * - `data`: that write, of other data
 * - `refused`: a native function that retrace does not record
 * - `waiting`: nothing waits for the entry that comes next
 * - `turn`: the program is done with a turn and the recorded one was not, or the other way round
 * - `loader`: the module loader asked what it did not ask in the recording
 */
export type DivergenceKind = 'call' | 'handle' | 'data' | 'refused' | 'waiting' | 'turn' | 'loader';

/**
 * Where to look first.
 *
 * - `unhooked member`: native code answered that retrace does not record, so that the program took another way
 * - `order`: the right things in another order
 * - `identity`: the right call on another object
 * - `output`: the program made other data of what it was given
 * - `loader`: modules were looked for elsewhere
 * - `environment`: this Node, its flags or this machine are not the recorded ones
 * - `interpreter`: one engine follows the recording and the other does not
 * - `stack`: the stack overflowed about here in the recording, and may have done so elsewhere in the replay
 * - `damaged recording`: the recording is not what was written
 */
export type DivergenceCategory =
  'unhooked member' | 'order' | 'identity' | 'output' | 'loader' | 'environment' | 'interpreter' | 'stack' | 'damaged recording';

/** One crossing, recorded or attempted. */
export interface CrossingFacts {
  /** Index of the event in the trace; null for an attempt. */
  readonly event: number | null;
  /** call, throw, entry, drain, mark. */
  readonly kind: string;
  /** `binding.member`, or the name of a mark; '' where there is none. */
  readonly member: string;
  /** Number of the native object; 0 for none. */
  readonly handle: number;
}

export interface Divergence {
  readonly kind: DivergenceKind;
  readonly category: DivergenceCategory;
  /** One sentence: why that category. */
  readonly because: string;
  /** The next event of the trace: `binding.member`, its handle and index; 'the end of the recording' if there is none. */
  readonly expected: string;
  /** The same, typed; null at the end of the recording. */
  readonly expectedEvent: CrossingFacts | null;
  /** What the program did instead. */
  readonly actual: string;
  /** The same, typed; null where it is no crossing. */
  readonly actualCall: CrossingFacts | null;
  /** Turn in which it happened. */
  readonly turn: number;
  /** Index of the expected event in the trace. */
  readonly event: number;
  /** The program's stack, frames of the boundary left out. */
  readonly stack: string;
  /** The last events that agreed, oldest first. */
  readonly agreed: readonly string[];
}

/** What is known around a divergence and decides its category. */
export interface Circumstances {
  readonly kind: DivergenceKind;
  readonly expected: CrossingFacts | null;
  readonly actual: CrossingFacts | null;
  /** The actual call is among the events that come soon after, on the same handle. */
  readonly comesLater: boolean;
  /** The actual call was taken shortly before. */
  readonly cameBefore: boolean;
  /** Frames of the program on the stack that overflowed in the recording close by, 0 if none did. */
  readonly overflow: number;
  /** process.version of the recording and of the replay. */
  readonly nodes: readonly [recorded: string, here: string];
}

/** The likely category and the reason for it. Pure. */
export function classify(c: Circumstances): { category: DivergenceCategory; because: string } {
  const [recorded, here] = c.nodes;
  if (c.kind === 'refused')
    return { category: 'unhooked member', because: 'the program calls a native function that retrace does not record yet' };
  if (recorded !== here)
    return { category: 'environment', because: `this was recorded with Node ${recorded} and replayed with Node ${here}` };
  if (c.overflow !== 0)
    return {
      category: 'stack',
      because: `the stack overflowed about here in the recording, ${c.overflow} calls deep, and V8 may overflow elsewhere the next time; the interpreter (--engine vm) overflows where it was recorded`,
    };
  if (c.kind === 'loader') return { category: 'loader', because: 'the module loader asked something that it did not ask in the recording' };
  if (c.kind === 'data')
    return { category: 'output', because: 'the same write was made with other data: something the data was made of was not recorded' };
  if (c.kind === 'handle' || (c.kind === 'waiting' && c.expected !== null && c.expected.handle !== 0))
    return { category: 'identity', because: 'the recorded call belongs to another native object, so objects were numbered differently' };
  if (c.comesLater) return { category: 'order', because: 'the same call comes later in the recording' };
  if (c.cameBefore) return { category: 'order', because: 'the same call came earlier in the recording' };
  return {
    category: 'unhooked member',
    because: 'the program took another way, so something that it was told before differs and was not recorded',
  };
}

/** The report for people, several lines, ending in what to do next. */
export function divergenceReport(d: Divergence): string {
  return [
    `retrace: the replay diverged from the recording in turn ${d.turn}, at event ${d.event}`,
    `  expected: ${d.expected}`,
    `  actual:   ${d.actual}`,
    ...d.stack.split('\n').map((line) => `  ${line.trimStart().startsWith('at ') ? '  ' : ''}${line.trimStart()}`),
    '  last events that agreed:',
    ...d.agreed.map((line) => `    ${line}`),
    `  Likely: ${d.category}, because ${d.because}.`,
    '  Try `retrace verify`: it replays in both engines and says more.',
    '',
  ]
    .map(printable)
    .join('\n');
}
