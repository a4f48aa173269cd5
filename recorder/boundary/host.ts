/**
 * Access to Node's insides: bindings, internal modules, primordials. Used once, by the preload, in both modes.
 *
 * Invariant: what opening the door leaves behind (a warning, two globals, the widened list of requirable modules, entries in
 * process.moduleLoadList) is gone before the program's first statement.
 */

/** A native binding, a built-in module or any object whose members the boundary replaces. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Members = Record<string | symbol, any>;
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyFunction = (this: any, ...args: any[]) => any;

interface BuiltinModule {
  readonly id: string;
  readonly exports: unknown;
  loaded: boolean;
  loading: boolean;
  compileForInternalLoader(): unknown;
}

interface BuiltinModuleClass {
  readonly prototype: BuiltinModule;
  readonly map: Map<string, BuiltinModule>;
  setRealmAllowRequireByUsers(ids: string[]): void;
  canBeRequiredByUsers(id: string): boolean;
  allowRequireByUsers(id: string): void;
}

export interface Host {
  readonly process: NodeJS.Process & Members;
  readonly primordials: Members;
  internalBinding(name: string): Members;
  /** A built-in module by its id, internal ones included (`internal/timers`). */
  requireInternal(id: string): Members;
  /**
   * Compiles the source of a built-in a second time; its parameters are exports, require, module, process, internalBinding,
   * primordials (bootstrap scripts: process, require, internalBinding, primordials).
   */
  compileInternal(id: string): AnyFunction;
  /**
   * Runs `install` once on a binding: now if it is loaded, else just before the first built-in that uses it is compiled. So
   * nothing is loaded that the program does not load itself.
   */
  whenBinding(name: string, install: (binding: Members) => void): void;
  /**
   * Gives built-ins that are compiled from now on another primordial: the clock, the entropy and the weak references that Node's
   * own code took before anybody else. Name: as in lib/internal/per_context/primordials.js.
   */
  substitute(name: string, value: unknown): void;
  /** Runs `install` once on the exports of a built-in module: now if it is loaded, else right after it has been evaluated. */
  whenModule(id: string, install: (exports: Members) => void): void;
  /** Names of all bindings that Node's own sources ask for. */
  bindingNames(): string[];
  /** process.moduleLoadList as the program will see it first: what Node had loaded before us; at replay, in the recorded process. */
  loaded: readonly string[];
  /** Puts back what the program can see of built-ins having been loaded. Call last. */
  tidy(): void;
}

const BINDING = /\binternalBinding\('(\w+)'\)/g;

/** Bindings that modules which are loaded before us, and no others, load when they first use them. */
const LOADED_AT_USE: ReadonlySet<string> = new Set(['signal_wrap']);

