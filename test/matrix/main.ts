// `npm run matrix [-- NAME... --node 20,24 --vm 20 --quick --page]`: runs rows of the matrix of packages one at a time, prints what came of each, keeps the
// results and writes docs/COMPATIBILITY.md. Ends with 1 if a cell is not green that the row's fixture.json gives no reason for.
// --vm replays in the VM on these majors only. --page only writes the page, from the results there are. --node takes majors of the installed versions (test/nodes) or paths of binaries. A name may end in *.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { nodesUnderTest, type NodeUnderTest } from '../nodes.js';
import { majorOf } from './install.js';
import { keepResult, majors, page, renderPage } from './results.js';
import { knownReason, readRows } from './row.js';
import { columns, runRow, type Result } from './run.js';

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      node: { type: 'string' },
      quick: { type: 'boolean', default: false },
      page: { type: 'boolean', default: false },
      vm: { type: 'string' },
    },
  });
  const rows = readRows();
  const chosen = rows.filter(
    (row) =>
      (positionals.length === 0 ||
        positionals.some((name) => row.name === name || (name.endsWith('*') && row.name.startsWith(name.slice(0, -1))))) &&
      (!values.quick || row.quick),
  );
  if (chosen.length === 0) throw new Error('no such row');
  if (values.page) {
    fs.writeFileSync(page, renderPage(rows));
    return 0;
  }
  const inVm = values.vm?.split(',');
  let surprises = 0;
  for (const row of chosen) {
    for (const node of nodesOf(values.node)) {
      const started = Date.now();
      const result = await runRow(row, node, inVm === undefined || inVm.includes(majorOf(node)) ? ['native', 'vm'] : ['native']).catch(
        (error: Error): Result => ({ version: '', columns: { recorded: error.message } }),
      );
      const seconds = ((Date.now() - started) / 1000).toFixed(0);
      keepResult(row, majorOf(node), result);
      const cells = result.skipped
        ? `skipped: ${result.skipped}`
        : columns.map((column) => `${column} ${state(result.columns[column])}`).join(', ');
      console.log(`${row.name} ${result.version} on ${node.label}: ${cells} (${seconds} s)`);
      for (const column of columns) {
        const said = result.columns[column];
        if (typeof said !== 'string') continue;
        const known = knownReason(row, majorOf(node), column);
        if (!known) surprises++;
        console.log(`  ${column}: ${known ? `as known (${known})` : said.replace(/\n/g, '\n    ')}`);
      }
    }
  }
  fs.writeFileSync(page, renderPage(rows));
  if (surprises > 0) console.log(`${surprises} cells are not green`);
  return surprises > 0 ? 1 : 0;
}

function state(said: true | string | undefined): string {
  return said === true ? 'ok' : said === undefined ? '-' : 'FAILED';
}

function nodesOf(words: string | undefined): NodeUnderTest[] {
  const there = nodesUnderTest();
  if (!words) return there.filter((node) => majors.includes(majorOf(node)));
  return words.split(',').map((word) => {
    if (!word.includes('/')) {
      const found = there.find((node) => majorOf(node) === word);
      if (!found) throw new Error(`Node ${word} is not installed in test/nodes (there: ${there.map(majorOf).join(', ')})`);
      return found;
    }
    const major = spawnSync(word, ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout.split('.')[0];
    return { label: `node ${major}`, binary: word };
  });
}

main().then(
  (code) => (process.exitCode = code),
  (error: Error) => {
    console.error(`matrix: ${error.message}`);
    process.exitCode = 2;
  },
);
