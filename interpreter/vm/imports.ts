// Where an imported binding is kept: in the environment of the module that exports it. Used by the debugger alone, to say who wrote it.
//
// V8 links modules, so only V8 knows which binding a name stands for: a candidate's binding gets, through its stub's setter, a mark that the
// importer's getter then shows or does not. Invariant: no code of the program runs, and every binding is left as it was.
import { DEFAULT, type FunctionInfo, type Scope, type Variable } from '../compiler';
import { HOLE, type Env } from './frame';

/** An ES module that has begun: its variables, and the stub's setters of those it exports. */
export interface ModuleNote {
  readonly env: Env;
  readonly scope: Scope;
  readonly setters: object;
}

/** The outermost environment of a module's frame. */
export function noteModule(info: FunctionInfo, env: Env | null, setters: object): ModuleNote | null {
  let root = env;
  while (root !== null && (root[0] as Env | null | undefined)) root = root[0] as Env;
  return root && { env: root, scope: info.scope, setters };
}

export interface Binding {
  readonly env: Env;
  readonly variable: Variable;
}

/** The binding that `read` reads, if it is one of the modules' own. */
export function bindingBehind(modules: readonly ModuleNote[], read: () => unknown): Binding | null {
  const value = shown(read);
  let other: Binding | null = null;
  for (const { env, scope, setters } of modules) {
    for (const variable of scope.variables.values()) {
      if (!variable.exported || variable.kind === 'import' || !Object.is(env[variable.slot], value)) continue;
      if (variable.name === DEFAULT) {
        // it has no setter, and never changes
        other ??= { env, variable };
        continue;
      }
      if (isBehind(setters, variable.name, value, read)) return { env, variable };
    }
  }
  return other;
}

function isBehind(setters: object, name: string, value: unknown, read: () => unknown): boolean {
  if (value === HOLE) return false;
  const mark = {};
  try {
    Reflect.set(setters, name, mark);
  } catch {
    return false;
  }
  try {
    return shown(read) === mark;
  } finally {
    Reflect.set(setters, name, value);
  }
}

function shown(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return HOLE;
  }
}
