// Records every fixture afresh, many times over, and has `retrace verify` judge each recording: what happens only now and then shows here.
// A script of its own, since it takes long: npm run verify:fixtures -- [--times 20] [--node 20,22,24,26] [--jobs 2] [NAME...]
// Ends with 1 if a program did not end as its fixture says or a recording did not verify; such a recording is kept and its place printed.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { assertAsDescribed } from './compare.js';
import { readFixtures, type Fixture, type FixtureCase } from './fixture.js';
import { nodesUnderTest, type NodeUnderTest, runsOn } from './nodes.js';
import { Workbench } from './workbench.js';

interface Run {
  readonly title: string;
  readonly fixture: Fixture;
  readonly one: FixtureCase;
  readonly node: NodeUnderTest;
}

interface Failure {
  readonly title: string;
  readonly kept: string;
  readonly said: string;
}

async function verifyOnce({ title, fixture, one, node }: Run): Promise<Failure | undefined> {
  const bench = new Workbench(fixture, one, node);
  try {
    const recorded = await bench.record();
    const keep = (said: string): Failure => {
      const kept = fs.mkdtempSync(path.join(os.tmpdir(), 'retrace-unverified-'));
      for (const made of [bench.copy, bench.recording])
        if (fs.existsSync(made)) fs.cpSync(made, path.join(kept, 'recording'), { recursive: true });
      return { title, kept, said };
    };
    if (!fs.existsSync(bench.recording)) return keep(`nothing was recorded: ${recorded.stderr}`);
    try {
      assertAsDescribed(recorded, fixture, one);
    } catch (error) {
      return keep(`the recorded run is not as described: ${(error as Error).message}\nits stdout:\n${recorded.stdout}`);
    }
    bench.moveAway();
    const verified = await bench.retrace('verify', bench.copy);
    return verified.exitCode === 0 ? undefined : keep(`${verified.stdout}${verified.stderr}`);
  } finally {
    await bench.dispose();
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      times: { type: 'string', default: '20' },
      node: { type: 'string' },
      jobs: { type: 'string', default: `${os.availableParallelism()}` },
    },
  });
  const majors = values.node?.split(',').map((major) => `node ${major}`);
  const nodes = nodesUnderTest().filter(({ label }) => majors === undefined || majors.includes(label));
  const runs: Run[] = [];
  for (const fixture of readFixtures())
    for (const one of fixture.cases)
      for (const node of nodes.filter((candidate) => runsOn(one, candidate))) {
        const title = `${fixture.name}/${one.name} on ${node.label}`;
        if (positionals.length === 0 || positionals.some((name) => title.startsWith(name))) runs.push({ title, fixture, one, node });
      }
  const times = Number(values.times);
  const failures: Failure[] = [];
  let done = 0;
  const queue = Array.from({ length: times }, () => runs).flat();
  const work = async (): Promise<void> => {
    for (let run = queue.shift(); run !== undefined; run = queue.shift()) {
      const failure = await verifyOnce(run);
      done++;
      if (failure !== undefined) {
        failures.push(failure);
        console.log(`FAILED ${failure.title}\n  recording: ${failure.kept}\n${failure.said.replace(/^/gm, '  ')}`);
      }
      if (process.stdout.isTTY) process.stdout.write(`\r${done} of ${runs.length * times}\x1b[K`);
      else if (done % runs.length === 0) console.log(`${done - failures.length} of ${done} recordings verified so far`);
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  console.log(`${done - failures.length} of ${done} recordings verified (${runs.length} runs, ${times} times each)`);
  process.exitCode = failures.length === 0 && done > 0 ? 0 : 1;
}

void main();
