// A row's folder with its packages installed, in the cache of the checkout (.cache/packages). Called for every run of a row; installs only when
// the lock is another one. A newer major of a package may not run on an older Node: where the row has a folder `node-20`, the package.json
// and package-lock.json in it are taken on Node 20.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { root } from '../fixture.js';
import type { NodeUnderTest } from '../nodes.js';
import type { Row } from './row.js';

const cache = path.join(root, '.cache/packages');

export interface Installed {
  directory: string;
  /** Of the package under test. */
  version: string;
}

export function majorOf(node: NodeUnderTest): string {
  return node.label.replace(/^node /, '');
}

export function install(row: Row, node: NodeUnderTest): Installed {
  const major = majorOf(node);
  const own = path.join(row.folder, `node-${major}`);
  const [source, place] = fs.existsSync(own)
    ? [own, `${row.name}-on-${major}`]
    : [row.folder, row.scripts ? `${row.name}-on-${major}` : row.name];
  const directory = path.join(cache, place);
  copyFiles(row.folder, directory);
  for (const file of ['package.json', 'package-lock.json']) fs.copyFileSync(path.join(source, file), path.join(directory, file));
  const lock = fs.readFileSync(path.join(directory, 'package-lock.json'), 'utf8');
  const stamp = path.join(directory, 'node_modules/.installed-from');
  if (!fs.existsSync(stamp) || fs.readFileSync(stamp, 'utf8') !== lock) {
    // Not `npm ci`: it refuses a lock that leaves out optional packages of platforms that the registry does not have.
    const words = ['install', '--no-audit', '--no-fund', '--loglevel=error', ...(row.scripts ? [] : ['--ignore-scripts'])];
    // What has to be compiled is compiled with the headers of that Node.
    const besides = path.join(path.dirname(node.binary), '..');
    const headers = fs.existsSync(path.join(besides, 'include/node/node.h')) ? { npm_config_nodedir: besides } : {};
    const PATH = `${path.dirname(node.binary)}${path.delimiter}${process.env.PATH}`;
    const done = spawnSync('npm', words, {
      cwd: directory,
      encoding: 'utf8',
      env: row.scripts ? { ...process.env, ...headers, PATH } : process.env,
    });
    if (done.status !== 0) throw new Error(`npm install failed for ${row.name}: ${(done.error?.message ?? done.stderr).trim()}`);
    fs.mkdirSync(path.dirname(stamp), { recursive: true });
    fs.writeFileSync(stamp, lock);
  }
  return { directory, version: versionIn(directory, row) };
}

function versionIn(directory: string, row: Row): string {
  // Rows about something that Node itself has need no package.
  const file = path.join(directory, 'node_modules', row.package, 'package.json');
  return fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as { version: string }).version : '';
}

/** Makes the folder hold the row's files as they are now, beside its installed packages. */
function copyFiles(from: string, to: string): void {
  fs.mkdirSync(to, { recursive: true });
  for (const name of fs.readdirSync(to)) if (name !== 'node_modules') fs.rmSync(path.join(to, name), { recursive: true });
  for (const name of fs.readdirSync(from)) {
    if (name !== 'node_modules' && name !== 'results.json') fs.cpSync(path.join(from, name), path.join(to, name), { recursive: true });
  }
}
