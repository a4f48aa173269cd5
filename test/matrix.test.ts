// The quick part of the matrix of packages on every Node version there is; the whole of it is `npm run matrix`. And its page: it lists every
// row there is and says what the kept results say.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { page, renderPage } from './matrix/results.js';
import { knownReason, readRows } from './matrix/row.js';
import { runRow } from './matrix/run.js';
import { majorOf } from './matrix/install.js';
import { enginesOn, nodesUnderTest } from './nodes.js';

const rows = readRows();

test('docs/COMPATIBILITY.md is what the last results say (npm run matrix writes it)', () => {
  assert.equal(fs.readFileSync(page, 'utf8'), renderPage(rows));
});

for (const row of rows.filter(({ quick }) => quick)) {
  for (const node of nodesUnderTest()) {
    if (row.never[majorOf(node)]) continue;
    test(`${row.name} on ${node.label}`, async () => {
      const { skipped, columns: found } = await runRow(row, node, enginesOn(node));
      assert.equal(skipped, undefined);
      for (const column of ['recorded', ...enginesOn(node)] as const) {
        const known = knownReason(row, majorOf(node), column);
        if (!known) assert.equal(found[column], true, `${column}: ${found[column]}`);
      }
    });
  }
}
