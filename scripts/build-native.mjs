/**
 * Builds the addons with node-gyp: the `install` script of the package.
 *
 *   node scripts/build-native.mjs                                   the writer, and the driver for the running Node
 *   node scripts/build-native.mjs --node PATH [--nodedir DIR]       the driver for another Node, kept beside the others
 *   node scripts/build-native.mjs --test                            the addon of the tests (native/test), for every Node
 *
 * --nodedir names a folder with include/node; without it the headers beside the binary are used, or else node-gyp downloads them.
 * Output: native/build/retrace_writer.node, native/build/retrace_forwarder (Linux), and native/build-<abi>/retrace_driver.node, or
 * native/build/test/retrace_test_addon.node.
 *
 * Invariant: nothing is built when sources, flags and Node version are those of the last build; an addon appears in its place
 * complete or not at all.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const forTests = process.argv.includes('--test');
const native = join(root, forTests ? 'native/test' : 'native');
const require = createRequire(import.meta.url);

function option(name) {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

const node = resolve(option('--node') ?? process.execPath);
let abi, version;
try {
  [abi, version] = JSON.parse(
    execFileSync(node, ['-p', 'JSON.stringify([process.versions.modules, process.versions.node])'], { encoding: 'utf8' }),
  );
} catch {
  console.error(`build-native: ${node} is not a Node binary that runs here.`);
  process.exit(1);
}
const besides = join(dirname(node), '..');
const nodedir = option('--nodedir') ?? (existsSync(join(besides, 'include/node/node.h')) ? besides : process.env.npm_config_nodedir);

const sources = readdirSync(native)
  .filter((file) => /\.(cc|h|gyp)$/.test(file))
  .sort();
const hash = createHash('sha256').update(`${version} ${abi} ${process.platform} ${process.arch}\n`);
for (const file of sources) hash.update(`${file}\n`).update(readFileSync(join(native, file)));
const stamp = hash.digest('hex');

const folder = forTests ? join(root, 'native/build/test') : join(native, `build-${abi}`);
const stampFile = join(folder, 'stamp');
const writer = join(native, 'build', 'retrace_writer.node');
// A program, and for Linux only.
const forwarder = process.platform === 'linux' ? [join(native, 'build', 'retrace_forwarder')] : [];
const driver = join(folder, 'retrace_driver.node');
const testAddon = join(folder, 'retrace_test_addon.node');
const outputs = forTests ? [testAddon] : [writer, ...forwarder, driver];
if (outputs.every((file) => existsSync(file)) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) process.exit(0);

// node-gyp builds where it stands, so it stands in a copy: builds for several versions must not share object files.
const work = join(folder, 'work');
rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });
for (const file of sources) copyFileSync(join(native, file), join(work, file));

const gyp = require.resolve('node-gyp/bin/node-gyp.js');
// Under npm, node-gyp prefers what npm's configuration says to its own arguments: the headers of another Node, for one.
const env = { ...process.env, NODE_PATH: join(root, 'node_modules') };
for (const name of Object.keys(env)) if (/^npm_(package_)?config_(node_gyp_)?(nodedir|target)$/i.test(name)) delete env[name];
const args = [gyp, 'rebuild', '--release', `--target=${version}`, ...(nodedir ? [`--nodedir=${resolve(nodedir)}`] : [])];
const result = spawnSync(process.execPath, args, {
  cwd: work,
  encoding: 'utf8',
  env,
  maxBuffer: 1 << 26,
});
const built = (path) => join(work, 'build/Release', basename(path));
if (result.status !== 0 || !outputs.every((path) => existsSync(built(path)))) {
  console.error(result.stdout + result.stderr);
  console.error(
    `build-native: the addons of retrace could not be built for Node ${version} (exit code ${result.status ?? result.error}).\n` +
      'They need a C++ compiler, make and Python 3. Debian, Ubuntu: apt-get install g++ make python3. Fedora: dnf install gcc-c++ make python3.\n' +
      'macOS: xcode-select --install. Without network, pass the folder that holds include/node: --nodedir DIR.',
  );
  process.exit(1);
}

function install(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, `${to}.new`);
  renameSync(`${to}.new`, to);
}
// The writer and the forwarder are the same for every Node: a build for another one replaces them only if there are none.
const shared = (path) => path === writer || forwarder.includes(path);
for (const path of outputs) if (!shared(path) || node === process.execPath || !existsSync(path)) install(built(path), path);
rmSync(work, { recursive: true, force: true });
writeFileSync(stampFile, stamp);
