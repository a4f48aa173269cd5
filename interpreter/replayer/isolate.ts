/**
 * Loads the interpreter and the debugger's half of the replayer into a V8 context of their own.
 *
 * Called by main.ts once, before the program. The program may patch every intrinsic of its realm (Array.prototype.push, Map.get, an
 * index setter); code loaded here has other intrinsics and does not notice. Invariant: only modules that import no `node:*` are
 * loaded this way, and all of them at once, so nothing is read from disk while the program runs.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { compileFunction, createContext } from 'node:vm';

type ModuleFunction = (exports: object, require: (id: string) => unknown, module: { exports: object }) => void;

/** The exports of the CommonJS module in `file`, evaluated with all it requires in a new context. */
export function loadIsolated(file: string): object {
  const context = createContext({});
  const loaded = new Map<string, { exports: object }>();
  const load = (path: string): object => {
    const known = loaded.get(path);
    if (known) return known.exports;
    const module = { exports: {} };
    loaded.set(path, module);
    const resolve = createRequire(path).resolve;
    const run = compileFunction(readFileSync(path, 'utf8'), ['exports', 'require', 'module'], {
      filename: path,
      parsingContext: context,
    }) as ModuleFunction;
    run(module.exports, (id) => load(nodeFree(resolve(id), path)), module);
    return module.exports;
  };
  return load(file);
}

function nodeFree(resolved: string, from: string): string {
  if (dirname(resolved) === '.') throw new Error(`${from} requires ${resolved}, which cannot live in the interpreter's context`);
  return resolved;
}
