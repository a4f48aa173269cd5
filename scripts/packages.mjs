/**
 * Installs a folder's own packages (a fixture's, a test's, the bench's) from its lock, unless they are there already.
 * Used by test.mjs and bench/main.ts. A folder is up to date when the lock it was installed from is the lock it has now.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

export function installPackages(folder) {
  const lock = readFileSync(join(folder, 'package-lock.json'), 'utf8');
  const stamp = join(folder, 'node_modules', '.installed-from');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.log(`installing the packages of ${relative(root, folder)}`);
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) {
    console.error(`npm ci failed in ${folder}`);
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}
