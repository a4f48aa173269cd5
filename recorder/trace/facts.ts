/**
 * What the module loader learned about the file system: questions and answers, kept out of the order of the trace, because the
 * loader's caches fill at other moments in a replay than in the recording. The boundary writes and asks.
 *
 * Invariant: a question asked at event `at` gets the last answer given not after `at`; where there is none, the first one after
 * it, because a replay may ask earlier than the recording did. Sources are the exception: the n-th reading of a file gets what the
 * n-th reading got.
 */
import type { TraceReader } from './reader';
import { EventTag } from './tags';
import type { TraceWriter } from './writer';

/** Kind of the facts that are sources; the key is the path. */
export const SOURCE = 'source';

export type FactAnswer = { readonly value: unknown } | { readonly error: unknown };

export class FactWriter {
  constructor(readonly writer: TraceWriter) {}

  /** at: events written to the thread's trace so far. */
  write(kind: string, key: string, at: number, answer: FactAnswer): void {
    this.writer.fact(this.writer.intern(kind), key, at, answer);
  }

  close(): void {
    this.writer.close();
  }
}

interface Learned {
  readonly at: number;
  readonly answer: FactAnswer;
}

export class FactIndex {
  private readonly facts = new Map<string, Learned[]>();
  /** How often each source has been asked for. */
  private readonly readings = new Map<string, number>();

  /** Reads the whole file. Throws Damaged. */
  constructor(reader: TraceReader) {
    for (let event = reader.next(); event !== undefined; event = reader.next()) {
      if (event.tag !== EventTag.Fact) continue;
      const key = `${reader.names[event.kind]}\0${event.key}`;
      let list = this.facts.get(key);
      if (list === undefined) this.facts.set(key, (list = []));
      list.push({ at: event.at, answer: event.answer as FactAnswer });
    }
  }

  /** at: index of the event the replay has reached. */
  find(kind: string, key: string, at: number): FactAnswer | undefined {
    const list = this.facts.get(`${kind}\0${key}`);
    if (list === undefined) return undefined;
    if (kind === SOURCE) {
      const before = this.readings.get(key) ?? 0;
      this.readings.set(key, before + 1);
      return list[Math.min(before, list.length - 1)]!.answer;
    }
    let found = list[0]!;
    for (const learned of list) if (learned.at <= at) found = learned;
    return found.answer;
  }

  /** Every answer to a question, in the order given, with the event count it was given at. */
  learned(kind: string, key: string): readonly { readonly at: number; readonly answer: FactAnswer }[] {
    return this.facts.get(`${kind}\0${key}`) ?? [];
  }

  /** Every question of a kind, in the order asked. */
  *all(kind: string): Iterable<{ readonly key: string; readonly answer: FactAnswer }> {
    for (const [full, list] of this.facts) {
      if (!full.startsWith(`${kind}\0`)) continue;
      for (const { answer } of list) yield { key: full.slice(kind.length + 1), answer };
    }
  }
}
