// Records fixtures and walks through each recording with checkpoints dense, as usual, and off: forwards, back, by jumps, and by commands drawn by
// lot. A script of its own, since all of them take long: npm run walk:fixtures -- [--steps 60] [--seed 1] [NAME...]; NAME is a fixture, or fixture/case.
// Runs on the Node that runs it. Ends with 1 if a position ever showed two different things.
import os from 'node:os';
import { parseArgs } from 'node:util';
import { readFixtures } from './fixture.js';
import { nodesUnderTest, runsOn } from './nodes.js';
import { walkCase } from './walk-case.js';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      steps: { type: 'string', default: '60' },
      seed: { type: 'string', default: '1' },
      jobs: { type: 'string', default: `${os.availableParallelism()}` },
    },
  });
  const node = nodesUnderTest().find(({ binary }) => binary === process.execPath)!;
  const queue = readFixtures().flatMap((fixture) =>
    fixture.cases
      .filter((one) => runsOn(one, node))
      .map((one) => ({ fixture, one, title: `${fixture.name}/${one.name}` }))
      .filter(({ title }) => positionals.length === 0 || positionals.some((name) => title === name || title.startsWith(`${name}/`))),
  );
  const total = queue.length;
  let done = 0;
  let failed = 0;
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { fixture, one, title } = next;
      const result = await walkCase(fixture, one, node, { steps: Number(values.steps), seed: Number(values.seed) });
      done++;
      if (result.differences.length > 0) failed++;
      console.log(
        `${done}/${total} ${result.differences.length > 0 ? 'FAILED ' : ''}${title}: ${result.positions} positions, ${result.compared} compared`,
      );
      for (const difference of result.differences.slice(0, 5)) console.log(difference.replace(/^/gm, '  '));
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  console.log(`${total - failed} of ${total} recordings show the same however they are walked`);
  process.exitCode = failed === 0 && total > 0 ? 0 : 1;
}

void main();
