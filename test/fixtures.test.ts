// Every case of every fixture on every Node version: recorded, replayed natively and (where nodes.ts says so) replayed in the VM must agree
// to the byte, and end alike.
// RETRACE_TEST_FIXTURE=name or name/case runs only that.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { assertAsDescribed, assertSameRun } from './compare.js';
import type { Outcome } from './drive.js';
import { readFixtures } from './fixture.js';
import { enginesOn, MAJORS, nodesUnderTest, runsOn } from './nodes.js';
import { Workbench } from './workbench.js';

const only = process.env.RETRACE_TEST_FIXTURE;
const nodes = nodesUnderTest();

test('every Node version is there to test with', () => {
  assert.deepEqual(
    nodes.map(({ label }) => label),
    MAJORS.map((major) => `node ${major}`),
    'test/nodes is not installed: run the tests by npm test (scripts/test.mjs installs it)',
  );
});

for (const fixture of readFixtures()) {
  for (const one of fixture.cases) {
    const title = `${fixture.name}/${one.name}`;
    if (only && only !== title && only !== fixture.name) continue;
    for (const node of nodes) {
      if (!runsOn(one, node)) continue;
      test(`${title} on ${node.label}`, async (t) => {
        const bench = new Workbench(fixture, one, node);
        t.after(() => bench.dispose());
        let recorded: Outcome | undefined;
        await t.test('recorded: as expected', async () => {
          const outcome = await bench.record();
          assert.ok(fs.existsSync(bench.recording), `no recording was made; stderr: ${outcome.stderr}`);
          recorded = outcome;
          assertAsDescribed(outcome, fixture, one);
        });
        if (!recorded) return;
        const run = recorded;
        bench.moveAway();
        for (const engine of enginesOn(node)) {
          await t.test(`replayed in the engine ${engine}: the same`, async () => assertSameRun(await bench.replay(engine), run, engine));
        }
      });
    }
  }
}