/** Needs `--expose-internals`. Throws a plain Error that says so if it is missing. */
export function openHost(): Host {
  const proc = process as NodeJS.Process & Members;
  const loadList = (proc as Members)['moduleLoadList'] as string[];
  let shownAsLoaded: readonly string[] = loadList.slice();
  const emitWarning = proc.emitWarning;
  proc.emitWarning = () => undefined;
  const hadBinding = 'internalBinding' in globalThis;
  let access: { internalBinding: Host['internalBinding']; primordials: Members };
  try {
    access = require('internal/test/binding') as typeof access;
  } catch {
    throw new Error('retrace needs `node --expose-internals`. Start the program with `retrace record`.');
  } finally {
    proc.emitWarning = emitWarning;
  }
  if (!hadBinding) {
    delete (globalThis as Members)['internalBinding'];
    delete (globalThis as Members)['primordials'];
  }
  // The class itself is exported nowhere; its instances are, and they name it.
  const helpers = require('internal/modules/helpers') as { loadBuiltinModule(id: string): { constructor: BuiltinModuleClass } };
  const BuiltinModule = helpers.loadBuiltinModule('fs').constructor;
  const { internalBinding, primordials } = access;
  const builtins = internalBinding('builtins');
  const requireInternal = (id: string): Members => {
    // Node's own loader of built-ins, which is none itself.
    if (id === 'internal/bootstrap/realm') return { BuiltinModule, internalBinding };
    const module = BuiltinModule.map.get(id);
    if (module === undefined) throw new Error(`this Node has no internal module ${id}`);
    return module.compileForInternalLoader() as Members;
  };
  const publicIds: string[] = [];
  for (const id of BuiltinModule.map.keys()) if (!id.startsWith('internal/')) publicIds.push(id);

  const bindingHooks = new Map<string, ((binding: Members) => void)[]>();
  const moduleHooks = new Map<string, ((exports: Members) => void)[]>();
  const sources = builtins['natives'] as Record<string, string>;
  const substitutes: Members = Object.create(primordials) as Members;
  const substituted: string[] = [];
  let mentions: RegExp | undefined;
  const nodeCompile = BuiltinModule.prototype.compileForInternalLoader;
  /** What nodeCompile does, with the substitutes: lib/internal/bootstrap/realm.js. */
  const compileSubstituted = (module: BuiltinModule): unknown => {
    const { id } = module;
    const dependency = id.startsWith('internal/deps/');
    const requireBuiltin = (name: string): unknown => {
      if (name === 'internal/bootstrap/realm') return { internalBinding, BuiltinModule, require: requireBuiltin };
      if (!dependency) return requireInternal(name);
      return requireInternal(name.startsWith('node:') ? name.slice(5) : BuiltinModule.map.has(name) ? name : `internal/deps/${name}`);
    };
    const compileFunction = builtins['compileFunction'] as (name: string) => AnyFunction;
    module.loading = true;
    try {
      compileFunction(id)(module.exports, requireBuiltin, module, proc, internalBinding, substitutes);
      module.loaded = true;
    } finally {
      module.loading = false;
    }
    loadList.push(`NativeModule ${id}`);
    return module.exports;
  };
  const compile = function (this: BuiltinModule): unknown {
    // What is weak in the module loader's caches is nobody's business, and fills differently in the two modes.
    const own = this.id.startsWith('internal/source_map/') || mentions?.test(sources[this.id] ?? '') !== true;
    return !own ? compileSubstituted(this) : nodeCompile.call(this);
  };
  BuiltinModule.prototype.compileForInternalLoader = function (this: BuiltinModule): unknown {
    if (this.loaded || this.loading) return nodeCompile.call(this);
    if (bindingHooks.size > 0)
      for (const [, name] of (sources[this.id] ?? '').matchAll(BINDING)) {
        const hooks = bindingHooks.get(name!);
        if (hooks === undefined) continue;
        bindingHooks.delete(name!);
        let binding: Members;
        try {
          binding = internalBinding(name!);
        } catch {
          continue; // named in the source, and not in this build of Node
        }
        for (const install of hooks) install(binding);
      }
    const exports = compile.call(this);
    const hooks = moduleHooks.get(this.id);
    if (hooks !== undefined) {
      moduleHooks.delete(this.id);
      for (const install of hooks) install(exports as Members);
    }
    return exports;
  };

  const exists = (name: string): boolean => {
    try {
      return internalBinding(name) !== undefined;
    } catch {
      return false;
    }
  };

  return {
    process: proc,
    whenBinding(name, install) {
      if (!loadList.includes(`Internal Binding ${name}`) && !LOADED_AT_USE.has(name)) add(bindingHooks, name, install);
      // Asked for and not in this build of Node, it is in the list all the same.
      else if (exists(name)) install(internalBinding(name));
    },
    bindingNames() {
      const names = new Set<string>();
      for (const source of Object.values(sources)) for (const [, name] of source.matchAll(BINDING)) names.add(name!);
      return [...names];
    },
    whenModule(id, install) {
      const module = BuiltinModule.map.get(id);
      if (module === undefined) return;
      if (module.loaded) install(module.exports as Members);
      else add(moduleHooks, id, install);
    },
    substitute(name, value) {
      Object.defineProperty(substitutes, name, { value, enumerable: true });
      substituted.push(name);
      // As it stands in the destructuring that begins a built-in.
      mentions = new RegExp(`^ {2}(?:${substituted.join('|')})(?::.*)?,$`, 'm');
    },
    primordials,
    internalBinding,
    requireInternal,
    compileInternal: (id) => builtins['compileFunction'](id) as AnyFunction,
    get loaded() {
      return shownAsLoaded;
    },
    set loaded(names) {
      shownAsLoaded = names;
    },
    tidy() {
      // Modules that are loaded stay loaded; the list shows what a run without us would show at this point.
      loadList.splice(0, loadList.length, ...shownAsLoaded);
      const allowed = publicIds.filter((id) => BuiltinModule.canBeRequiredByUsers(id));
      BuiltinModule.setRealmAllowRequireByUsers(allowed);
      // It forgets those that Node counts as experimental, such as node:sqlite.
      for (const id of allowed) if (!BuiltinModule.canBeRequiredByUsers(id)) BuiltinModule.allowRequireByUsers(id);
      const { Module } = requireInternal('internal/modules/cjs/loader') as { Module: Members };
      const shown = Module['builtinModules'] as string[];
      if (Object.isFrozen(shown)) Module['builtinModules'] = Object.freeze(shown.filter((id) => !id.startsWith('internal/')));
      else shown.splice(0, shown.length, ...shown.filter((id) => !id.startsWith('internal/')));
    },
  };
}

function add<T>(hooks: Map<string, T[]>, name: string, install: T): void {
  const list = hooks.get(name);
  if (list === undefined) hooks.set(name, [install]);
  else list.push(install);
}
