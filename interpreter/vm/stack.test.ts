/** Stacks of guest code against V8's own, program by program. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { asyncPrograms, programs, throwing } from './stack-programs.test-support';

const runner = join(__dirname, 'stack-runner.test-support.js');

function run(engine: string): Record<string, string[]> {
  const output = execFileSync(process.execPath, ['--expose-internals', '--no-warnings', runner, engine], { encoding: 'utf8' });
  return JSON.parse(output) as Record<string, string[]>;
}

const native = run('native');
const vm = run('vm');

/** Programs in which a stack differs, and why. One that agrees after all must leave the list. */
const known: readonly [program: string, reason: string][] = [
  [
    'for (const x of {[Symbol.iterator]() { return { next() { return {} }, return() {',
    'a break that closes an iterator has no place of its own',
  ],
  ['function* g() { out(', 'a break that closes an iterator has no place of its own'],
];
const isKnown = (source: string): boolean => known.some(([start]) => source.startsWith(start) && !source.includes('continue_'));

function compare(key: string, source: string): void {
  assert.ok(native[key] !== undefined && native[key].length > 0);
  if (isKnown(source)) assert.notDeepEqual(vm[key], native[key], 'it agrees now: take it off the list');
  else assert.deepEqual(vm[key], native[key]);
}

for (const [index, source] of [...programs, ...asyncPrograms].entries()) {
  test(`${index}: ${source.slice(0, 90)}`, () => compare(String(index), source));
}

for (const [index, body] of throwing.entries()) {
  test(`throwing ${index}: ${body}`, () => compare(`throwing ${index}`, body));
}
