// Comparing runs: byte for byte, with the first difference shown in its context. Nothing here is lenient but the "…" of expectation files.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import type { Outcome } from './drive.js';
import type { Fixture, FixtureCase } from './fixture.js';

/** Asserts that two runs printed the same bytes and ended alike. */
export function assertSameRun(actual: Outcome, expected: Outcome, what: string): void {
  const problems: string[] = [];
  for (const stream of ['stdout', 'stderr'] as const) {
    if (!actual[stream].equals(expected[stream])) problems.push(`${stream} differs\n${firstDifference(actual[stream], expected[stream])}`);
  }
  if (ending(actual) !== ending(expected)) problems.push(`ended by ${ending(actual)} instead of ${ending(expected)}`);
  if (problems.length === 0) return;
  // What went wrong is usually said on stderr, whichever stream differs.
  const said = actual.stderr.equals(expected.stderr) ? '' : `\nits stderr:\n${clip(actual.stderr.toString())}`;
  assert.fail(`${what}: ${problems.join('\n')}${said}`);
}

export function ending({ exitCode, signal }: Pick<Outcome, 'exitCode' | 'signal'>): string {
  return signal === null ? `exit code ${exitCode}` : signal;
}

/** The first line that differs, with two lines before it. */
export function firstDifference(actual: Buffer, expected: Buffer): string {
  const [mine, theirs] = [actual, expected].map((bytes) => bytes.toString('latin1').split('\n'));
  let at = 0;
  while (at < mine.length && at < theirs.length && mine[at] === theirs[at]) at++;
  const show = (line: string | undefined) =>
    line === undefined ? '(nothing)' : JSON.stringify(Buffer.from(line, 'latin1').toString()).slice(0, 400);
  const before = theirs.slice(Math.max(0, at - 2), at).map((line) => `    ${show(line)}`);
  return [`  line ${at + 1} of ${theirs.length}:`, ...before, `  - ${show(theirs[at])}`, `  + ${show(mine[at])}`].join('\n');
}

/** Asserts that a run of a fixture's case ended, and printed, as the fixture says. */
export function assertAsDescribed(outcome: Outcome, { directory }: Fixture, one: FixtureCase): void {
  assert.equal(ending(outcome), one.endsBySignal ?? `exit code ${one.exitCode}`, `stderr: ${outcome.stderr}`);
  if (one.stdout)
    assertExpected(outcome.stdout.toString(), fs.readFileSync(path.join(directory, one.stdout), 'utf8'), one.anyOrder ?? false);
}

/** Asserts that the output is as an expectation file says. */
export function assertExpected(output: string, expectation: string, anyOrder: boolean): void {
  const lines = expectation.replace(/\n$/, '').split('\n');
  if (!anyOrder) {
    const whole = lines.map((line) => (line === '…' ? '[^]*?' : `${pattern(line)}\n`)).join('');
    if (new RegExp(`^${whole}$`).test(output)) return;
    const actual = output.replace(/\n$/, '').split('\n');
    const at = lines.findIndex((line, index) => line === '…' || !new RegExp(`^${pattern(line)}$`).test(actual[index] ?? ''));
    assert.fail(
      `line ${at + 1} is ${JSON.stringify(actual[at] ?? actual.at(-1))}, expected is ${JSON.stringify(lines[at] ?? '(the end)')}`,
    );
  }
  const left = output.replace(/\n$/, '').split('\n');
  for (const line of lines) {
    const at = left.findIndex((one) => new RegExp(`^${pattern(line)}$`).test(one));
    assert.notEqual(at, -1, `no line like ${JSON.stringify(line)} in:\n${left.join('\n')}`);
    left.splice(at, 1);
  }
  assert.deepEqual(left, [], 'lines nobody expected');
}

function pattern(line: string): string {
  return line
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
}

function clip(text: string): string {
  return text.length > 4000 ? `${text.slice(0, 4000)}…` : text;
}
