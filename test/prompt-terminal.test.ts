// The prompt on a terminal: completion, history, the movement again, Ctrl-C that stops what runs and not the debugger, and no process left.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { root } from './fixture.js';

type Step = ['expect' | 'send', string];

const cli = path.join(root, 'dist/cli/main.js');
const PROGRAM = `let count = 0;
console.log('start');
for (let i = 0; i < 1e8; i++) {
  count += i & 3;
}
console.log(count);
`;

test('the prompt of retrace interpret on a terminal', (t) => {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'retrace-test-prompt-')));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  fs.writeFileSync(path.join(folder, 'loop.js'), PROGRAM);
  const history = path.join(folder, 'history');
  const env = { PATH: process.env.PATH, HOME: folder, TERM: 'xterm-256color', RETRACE_HISTORY: history };
  assert.equal(spawnSync(process.execPath, [cli, 'record', '-o', 'rec', 'loop.js'], { cwd: folder, env }).status, 0);

  const steps: Step[] = [
    ['expect', '(retrace)'],
    ['send', 'next\r'],
    ['expect', 'main:0:2'],
    ['expect', '(retrace)'],
    ['send', '\r'],
    ['expect', '\x1b[32m<\x1b[39m start'],
    ['expect', '(retrace)'],
    ['send', 'print cou\t'],
    ['expect', 'nt'],
    ['send', '\r'],
    ['expect', 'count = 0'],
    ['send', 'break lo\t'],
    ['expect', 'op.js:'],
    ['send', '6\r'],
    ['expect', 'Breakpoint 1 at'],
    ['expect', '(retrace)'],
    ['send', 'continue\r'],
    ['expect', 'Ctrl-C stops'],
    ['send', '\x03'],
    ['expect', 'interrupt at'],
    ['expect', '(retrace)'],
    ['send', 'print count > 0 && i > 0\r'],
    ['expect', ' = true'],
    ['send', 'half a line'],
    ['expect', 'half a line'],
    ['send', '\x03'],
    ['expect', '(retrace)'],
    ['send', '\x03'],
    ['expect', 'once more'],
    ['send', '\x03'],
  ];
  const out = path.join(folder, 'out');
  const words = [
    path.join(root, 'test/terminal.py'),
    JSON.stringify(steps),
    out,
    process.execPath,
    cli,
    'interpret',
    'rec',
    '--stop-at',
    'loop.js:1',
  ];
  const { status, stderr } = spawnSync('python3', words, { cwd: folder, env, encoding: 'utf8' });
  assert.equal(stderr, '');
  assert.equal(status, 0);
  assert.equal(fs.readFileSync(history, 'utf8'), 'next\nprint count\nbreak loop.js:6\ncontinue\nprint count > 0 && i > 0\n');
  assert.equal(fs.statSync(history).mode & 0o777, 0o600);
  const left = fs.readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && fs.readFileSync(`/proc/${pid}/environ`, 'latin1').includes(folder);
    } catch {
      return false;
    }
  });
  assert.deepEqual(left, []);
});
