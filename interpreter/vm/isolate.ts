// Loads the VM into a context of its own, so that a program that patches Array.prototype or Map cannot reach the VM's own code.
// Called by the replayer and the development runner, which give the means to read files and to make functions in that context.
// Invariant: only this project's dist files and the parser are loaded; values of the guest's realm enter through the host interface.
import type * as Face from './index';

export interface IsolateIo {
  /** Absolute path of a module, from the path of the module that asks. */
  resolve(request: string, from: string): string;
  read(path: string): string;
  /** A function of these parameters in the VM's own context. */
  compile(source: string, path: string, params: readonly string[]): (...args: unknown[]) => unknown;
}

/** The VM's face, loaded in the context that `io.compile` compiles for. */
export function loadIsolated(entry: string, io: IsolateIo): typeof Face {
  const globals = globalsOf(io, entry);
  const names = Object.keys(globals);
  const values = Object.values(globals);
  const loaded = new Map<string, { exports: unknown }>();
  const load = (path: string): unknown => {
    const known = loaded.get(path);
    if (known) return known.exports;
    const module = { exports: {} as unknown };
    loaded.set(path, module);
    const body = io.compile(io.read(path), path, ['exports', 'require', 'module', '__filename', '__dirname', ...names]);
    const folder = path.slice(0, path.lastIndexOf('/'));
    body(module.exports, (request: string) => load(io.resolve(request, path)), module, path, folder, ...values);
    return module.exports;
  };
  return load(entry) as typeof Face;
}

/**
 * The built-ins of the VM's context by name. Modules get them as parameters: Node looks every global name of a context that vm.createContext
 * made up by calling native code, which takes hundreds of times as long as a variable.
 */
function globalsOf(io: IsolateIo, entry: string): Record<string, unknown> {
  const global = io.compile('return globalThis', entry, [])() as Record<string, unknown>;
  const found: Record<string, unknown> = {};
  for (const name of Object.getOwnPropertyNames(global)) {
    // V8 knows `undefined` by itself, and `eval` cannot be a parameter.
    if (/^[A-Za-z]\w*$/.test(name) && name !== 'undefined' && name !== 'eval') found[name] = global[name];
  }
  return found;
}
