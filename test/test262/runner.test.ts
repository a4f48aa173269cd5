/**
 * The runner on tests of our own (fixtures/language), which V8 and the VM both pass: CI has no test262. And on tests that must fail, since
 * a runner that passes everything would look the same.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../fixture';
import { page, readFigures, renderPage } from './figures';
import { readKnown } from './known';

const own = path.join(root, 'fixtures/language');

function run(checkout: string, ...words: string[]): { status: number | null; lines: string[] } {
  const main = path.join(root, 'dist/test/test262/main.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, '--dir', checkout, '--jobs', '1', ...words], { encoding: 'utf8' });
  return { status, lines: `${stdout}${stderr}`.trim().split('\n') };
}

test('V8 and the VM pass our own tests', () => {
  const { status, lines } = run(own);
  assert.equal(status, 0, lines.join('\n'));
  const [, all, v8, vm] = /: (\d+) scenarios, V8 passes (\d+), of these the VM (\d+)/.exec(lines.at(-2)!)!.map(Number);
  assert.ok(all! > 15);
  assert.deepEqual([v8, vm], [all, all], lines.join('\n'));
});

test('what fails is told, by name and with what it said', (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'retrace-test-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  fs.cpSync(path.join(own, 'harness'), path.join(folder, 'harness'), { recursive: true });
  const programs = {
    'fails.js': "/*---\nflags: [noStrict]\n---*/\nassert(false, 'so it is');",
    'no-error.js': '/*---\nflags: [module]\nnegative:\n  phase: parse\n  type: SyntaxError\n---*/\n',
    'another-error.js': '/*---\nflags: [onlyStrict]\nnegative:\n  phase: runtime\n  type: TypeError\n---*/\nthrow new RangeError();',
    'ends.js': '/*---\nflags: [raw]\n---*/\nfor (;;) throw 1;',
    'passes.js': '/*---\nflags: [raw]\n---*/\n',
  };
  fs.mkdirSync(path.join(folder, 'test/language'), { recursive: true });
  for (const [name, text] of Object.entries(programs)) fs.writeFileSync(path.join(folder, 'test/language', name), text);
  const results = path.join(folder, 'results.jsonl');
  const { status, lines } = run(folder, '--vm-only', '--results', results);
  assert.equal(status, 1, lines.join('\n'));
  const failed = lines.filter((line) => line.startsWith('FAILED')).sort();
  assert.deepEqual(failed, [
    'FAILED language/another-error.js (strict): RangeError:  instead of TypeError at runtime',
    'FAILED language/ends.js (raw): 1',
    'FAILED language/fails.js (sloppy): Test262Error: so it is',
    'FAILED language/no-error.js (module): no SyntaxError at parse',
  ]);
  // What stands in the results is not run again.
  fs.writeFileSync(path.join(folder, 'test/language/fails.js'), programs['fails.js'].replace('false', 'true'));
  assert.deepEqual(
    run(folder, '--vm-only', '--results', results)
      .lines.filter((line) => line.startsWith('FAILED'))
      .sort(),
    failed,
  );
});

test('the page says what the figures and the list say', () => {
  assert.equal(fs.readFileSync(page, 'utf8'), renderPage(readFigures(), readKnown()));
});
