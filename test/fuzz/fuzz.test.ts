/**
 * V8 and the VM do the same on random programs of fixed seeds, and on every program that the fuzzer once found them to differ on. Those
 * are kept in fixtures/found, each with its story in its first comment, and are compared to the letter of every stack.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { Engines, type Difference } from './engines';
import { generate } from './generate';
import { shrink } from './shrink';

const PROGRAMS = 60;
const folder = path.resolve(__dirname, '../../../fixtures/found');

const told = ({ v8, vm }: Difference, source: string): string => `${source}\nV8:\n${v8.join('\n')}\nVM:\n${vm.join('\n')}`;

const exact = new Engines();
const names = new Engines('names');
after(() => Promise.all([exact.close(), names.close()]));

test('programs that were found', async (t) => {
  for (const file of readdirSync(folder)) {
    await t.test(file, async () => {
      const source = readFileSync(path.join(folder, file), 'utf8');
      const difference = await exact.compare(source, file.endsWith('.script.js') ? 'script' : 'function');
      assert.equal(difference, undefined, difference && told(difference, ''));
    });
  }
});

test('random programs', async () => {
  for (let seed = 0; seed < PROGRAMS; seed++) {
    const program = generate(seed);
    const difference = await names.compare(program.source, program.goal);
    if (difference === undefined) continue;
    const small = await shrink(names, program, difference);
    assert.fail(`seed ${seed}, made small:\n${told(small.difference, small.program.source)}`);
  }
});

test('the same seed makes the same program', () => {
  assert.deepEqual(generate(7), generate(7));
  assert.notEqual(generate(7).source, generate(8).source);
});

test('a difference is found and made small', async () => {
  // The one thing that is known to differ: the frames of guest functions are not V8's.
  const source = 'var unused = 1;\nfunction f() { if (unused) { return f.arguments; } return 2; }\nlog(unused);\nlog(f(3));';
  const difference = await names.compare(source, 'function');
  assert.ok(difference);
  const small = await shrink(names, { source, goal: 'function' }, difference);
  assert.match(small.program.source, /^function f\(\) {\s*return f.arguments;\s*}\s*log\(f\(3\)\);$/);
});
