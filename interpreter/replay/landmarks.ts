/**
 * What a movement can look for besides places, and how breakpoints may be asked for.
 *
 * Used by Replay. Invariant: only shapes and words; the searching is the timeline's.
 */
import type { HitCondition } from '../replayer/protocol';
import { BadLocation } from './errors';

/**
 * What runToNext and runToPrevious look for. rejection: the statement, or the throw, that rejected a promise which nobody handles; output: a statement that writes to stdout or stderr; event: the first statement because of an
 * event from outside; a location as for runTo; the beginning of a call of a function of that name.
 */
export type Landmark = 'throw' | 'rejection' | 'output' | 'event' | { location: string } | { call: string };

const KINDS = { throw: 'throw', rejection: 'unhandled rejection', output: 'output', event: 'event from outside' };

/** Begins the sentence that there is none. */
export function noneOf(landmark: Landmark): string {
  if (typeof landmark === 'string') return `there is no ${KINDS[landmark]}`;
  return 'call' in landmark ? `${landmark.call} is not called` : `${landmark.location} is not reached`;
}

/** A breakpoint as it is asked for. */
export interface BreakpointOptions {
  /** As for runTo. */
  location: string;
  /** JavaScript; stops only where it is true there. One that throws is not met; effects are thrown away. */
  condition?: string;
  /** `3`: only when the location is reached for the third time since the program began; `>=3`: from then on; `%3`: every third time. */
  hit?: string;
  /** Expressions: it does not stop the program but tells them (`onLog`), where the conditions are met. */
  log?: readonly string[];
}

/** Throws BadLocation. */
export function parseHitCondition(text: string): HitCondition {
  const found = /^\s*(>=|>|%|={1,3})?\s*(\d+)\s*$/.exec(text);
  const count = Number(found?.[2]);
  if (!found || !(count > 0)) throw new BadLocation(`"${text}" is no hit condition. Write 3, >=3 or %3.`);
  if (found[1] === '>') return { how: '>=', count: count + 1 };
  return { how: found[1] === '%' || found[1] === '>=' ? found[1] : '=', count };
}
