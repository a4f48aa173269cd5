/**
 * The recorder's modules, loaded as one file with V8's code cache: a fifth of the time that loading them one by one takes. Used by
 * register.ts; scripts/bundle-recorder.mjs makes the file and, by `makeCache`, a cache for one version of Node.
 *
 * Invariant: where anything is missing, stale, of another Node or made in another folder the modules themselves are loaded. Nothing is ever written, and
 * nothing is loaded that the program would see. Native code is called as in lib/vm.js; it aborts over a wrong count of arguments, so
 * that is done only where a cache proves that it worked with this very Node when the cache was made.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

type Preload = typeof import('./preload');
type Load = (require: NodeJS.Require, dist: string) => Preload;

interface Script {
  runInContext(context: null, timeout: number, displayErrors: boolean, breakOnSigint: boolean, breakOnFirstLine: boolean): Load;
  createCachedData(): Buffer;
}
type ScriptClass = new (
  code: string,
  filename: string,
  line: number,
  column: number,
  cache: Buffer | undefined,
  produce: boolean,
  context: undefined,
  id: symbol,
) => Script;

const DIST = join(__dirname, '..') + '/';
const BUNDLE = join(__dirname, 'bundle.js.txt');
/** What tsc touches when it has compiled a part of the recorder again. Not there in an installed package. */
const COMPILED = ['native', 'recorder', 'recorder-boundary', 'recorder-trace', 'recorder-membrane'];

/** The name of the script that the bundle is: by it the recorder's frames are told from the program's. */
const SCRIPT = join(__dirname, 'bundle.js');
/** Stands at the end of a cache, because V8 gives the script the name that it had when the cache was made. */
const PLACE = Buffer.from(`\0${SCRIPT}`);

/** The cache of this Node: V8 would refuse another version's, but only after the native call. */
export const CACHE = join(__dirname, `bundle-${process.version}-${process.arch}.cache`);

/** Needs --expose-internals. Throws what loading the recorder's modules throws. */
export function loadPreload(): Preload {
  const made = fromBundle();
  return made ?? (require('./preload') as Preload);
}

function fromBundle(): Preload | undefined {
  try {
    const made = modified(BUNDLE);
    if (made === 0 || modified(CACHE) < made) return undefined;
    for (const part of COMPILED) if (modified(join(DIST, '.tsbuildinfo', `${part}.json`)) > made) return undefined;
    const cache = readFileSync(CACHE);
    const length = cache.length - PLACE.length;
    if (PLACE.compare(cache, Math.max(length, 0)) !== 0) return undefined;
    return run(compile(cache.subarray(0, length)));
  } catch {
    return undefined;
  }
}

/** In a process of its own: runs the bundle, lets `use` make a recording, and answers the cache of what has been compiled by then. */
export function makeCache(use: (preload: Preload) => void): Buffer {
  const script = compile(undefined);
  use(run(script));
  return Buffer.concat([script.createCachedData(), PLACE]);
}

/** Milliseconds; 0 for a file that is not there. */
function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function compile(cache: Buffer | undefined): Script {
  const ContextifyScript = contextify()['ContextifyScript'] as ScriptClass;
  return new ContextifyScript(readFileSync(BUNDLE, 'latin1'), SCRIPT, 0, 0, cache, false, undefined, Symbol(SCRIPT));
}

function run(script: Script): Preload {
  return script.runInContext(null, -1, true, false, false)(require, DIST);
}

/** The binding below the built-in module vm, which itself would be loaded by being asked. Leaves nothing behind: see boundary/host.ts. */
function contextify(): Record<string, unknown> {
  const proc = process as NodeJS.Process & { moduleLoadList: string[] };
  const { emitWarning } = proc;
  const known = proc.moduleLoadList.length;
  const world = globalThis as { internalBinding?: unknown; primordials?: unknown };
  const had = 'internalBinding' in world;
  proc.emitWarning = () => undefined;
  try {
    const { internalBinding } = require('internal/test/binding') as { internalBinding(name: string): Record<string, unknown> };
    return internalBinding('contextify');
  } finally {
    proc.emitWarning = emitWarning;
    proc.moduleLoadList.length = known;
    if (!had) {
      delete world.internalBinding;
      delete world.primordials;
    }
  }
}
