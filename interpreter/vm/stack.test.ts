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

for (const [index, source] of [...programs, ...asyncPrograms].entries()) {
  test(`${index}: ${source.slice(0, 90)}`, () => {
    assert.notEqual(native[index]?.length, 0);
    assert.deepEqual(vm[index], native[index]);
  });
}

for (const [index, body] of throwing.entries()) {
  test(`throwing ${index}: ${body}`, () => {
    assert.deepEqual(vm[`throwing ${index}`], native[`throwing ${index}`]);
  });
}
