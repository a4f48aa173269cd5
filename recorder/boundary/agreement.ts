/**
 * What the replay and the recording agreed on so far, and, when they do not, the report of it.
 *
 * Used by the boundary in replay mode. Invariant: making a report takes nothing from the trace and calls nothing of the program.
 */
import { EventTag, type EventHead, type TraceReader } from '../trace';
import type { Site } from './core';
import { classify, type CrossingFacts, type Divergence, type DivergenceKind } from './divergence';

const captureStackTrace = Error.captureStackTrace;

/** How many events that agreed a divergence shows, and how many around it are looked at for its likely category. */
const AGREED = 8;
const AROUND = 200;
/** Events from an overflow within which another depth of the stack is the likely cause. */
const OVERFLOW_NEAR = 32;

/** What the program tried. */
export interface Attempt {
  readonly kind: DivergenceKind;
  readonly call?: CrossingFacts;
  /** The event it should have been, if that has been taken already. */
  readonly expected?: EventHead | undefined;
}

/** The state of the replay that a report tells. */
interface Circumstances {
  /** The exception the program dies of, if it does. */
  readonly fatal: unknown;
  /** process.version of the recording. */
  readonly recordedNode: string;
  readonly turn: number;
}

export class Agreement {
  private readonly last: EventHead[] = [];
  /** Where the stack overflowed in the recording. */
  overflows: readonly { readonly at: number; readonly depth: number }[] = [];

  constructor(private readonly reader: TraceReader) {}

  /** The program did what the event says. */
  with(head: EventHead): void {
    const { last } = this;
    if (last.length === AGREED) last.shift();
    last.push(head);
  }

  divergence(actual: string, { kind, call, expected }: Attempt, { fatal, recordedNode, turn }: Circumstances): Divergence {
    const facts = {
      kind,
      expected: expected === undefined ? null : factsOf(expected),
      actual: call ?? null,
      ...this.around(call),
      overflow: this.overflowNear(expected?.index ?? this.reader.index),
      nodes: [recordedNode, process.version] as const,
    };
    return {
      kind,
      ...classify(facts),
      expected: expected === undefined ? 'the end of the recording' : describe(expected),
      expectedEvent: facts.expected,
      actual: fatal === undefined ? actual : `${actual}, after the exception ${stackOf(fatal)}`,
      actualCall: facts.actual,
      turn,
      event: expected?.index ?? this.reader.index,
      stack: stackHere(),
      agreed: this.last.map(describe),
    };
  }

  private overflowNear(event: number): number {
    return this.overflows.find(({ at }) => Math.abs(at - event) <= OVERFLOW_NEAR)?.depth ?? 0;
  }

  /** Whether the call stands in the trace close by. */
  private around(call: CrossingFacts | undefined): { comesLater: boolean; cameBefore: boolean } {
    const same = ({ name, handle }: EventHead): boolean => call !== undefined && name === call.member && handle === call.handle;
    let later: EventHead[] = [];
    try {
      later = this.reader.upcoming(AROUND);
    } catch {
      // Damaged further on: the divergence is what is being told.
    }
    return { comesLater: later.some(same), cameBefore: this.last.some(same) };
  }
}

/** The program's stack, without frames of the boundary. */
export function stackHere(): string {
  const holder: { stack?: string } = {};
  captureStackTrace(holder);
  return String(holder.stack).replace(/^Error\n?/, '');
}

const KINDS = ['', 'define', 'call', 'throw', 'entry', 'drain', 'mark', 'end'];

function factsOf(head: EventHead): CrossingFacts {
  return { event: head.index, kind: KINDS[head.tag]!, member: head.name, handle: head.handle };
}

/** A call that the program makes. */
export function attempt(member: string, handle: number): CrossingFacts {
  return { event: null, kind: 'call', member, handle };
}

function describe(head: EventHead): string {
  const what = head.name !== '' ? head.name : KINDS[head.tag]!;
  const kind = head.tag === EventTag.Call || head.name === '' ? '' : `${KINDS[head.tag]} `;
  return `#${head.index} ${kind}${what}${head.handle === 0 ? '' : ` on handle ${head.handle}`}`;
}

export function describeCall(site: Site, handle: number): string {
  return handle === 0 ? site.name : `${site.name} on handle ${handle}`;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? String(error.stack).replaceAll('\n', '\n  ') : String(error);
}
