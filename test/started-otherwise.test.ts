// Programs that no `retrace record` starts: by environment alone, given with -e or -p, by standard input, by an npm script, as ES modules.
import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { withoutNetwork } from '../recorder/isolation.test-support.js';
import { enginesOn, nodesUnderTest, type NodeUnderTest } from './nodes.js';
import { root } from './fixture.js';

const register = path.join(root, 'dist/recorder/register.js');
const SEE = 'console.log(process.argv.slice(1), process.execArgv, process.argv0, process.title, process.env.NODE_OPTIONS, Math.random());';

const TESTS = `
  const test = require('node:test');
  test('passes', () => {});
  test('fails', async (t) => {
    await t.test('inside', () => {});
    throw new Error(String(Math.random()));
  });`;

interface Started {
  readonly node: NodeUnderTest;
  readonly words: readonly string[];
  readonly input?: string;
  readonly options?: string;
  /** What the program prints. */
  readonly prints: RegExp;
  readonly exitCode?: number;
  readonly engines?: readonly ('native' | 'vm')[];
}

/** Runs the words in a folder with see.js, see.mjs and package.json, by environment alone, and replays in both engines. */
function check({
  node,
  words,
  input = '',
  options = `--require ${register}`,
  prints,
  exitCode = 0,
  engines = enginesOn(node),
}: Started): void {
  const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'retrace-test-started-')));
  try {
    const app = path.join(base, 'app');
    fs.mkdirSync(app);
    fs.writeFileSync(path.join(app, 'see.js'), SEE);
    fs.writeFileSync(path.join(app, 'see.mjs'), `import 'node:fs'; await 1; ${SEE}`);
    fs.writeFileSync(path.join(app, 'see.test.js'), TESTS);
    fs.writeFileSync(path.join(app, 'package.json'), '{ "scripts": { "see": "node see.js from npm" } }');
    const recording = path.join(base, 'recording');
    const PATH = `${path.dirname(node.binary)}:${process.env.PATH}`;
    const recorded = spawnSync(words[0]!, words.slice(1), {
      cwd: app,
      env: { PATH, HOME: base, NODE_OPTIONS: options, RETRACE_RECORDING_PATH: recording },
      input,
    });
    assert.equal(recorded.status, exitCode, String(recorded.stderr));
    assert.match(String(recorded.stdout), prints);
    fs.renameSync(app, path.join(base, 'app-was-here'));
    for (const engine of engines) {
      const [first, ...rest] = [
        ...withoutNetwork(),
        node.binary,
        path.join(root, 'dist/cli/main.js'),
        'replay',
        recording,
        '--engine',
        engine,
      ];
      assert.deepEqual(outcome(spawnSync(first!, rest, { cwd: '/', input: '' })), outcome(recorded), engine);
    }
  } finally {
    fs.rmSync(base, { recursive: true, force: true });
  }
}

function outcome({ stdout, stderr, status, signal }: SpawnSyncReturns<Buffer>): unknown {
  return { stdout: String(stdout), stderr: String(stderr), status, signal };
}

for (const node of nodesUnderTest()) {
  test(`scripts and modules, ${node.label}`, () => {
    check({ node, words: ['node', 'see', 'a'], prints: /see', 'a' \] \[\] node node undefined 0/ });
    check({
      node,
      words: ['node', '--stack-trace-limit=7', 'see.mjs'],
      options: `--no-deprecation -r "${register}"`,
      prints: /\[ '--stack-trace-limit=7' \] node node --no-deprecation 0/,
    });
  });
  test(`texts, ${node.label}`, () => {
    check({ node, words: ['node', '-e', SEE, '--', 'a', '-b'], prints: /^\[ 'a', '-b' \] \[\s+'-e'/ });
    check({ node, words: ['node', '-p', '6 * 7 + Math.random()'], prints: /^42\./ });
    check({ node, words: ['node', '--eval=throw new Error(Math.random())'], prints: /^$/, exitCode: 1 });
    check({ node, words: ['node'], input: SEE, prints: /^\[\] \[\] node node undefined 0/ });
    check({ node, words: ['node', '-', 'x'], input: SEE, prints: /^\[ '-', 'x' \]/ });
  });
}

for (const node of nodesUnderTest()) {
  test(`the test runner, ${node.label}`, () => {
    check({
      node,
      words: ['node', '--test', '--test-reporter', 'spec', 'see.test.js'],
      prints: /✔ inside[\s\S]* pass 2\n[\s\S]* fail 1\n/,
      exitCode: 1,
    });
  });
}

test('a text started by a text', () => {
  const [node] = nodesUnderTest();
  const inner = `${SEE.replaceAll("'", '"')} process.exitCode = 3;`;
  const outer = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(inner)}], { stdio: 'inherit' }).on('exit', console.log)`;
  check({ node: node!, words: ['node', '-e', outer], prints: /^\[\] \[[\s\S]*\n3 null\n$/ });
});

test('an npm script: npm and what it starts', () => {
  const [node] = nodesUnderTest();
  // What this is about is the tree; the interpreter has tests of its own.
  check({ node: node!, words: ['npm', 'run', 'see'], prints: /see\.js',\s+'from',\s+'npm'\s+\]/, engines: ['native'] });
});
