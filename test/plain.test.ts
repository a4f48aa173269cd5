// Recording changes nothing that a program can see: what a deterministic program prints when it is recorded is what it prints by itself,
// stacks, fatal errors and exit codes included.
import test from 'node:test';
import { assertSameRun } from './compare.js';
import { readFixtures } from './fixture.js';
import { nodesUnderTest } from './nodes.js';
import { Workbench } from './workbench.js';

for (const fixture of readFixtures()) {
  for (const one of fixture.cases.filter(({ deterministic }) => deterministic)) {
    for (const node of nodesUnderTest()) {
      test(`${fixture.name}/${one.name} on ${node.label}: recorded as plain`, async (t) => {
        const bench = new Workbench(fixture, one, node);
        t.after(() => bench.dispose());
        const plain = await bench.runPlainly();
        assertSameRun(await bench.record(), plain, 'recorded run');
      });
    }
  }
}
