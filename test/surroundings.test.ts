// A recording does not care how it was made nor where its replay prints: made by environment variables alone, replayed into files.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { assertSameRun } from './compare.js';
import { readFixture } from './fixture.js';
import { enginesOn, nodesUnderTest } from './nodes.js';
import { Workbench } from './workbench.js';

function caseOf(fixtureName: string, caseName: string) {
  const fixture = readFixture(fixtureName);
  const one = fixture.cases.find(({ name }) => name === caseName);
  assert.ok(one);
  return { fixture, one };
}

for (const node of nodesUnderTest()) {
  for (const [fixtureName, caseName] of [
    ['llm-intent', 'crash'],
    ['express-app', 'app'],
    ['endings', 'exit-middle'],
  ]) {
    test(`${fixtureName}/${caseName} on ${node.label}: recorded by NODE_OPTIONS`, async (t) => {
      const { fixture, one } = caseOf(fixtureName, caseName);
      const bench = new Workbench(fixture, one, node);
      t.after(() => bench.dispose());
      const recorded = await bench.recordByEnvironment();
      assert.equal(recorded.exitCode, one.exitCode, `stderr: ${recorded.stderr}`);
      assert.ok(fs.existsSync(bench.recording), 'no recording was made');
      bench.moveAway();
      for (const engine of enginesOn(node)) assertSameRun(await bench.replay(engine), recorded, engine);
    });
  }

  test(`stdio/large on ${node.label}: replayed with nobody listening`, async (t) => {
    const { fixture, one } = caseOf('stdio', 'large');
    const bench = new Workbench(fixture, one, node);
    t.after(() => bench.dispose());
    const recorded = await bench.record();
    bench.moveAway();
    for (const engine of enginesOn(node)) {
      assertSameRun(await bench.replayUnheard(engine), { ...recorded, stdout: Buffer.alloc(0) }, `${engine}, unheard`);
    }
  });

  for (const caseName of ['large', 'console', 'shout']) {
    test(`stdio/${caseName} on ${node.label}: replayed into files`, async (t) => {
      const { fixture, one } = caseOf('stdio', caseName);
      const bench = new Workbench(fixture, one, node);
      t.after(() => bench.dispose());
      const recorded = await bench.record();
      bench.moveAway();
      for (const engine of enginesOn(node)) assertSameRun(await bench.replayToFiles(engine), recorded, engine);
    });
  }
}
