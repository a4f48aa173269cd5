import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { whatIsNew } from './inventory';

test('what is new: members that are not in the inventory, or are something else now', () => {
  const known = [['fs', 'binding', 'record'], ['fs.open', 'function', 'record'], ['fs.gone', 'function', 'record']] as const; // prettier-ignore
  const now = [['fs', 'binding', 'record'], ['fs.open', 'class', 'record'], ['fs.brandNew', 'function', 'record']] as const; // prettier-ignore
  assert.deepEqual(whatIsNew(now, known), ['fs.open', 'fs.brandNew']);
});

/** What unknownNode says if `change` has been done to the list of known builds; the list of loaded bindings beside it. */
function said(change: string): { line?: string; loaded: boolean } {
  const script = `
    const builds = require(${JSON.stringify(join(__dirname, 'inventory/builds.js'))}).BUILDS;
    const host = require(${JSON.stringify(join(__dirname, 'host.js'))}).openHost();
    const before = process.moduleLoadList.join();
    const major = parseInt(process.versions.node);
    ${change};
    const line = require(${JSON.stringify(join(__dirname, 'inventory.js'))}).unknownNode(host);
    JSON.stringify({ line, loaded: process.moduleLoadList.join() === before })`;
  return JSON.parse(execFileSync(process.execPath, ['--no-warnings', '--expose-internals', '-p', script], { encoding: 'utf8' })) as {
    line?: string;
    loaded: boolean;
  };
}

test('a build that an inventory was taken from: nothing to say', () => {
  assert.deepEqual(said(`builds[major] = require(${JSON.stringify(join(__dirname, 'inventory.js'))}).buildOf(process)`), { loaded: true });
});

test('another build with the same members: nothing to say', () => {
  assert.deepEqual(said("builds[major] = 'another'"), { loaded: true });
});

test('a version without an inventory: named, with what is new in it', () => {
  const { line, loaded } = said('delete builds[major]');
  assert.match(
    line!,
    /^this is Node [\d.]+, not a version that retrace knows \([\d, ]+\); (new native members: \w+|no native member is new)/,
  );
  assert.equal(loaded, true);
});
