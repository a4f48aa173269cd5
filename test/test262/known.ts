// The list of scenarios that V8 passes and the VM does not, known-failures.txt: a reason after each #, the scenarios below it by name, and
// behind the name, in brackets, the Node majors it holds for, if not for all. Invariant: compared in both directions.
import fs from 'node:fs';
import path from 'node:path';
import { root } from '../fixture';
import type { Outcome } from './main';
import { nameOf } from './scenarios';

export const listFile = path.join(root, 'test/test262/known-failures.txt');

export interface Known {
  readonly name: string;
  readonly reason: string;
  readonly majors: readonly string[] | undefined;
}

export function readKnown(text = fs.readFileSync(listFile, 'utf8')): Known[] {
  const known: Known[] = [];
  let reason = '';
  for (const line of text.split('\n')) {
    const [, name, majors] = /^(\S+ \(\w+\))(?: \[([\d ]+)\])?$/.exec(line) ?? [];
    if (line.startsWith('#')) reason = line.slice(1).trim();
    else if (name !== undefined) known.push({ name, reason, majors: majors?.split(' ') });
    else if (line.trim() !== '') throw new Error(`known-failures.txt: not understood: ${line}`);
  }
  return known;
}

/** Failures that are not listed, and listed ones that ran and did not fail. */
export function compareWithKnown(outcomes: readonly Outcome[]): { unexpected: Outcome[]; stale: string[] } {
  const major = process.versions.node.split('.')[0]!;
  const known = new Map(
    readKnown()
      .filter(({ majors }) => majors === undefined || majors.includes(major))
      .map((one) => [one.name, one]),
  );
  const unexpected: Outcome[] = [];
  const stale: string[] = [];
  for (const outcome of outcomes) {
    const name = nameOf(outcome.scenario);
    const fails = typeof outcome.failures.vm === 'string';
    if (fails && !known.has(name)) unexpected.push(outcome);
    if (!fails && known.has(name)) stale.push(name);
  }
  return { unexpected, stale };
}
