/**
 * The language as V8 has it: every program in fixtures/semantics is run by plain node and by the VM, and must print the same bytes and end
 * with the same exit code. V8 is the oracle, so there are no expectation files. What node says on stderr of an uncaught error is not compared:
 * the excerpt above it is the replayer's doing, not the VM's.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ending, firstDifference } from './compare';
import type { Outcome } from './drive';

const root = path.resolve(__dirname, '../..');
const folder = path.join(root, 'fixtures/semantics');
const vmRunner = path.join(root, 'dist/interpreter/vm/run.test-support.js');

/** Programs on which the VM is known to differ, and why. A program that agrees after all must leave the list. */
const knownFailures: Readonly<Record<string, string>> = {
  'call-as-target.js': 'the parser refuses a call on the left of an assignment; V8 lets it run into a ReferenceError',
  'legacy-caller.js': 'a running guest function has no V8 frame of its own for f.arguments and f.caller to show',
  'quoted-by-builtins.js': 'structuredClone quotes the text of the host function that stands for a guest function',
};

function run(words: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd: folder, encoding: 'buffer', maxBuffer: 64 << 20, timeout: 120_000 } as const;
    const child = execFile(process.execPath, words, options, (_error, stdout, stderr) => {
      resolve({ stdout, stderr, exitCode: child.exitCode, signal: child.signalCode });
    });
  });
}

/** What differs between the two runs, or nothing. */
function difference(plain: Outcome, vm: Outcome): string | undefined {
  const problems: string[] = [];
  if (ending(vm) !== ending(plain)) problems.push(`ended by ${ending(vm)} instead of ${ending(plain)}`);
  if (!vm.stdout.equals(plain.stdout)) problems.push(`stdout differs\n${firstDifference(vm.stdout, plain.stdout)}`);
  if (problems.length > 0 && !vm.stderr.equals(plain.stderr)) problems.push(`its stderr:\n${vm.stderr.toString().slice(0, 3000)}`);
  return problems.length > 0 ? problems.join('\n') : undefined;
}

const programs = readdirSync(folder).filter((file) => file.endsWith('.js'));

test('every known failure is a program', () => {
  for (const file of Object.keys(knownFailures)) assert.ok(programs.includes(file), file);
});

test('the VM prints what V8 prints', { concurrency: 2 }, async (t) => {
  await Promise.all(
    programs.map((file) =>
      t.test(file, async () => {
        const program = path.join(folder, file);
        const [plain, vm] = await Promise.all([run([program]), run([vmRunner, program])]);
        const problem = difference(plain, vm);
        if (knownFailures[file] === undefined) assert.equal(problem, undefined, problem);
        else assert.notEqual(problem, undefined, `${file} agrees now: take it off the list`);
      }),
    ),
  );
});
