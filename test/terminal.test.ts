// Programs on a terminal: recorded on one, replayed on another and into a pipe, with nobody typing. Python's pty module makes the terminals.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { withoutNetwork } from '../recorder/isolation.test-support.js';
import { root } from './fixture.js';
import { enginesOn, nodesUnderTest } from './nodes.js';

type Step = ['expect' | 'send', string] | ['size', rows: number, columns: number];

const PROGRAMS: Record<string, { steps: Step[]; exitCode: number; shows: RegExp }> = {
  'question.js': {
    steps: [
      ['expect', 'name? '],
      ['send', 'Bob\r'],
      ['expect', '> '],
      ['send', 'abc\x7f\x7fx\r'],
      ['expect', '> '],
      ['size', 30, 100],
      ['expect', 'resized'],
      ['send', '\x03'],
      ['expect', 'interrupted'],
      ['send', 'quit\r'],
    ],
    exitCode: 0,
    shows: /line "ax"\n[\s\S]*resized .*100.* .*30/,
  },
  'keys.js': {
    steps: [
      ['expect', 'ready'],
      ['send', 'a'],
      ['expect', '"a"'],
      ['send', '\x1b[A'],
      ['expect', '"up"'],
      ['send', '\x03'],
      ['expect', '"c"'],
      ['send', 'q'],
    ],
    exitCode: 0,
    shows: /\["\\u0003","c",true,false\]/,
  },
  'lines.mjs': {
    steps: [
      ['expect', 'first? '],
      ['send', 'uno\n'],
      ['expect', 'ready'],
      ['send', 'two\n'],
      ['expect', 'line two'],
      ['send', 'end\n'],
    ],
    exitCode: 0,
    shows: /line end /,
  },
  'sync.js': {
    steps: [
      ['expect', 'ReadStream'],
      ['send', 'typed\n'],
      ['expect', 'waiting'],
      ['send', '\x03'],
    ],
    exitCode: 4,
    shows: /read .*6.* typed\n\nwritten\n/,
  },
  'progress.js': { steps: [], exitCode: 0, shows: /progress 5\/80/ },
};

const cli = path.join(root, 'dist/cli/main.js');
const env = { PATH: process.env.PATH, HOME: os.tmpdir(), TERM: 'xterm-256color' };

function onTerminal(
  steps: Step[],
  out: string,
  command: string[],
  variables: NodeJS.ProcessEnv,
): { shown: string; exitCode: number | null } {
  const words = [path.join(root, 'test/terminal.py'), JSON.stringify(steps), out, ...command];
  const { status, stderr } = spawnSync('python3', words, { env: variables, encoding: 'utf8' });
  assert.equal(stderr, '');
  return { shown: fs.readFileSync(out, 'latin1'), exitCode: status };
}

for (const node of nodesUnderTest())
  for (const [name, { steps, exitCode, shows }] of Object.entries(PROGRAMS))
    test(`${name}, ${node.label}`, () => {
      const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'retrace-test-terminal-')));
      try {
        fs.copyFileSync(path.join(root, 'fixtures/terminal', name), path.join(base, name));
        const recording = path.join(base, 'recording');
        const out = path.join(base, 'out');
        const recorded = onTerminal(steps, out, [node.binary, cli, 'record', '-o', recording, path.join(base, name)], env);
        // Said by `retrace record` itself, since stderr is a terminal.
        const shown = recorded.shown.replace(/retrace: recorded in .*\n$/, '');
        assert.notEqual(shown, recorded.shown);
        assert.match(shown, shows);
        assert.equal(recorded.exitCode, exitCode);
        fs.rmSync(path.join(base, name));
        for (const engine of enginesOn(node)) {
          const command = [...withoutNetwork(), node.binary, cli, 'replay', recording, '--engine', engine];
          assert.deepEqual(onTerminal([], out, command, { ...env, TERM: 'dumb' }), { shown, exitCode }, `${engine}, on a terminal`);
          const piped = spawnSync('sh', ['-c', '"$@" 2>&1 </dev/null', 'sh', ...command], { env: { PATH: env.PATH }, encoding: 'latin1' });
          assert.deepEqual({ shown: piped.stdout, exitCode: piped.status }, { shown, exitCode }, `${engine}, into a pipe`);
        }
      } finally {
        fs.rmSync(base, { recursive: true, force: true });
      }
    });
