/**
 * Runs every test that was compiled: `npm test` ends with it, `node scripts/test.mjs WORD...` runs the test files whose path contains a WORD.
 *
 * First it installs what only tests need, each from its own lock and only if it changed: the fixtures' packages, and the other Node versions
 * (test/nodes), for which it also builds the replay drivers and the recorder's code cache. Then node:test runs the files, as many at a time
 * as there are processors.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { installPackages, root } from './packages.mjs';

const words = process.argv.slice(2);

for (const fixture of readdirSync(join(root, 'fixtures'))) {
  const folder = join(root, 'fixtures', fixture);
  if (existsSync(join(folder, 'package-lock.json'))) installPackages(folder);
}

const nodes = join(root, 'test/nodes');
installPackages(nodes);
const folders = readdirSync(join(nodes, 'node_modules'))
  .filter((name) => name.startsWith('node-') && existsSync(join(nodes, 'node_modules', name, 'bin/node')))
  .map((name) => join(nodes, 'node_modules', name));
console.log('building the addons, unless they are up to date');
for (const words of [[], ...folders.map((folder) => ['--node', join(folder, 'bin/node'), '--nodedir', folder])]) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/build-native.mjs'), ...words], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

// As `npm install` makes it for the Node it runs on.
for (const folder of folders) spawnSync(join(folder, 'bin/node'), [join(root, 'scripts/bundle-recorder.mjs')], { stdio: 'inherit' });

// A test whose source is gone may still lie in dist: only what has a source counts.
const files = readdirSync(join(root, 'dist'), { recursive: true })
  .filter((file) => file.endsWith('.test.js') && existsSync(join(root, file.replace(/\.js$/, '.ts'))))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
if (files.length === 0) {
  console.error('no test file matches');
  process.exit(1);
}
console.log(`${files.length} test files`);
const { status } = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${Math.min(4, availableParallelism())}`,
    ...files.map((file) => relative(process.cwd(), join(root, 'dist', file))),
  ],
  { stdio: 'inherit' },
);
process.exit(status ?? 1);
