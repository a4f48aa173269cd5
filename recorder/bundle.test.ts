import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { CACHE } from './bundle';
import { REGISTER } from './flags';

const root = join(__dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'retrace-bundle-'));
after(() => rmSync(folder, { recursive: true, force: true }));
before(() => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/bundle-recorder.mjs')], { encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, '']);
});

const PROGRAM = `
  const seen = { loaded: process.moduleLoadList.slice(), globals: Object.getOwnPropertyNames(globalThis), cache: Object.keys(require.cache) };
  require('vm');
  seen.later = process.moduleLoadList.slice(seen.loaded.length);
  seen.stack = new Error('x').stack;
  try {
    require('crypto').generateKeyPairSync('ec', { namedCurve: 'none' });
  } catch ({ stack }) {
    seen.thrownBelow = stack;
  }
  console.log(JSON.stringify(seen));`;

/** What the program sees of a run that is recorded, or not. */
function seen(recording?: string, register = REGISTER): unknown {
  const script = join(folder, 'program.js');
  writeFileSync(script, PROGRAM);
  const flags = recording === undefined ? [] : ['--expose-internals', '--require', register];
  const env = recording === undefined ? process.env : { ...process.env, RETRACE_RECORDING_PATH: join(folder, recording) };
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, script], { env, encoding: 'utf8' });
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}

test('a recorder loaded as one file is not to be seen, nor one whose file is stale', () => {
  assert.ok(existsSync(CACHE));
  const plain = seen();
  assert.deepEqual(seen('bundled'), plain);
  const { atime, mtime } = statSync(CACHE);
  utimesSync(CACHE, 1, 1);
  assert.deepEqual(seen('modules'), plain);
  utimesSync(CACHE, atime, mtime);
  // As one that was installed in another folder than the one it lies in: its files keep their times.
  const moved = join(folder, 'moved');
  for (const part of ['dist/native', 'dist/recorder', 'native/build', 'recorder/boundary/inventory', 'node_modules/msgpackr'])
    cpSync(join(root, part), join(moved, part), { recursive: true, preserveTimestamps: true });
  assert.deepEqual(seen('moved-recording', join(moved, relative(root, REGISTER))), plain);
  for (const name of ['bundled', 'modules', 'moved-recording']) assert.ok(existsSync(join(folder, name, 'manifest.json')));
});
