/**
 * What a recorded process loads, as one file, and V8's code cache of it for the Node that runs this: see recorder/bundle.ts.
 * `npm run build` and `npm install` call it. Recording works without, only begins more slowly.
 *
 * The file holds the compiled modules as they are, each a function; they find each other by their path in dist. The cache is taken
 * when a recording has begun, so that it holds the functions which that needs.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const folder = join(dist, 'recorder');
const entry = join(folder, 'preload.js');
const TAKE_CACHE = `
const { renameSync, writeFileSync } = require('fs');
const { join } = require('path');
const [folder, scratch] = process.argv.slice(1);
const { CACHE, makeCache } = require(join(folder, 'bundle.js'));
let failure;
const cache = makeCache(({ recordHere }) => recordHere({ wanted: join(scratch, 'recording') }, (error) => (failure = error)));
if (failure) throw failure;
writeFileSync(CACHE + '.new', cache);
renameSync(CACHE + '.new', CACHE);
`;

const modules = new Map();

function fileOf(path) {
  return [path, `${path}.js`, join(path, 'index.js')].find((one) => existsSync(one) && statSync(one).isFile());
}

function add(file) {
  const id = relative(dist, file);
  if (modules.has(id)) return id;
  modules.set(id, '');
  const text = readFileSync(file, 'utf8')
    .replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n')
    .replace(
      /\brequire\((['"])(\.[^'"]*)\1\)/g,
      (_, _quote, path) => `require.own(${JSON.stringify(add(fileOf(resolve(dirname(file), path))))})`,
    )
    // One byte a character: only comments and texts hold others.
    .replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  modules.set(id, text);
  return id;
}

function bundleText() {
  add(entry);
  const parts = [...modules].map(([id, text]) => `${JSON.stringify(id)}(exports, require, module, __filename, __dirname) {${text}}`);
  return `(function (require, dist) {
const modules = {
${parts.join(',\n')}
};
const made = { __proto__: null };
const need = (id) => require(id);
need.resolve = require.resolve;
need.own = (id) => {
  let module = made[id];
  if (module === undefined) {
    module = made[id] = { exports: {} };
    const file = dist + id;
    modules[id](module.exports, need, module, file, file.slice(0, file.lastIndexOf('/')));
  }
  return module.exports;
};
return need.own('recorder/preload.js');
})`;
}

/** Caches of other versions of Node stay good if nothing has changed. */
function writeBundle() {
  const file = join(folder, 'bundle.js.txt');
  const text = bundleText();
  const same = existsSync(file) && readFileSync(file, 'latin1') === text;
  const caches = readdirSync(folder).filter((name) => name.endsWith('.cache'));
  if (!same) for (const name of caches) rmSync(join(folder, name));
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
  const now = new Date();
  if (same) for (const name of caches) utimesSync(join(folder, name), now, now);
}

// A checkout that has not been built yet has nothing to bundle.
if (existsSync(entry)) {
  writeBundle();
  const scratch = mkdtempSync(join(tmpdir(), 'retrace-bundle-'));
  const { status } = spawnSync(process.execPath, ['--expose-internals', '-e', TAKE_CACHE, folder, scratch], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 60_000,
  });
  rmSync(scratch, { recursive: true, force: true });
  if (status !== 0) console.warn('There is no code cache for the recorder: recordings will begin more slowly.');
}
