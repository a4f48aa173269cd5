// The boundary against the Node versions themselves: the inventories are those of these Nodes, and what the table calls `record` is replaced by
// a hook in both modes. Fails with the names of members, so that a new version of Node announces itself.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { root } from './fixture.js';
import { nodesUnderTest } from './nodes.js';

test('the inventories are those of the Nodes here', () => {
  const { status, stderr } = spawnSync(process.execPath, [path.join(root, 'scripts/inventory.mjs'), '--check'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});

type Row = [member: string, kind: string, policy: string, replaced: boolean];

for (const node of nodesUnderTest()) {
  test(`${node.label}: every member that is to be recorded is replaced in both modes`, (t) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'retrace-test-boundary-'));
    t.after(() => fs.rmSync(folder, { recursive: true }));
    for (const mode of ['record', 'replay']) {
      const script = path.join(root, 'dist/recorder/boundary/hooked.test-support.js');
      const words = ['--expose-internals', '--no-warnings', script, mode, folder];
      const rows = JSON.parse(execFileSync(node.binary, words, { encoding: 'utf8', maxBuffer: 1 << 26 })) as Row[];
      assert.ok(rows.length > 1000);
      const native = rows.filter(
        ([, , policy, replaced]) => !replaced && (policy === 'record' || (policy === 'forbid' && mode === 'replay')),
      );
      assert.deepEqual(
        native.map(([member, kind]) => `${member} (${kind})`),
        [],
        `${mode}: hook these, or give them another policy with its reason in recorder/boundary/bindings.ts`,
      );
    }
  });
}
