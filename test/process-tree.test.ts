// The tree of processes in one recording: what `retrace info` says of it, and that each process replays alone.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { readFixture, type FixtureCase } from './fixture.js';
import { nodesUnderTest } from './nodes.js';
import { Workbench } from './workbench.js';

interface Listed {
  number: number;
  pid: number;
  parent: { process: number; pid: number; how: string; event: number } | null;
  argv: string[];
  end: { kind: string; code: number; signal: string | null } | null;
}

const fixture = readFixture('process-tree');
const caseOf = (name: string): FixtureCase => fixture.cases.find((one) => one.name === name)!;

async function tree(bench: Workbench): Promise<Listed[]> {
  const { stdout, stderr } = await bench.retrace('info', bench.copy, '--json');
  assert.equal(stderr.toString(), '');
  return (JSON.parse(stdout.toString()) as { processes: Listed[] }).processes;
}

for (const node of nodesUnderTest()) {
  test(`each process of a cluster, ${node.label}`, async (t) => {
    const bench = new Workbench(fixture, caseOf('cluster'), node);
    t.after(() => bench.dispose());
    assert.equal((await bench.record()).exitCode, 0);
    bench.moveAway();
    const processes = await tree(bench);
    assert.deepEqual(
      processes.map(({ number, parent, end }) => [number, parent?.process, parent?.how, end?.kind, end?.code]),
      [
        [0, undefined, undefined, 'exit', 0],
        [1, 0, 'cluster', 'exit', 9],
        [2, 0, 'cluster', 'exit', 0],
        [3, 0, 'cluster', 'exit', 0],
      ],
    );
    for (const { number, pid, end, parent } of processes.slice(1)) {
      assert.equal(parent?.pid, processes[0]!.pid);
      const outcome = await bench.retrace('replay', bench.copy, '--engine', 'native', '--process', String(number === 3 ? pid : number));
      assert.equal(outcome.stderr.toString(), '');
      assert.equal(outcome.exitCode, end?.code);
      assert.match(outcome.stdout.toString(), new RegExp(`^worker ${number} .*\nworker ${number} serves `));
    }
    const { stdout } = await bench.retrace('events', bench.copy, '--process', '0');
    assert.match(stdout.toString().split('\n')[processes[1]!.parent!.event]!, /process\.spawn/);
  });
}

const [node] = nodesUnderTest();

test('processes that were killed, below others, or are not there', async (t) => {
  const bench = new Workbench(fixture, caseOf('spawn'), node!);
  t.after(() => bench.dispose());
  await bench.record();
  bench.moveAway();
  const processes = await tree(bench);
  const nested = processes.filter(({ argv }) => argv[2] === 'nest');
  assert.deepEqual(
    nested.map(({ parent }) => parent?.process),
    [0, nested[0]!.number, nested[1]!.number],
  );
  const killed = processes.find(({ end }) => end?.signal === 'SIGKILL')!;
  assert.equal((await bench.retrace('replay', bench.copy, '--process', String(killed.number))).signal, 'SIGKILL');
  const text = (await bench.retrace('info', bench.copy)).stdout.toString();
  assert.match(text, new RegExp(`^ +${killed.number}  pid ${killed.pid}  spawn: .*child\\.js wait  \\(by SIGKILL; \\d+ events`, 'm'));
  const missing = await bench.retrace('replay', bench.copy, '--process', '999999999');
  assert.equal(missing.exitCode, 125);
  assert.match(missing.stderr.toString(), /^retrace: the recording has no process 999999999\. It has 0 \(pid \d+, spawn\.js\), 1 \(pid /);
  assert.match((await bench.retrace('replay', bench.copy, '--process', 'x')).stderr.toString(), /^retrace: --process x is not the number/);
});

test('a process of a recording is a recording', async (t) => {
  const bench = new Workbench(fixture, caseOf('fork'), node!);
  t.after(() => bench.dispose());
  await bench.record();
  bench.moveAway();
  const outcome = await bench.retrace('replay', path.join(bench.copy, 'processes/1'));
  assert.match(outcome.stdout.toString(), /^child talks true \[\] /);
  assert.equal(outcome.exitCode, 0);
});

test('--no-children: the first process alone', async (t) => {
  const bench = new Workbench(fixture, caseOf('spawn'), node!);
  t.after(() => bench.dispose());
  const { stdout } = await bench.record('--no-children');
  assert.match(stdout.toString(), /pipes stdout child says [\d.e-]+ \[\] \[\] undefined\n/);
  assert.equal(fs.existsSync(path.join(bench.recording, 'processes')), false);
});

test('by environment alone: children belong to the recording of the program that started them', async (t) => {
  const bench = new Workbench(fixture, caseOf('spawn'), node!);
  t.after(() => bench.dispose());
  const { stdout, stderr, exitCode } = await bench.recordByEnvironment();
  assert.equal(exitCode, 0);
  bench.moveAway();
  assert.ok((await tree(bench)).length > 10);
  const replayed = await bench.replay('native');
  assert.deepEqual([replayed.stdout.toString(), replayed.stderr.toString()], [stdout.toString(), stderr.toString()]);
});

test('a process of another Node major is left out by name, the others replay', async (t) => {
  const bench = new Workbench(fixture, caseOf('together'), node!);
  t.after(() => bench.dispose());
  const recorded = await bench.record();
  bench.moveAway();
  const manifest = path.join(bench.copy, 'processes/1/manifest.json');
  fs.writeFileSync(manifest, fs.readFileSync(manifest, 'utf8').replace(/"node": "v[^"]*"/, '"node": "v98.1.2"'));
  const replayed = await bench.replay('native');
  assert.equal(replayed.exitCode, 125);
  assert.match(
    replayed.stderr.toString(),
    /what process 1 wrote is left out: it was recorded with Node v98\.1\.2.*with Node 98: .*--process 1\n$/,
  );
  const lines = recorded.stdout.toString().split('\n');
  const left = replayed.stdout.toString().split('\n');
  assert.ok(left.length > 1 && left.length < lines.length, `${left.length} of ${lines.length} lines`);
  assert.ok(left.every((line) => lines.includes(line)));
  const alone = await bench.retrace('replay', bench.copy, '--engine', 'native', '--process', '1');
  assert.equal(alone.exitCode, 125);
  assert.match(alone.stderr.toString(), /Run retrace with Node 98/);
});
