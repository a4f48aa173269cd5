/**
 * Module loading. Node's real loader runs in both modes; what it asks of the file system is answered at replay from a store
 * keyed by question and path, so the program's folder and its node_modules need not exist.
 *
 * Invariant: the loader's file accesses are never events (loader-files.ts tells them apart), and no frame of ours lies below a
 * module.
 */
import { pathToFileURL } from 'node:url';
import { types } from 'node:util';
import type { Boundary } from '../core';
import { disguise } from '../disguise';
import type { AnyFunction, Members } from '../host';
import { install as installMain } from './esm-main';

export type GuestModule = (
  this: unknown,
  exports: unknown,
  require: unknown,
  module: unknown,
  filename: string,
  dirname: string,
) => unknown;
/** import() as the module itself would call it: Node's own loader, with the module as referrer. Works once the module has begun. */
export type Importer = (specifier: unknown, options: unknown, isSource: boolean) => Promise<unknown>;
/** Compiles a CommonJS module for the interpreter. Throws a SyntaxError if it is not one. */
export type CompileModule = (content: string, filename: string, importer: Importer) => GuestModule;

const { apply, defineProperty } = Reflect;

export function install(boundary: Boundary, compileModule?: CompileModule): void {
  const { host } = boundary;
  const { Module } = host.requireInternal('internal/modules/cjs/loader') as { Module: Members };

  installPackageReader(boundary, Module);
  host.whenBinding('modules', (binding) => {
    for (const name of [
      'readPackageJSON',
      'getNearestParentPackageJSON',
      'getNearestParentPackageJSONType',
      'getPackageScopeConfig',
      'getPackageType',
    ])
      boundary.sync(binding, name, `modules.${name}`, {
        fact: (args) => ({
          kind: `modules.${name}`,
          key: Array.from(args)
            .filter((arg: unknown) => arg !== undefined)
            .join('|'),
        }),
      });
  });

  installMainRunner(boundary, Module);

  if (compileModule !== undefined) installInterpreter(boundary, Module, compileModule);
}

/**
 * package.json files: a second copy of the module that reads them, so that what it has cached of the folders around retrace and
 * around the place it was started in plays no part. Node 20 also reads them through functions captured at bootstrap.
 */
function installPackageReader(boundary: Boundary, Module: Members): void {
  const { host } = boundary;
  const reader = host.requireInternal('internal/modules/package_json_reader');
  const copy: Members = { exports: {} };
  host.compileInternal('internal/modules/package_json_reader')(
    copy['exports'],
    host.requireInternal,
    copy,
    host.process,
    host.internalBinding,
    host.primordials,
  );
  const exports = copy['exports'] as Members;
  for (const name of Object.keys(exports)) reader[name] = exports[name];
  installMain(boundary, reader);
  const fs = host.internalBinding('fs');
  if (typeof fs['internalModuleReadJSON'] !== 'function') return;
  const emitWarning = host.process.emitWarning;
  host.process.emitWarning = () => undefined;
  try {
    Module['_readPackage'] = exports['readPackage'];
    const stat = Module['_stat'] as AnyFunction;
    const live = fs['internalModuleStat'] as (path: string) => number;
    Module['_stat'] = disguise((filename: string) => live(filename), stat);
  } finally {
    host.process.emitWarning = emitWarning;
  }
}

/** What decides how the main file is loaded: a second copy too where it took a function of the binding at bootstrap (Node 22 and 24). */
function installMainRunner(boundary: Boundary, Module: Members): void {
  const { host } = boundary;
  const id = 'internal/modules/run_main';
  if (!host.loaded.includes(`NativeModule ${id}`)) return;
  const runner = host.requireInternal(id);
  const copy: Members = { exports: {} };
  const { internalBinding, primordials, process, requireInternal } = host;
  host.compileInternal(id)(copy['exports'], requireInternal, copy, process, internalBinding, primordials);
  const { executeUserEntryPoint } = copy['exports'] as Members;
  if (Module['runMain'] === runner['executeUserEntryPoint']) Module['runMain'] = executeUserEntryPoint;
  runner['executeUserEntryPoint'] = executeUserEntryPoint;
}

function knowsImportSource(): boolean {
  try {
    return typeof new Function('import.source(0)') === 'function';
  } catch {
    return false;
  }
}

/** Interpreted modules: the real _compile runs on one line that fetches the guest function and calls it. */
function installInterpreter(boundary: Boundary, Module: Members, compileModule: CompileModule): void {
  const prototype = Module['prototype'] as Members;
  const compile = prototype['_compile'] as AnyFunction;
  // V8 names a frame by a property that holds its function, wherever on the prototype chain.
  const named: Members = Object.create(Object.getPrototypeOf(prototype) as object) as Members;
  named['_compile'] = compile;
  Object.setPrototypeOf(prototype, named);
  // One momentary global, gone before any code of the program runs.
  const name = '__retraceEnter';
  const source = knowsImportSource() ? 'isSource ? import.source(specifier) : ' : '';
  const importer = `(specifier, options, isSource) => (${source}options === undefined ? import(specifier) : import(specifier, options))`;
  const stub = `return ${name}(${importer}).call(this, exports, require, module, __filename, __dirname);`;
  prototype['_compile'] = disguise(
    {
      _compile(this: unknown, content: string, filename: string, format: unknown): unknown {
        // require() of an ES module; Node 20 says so by true.
        if (format === true || format === 'module') return apply(compile, this, arguments) as unknown;
        let guest: GuestModule;
        let natively: Importer;
        let code = content;
        try {
          if (typeof format === 'string' && format.endsWith('typescript')) {
            code = stripTypes(boundary, content, filename);
            format = format === 'typescript' ? undefined : format.replace('-typescript', '');
            if (format === 'module') return apply(compile, this, arguments) as unknown;
          }
          guest = compileModule(code, filename, (specifier, options, isSource) => natively(specifier, options, isSource));
        } catch (error) {
          // V8 reports its own syntax errors best, and decides what is an ES module after all.
          if (error instanceof SyntaxError || (error as Error)?.name === 'SyntaxError') return apply(compile, this, arguments) as unknown;
          throw error;
        }
        defineProperty(globalThis, name, {
          configurable: true,
          enumerable: false,
          writable: true,
          value: (importNatively: Importer) => {
            delete (globalThis as Members)[name];
            natively = importNatively;
            return guest;
          },
        });
        const rest = Array.from(arguments).slice(2) as unknown[];
        if (rest.length > 0) rest[0] = format;
        return apply(compile, this, [stub + sourceMapComment(code), filename, ...rest]) as unknown;
      },
    }._compile,
    compile,
  );
}

/** What Node's _compile does with TypeScript before anything else. What it throws is what Node throws. */
function stripTypes(boundary: Boundary, content: string, filename: string): string {
  const strip = boundary.host.requireInternal('internal/modules/typescript')['stripTypeScriptModuleTypes'] as AnyFunction;
  return strip(content, filename, pathToFileURL(filename).href) as string;
}

/** Node learns of source maps from the code that V8 compiles. */
export function sourceMapComment(code: string): string {
  const comments = code.match(/^[ \t]*\/\/[#@][ \t]*sourceMappingURL=\S+[ \t]*$/gm);
  return comments === null ? '' : `\n${comments[comments.length - 1]!}`;
}

/**
 * Takes the recorder's files out of what the program can list, and out of what the loader knows: it walks the folders above them
 * again when the program lies there, in both modes.
 */
export function hideOwnModules(boundary: Boundary, own: string): void {
  const { Module } = boundary.host.requireInternal('internal/modules/cjs/loader') as { Module: Members };
  const cache = Module['_cache'] as Record<string, unknown>;
  for (const path of Object.keys(cache)) if (path.startsWith(own)) delete cache[path];
  const paths = Module['_pathCache'] as Record<string, string>;
  for (const [key, path] of Object.entries(paths)) if (path.startsWith(own)) delete paths[key];
  boundary.quiet(() => {
    const known = knownRealPaths(boundary);
    if (known !== undefined) Map.prototype.clear.call(known);
  });
}

/**
 * Replay, once execPath, the environment and the working directory are as recorded: the folders named by NODE_PATH and around
 * HOME, and those in which the program's own preloads are looked for. own: the replayer's preload.
 */
export function restorePaths(boundary: Boundary, own: Members): void {
  const { Module } = boundary.host.requireInternal('internal/modules/cjs/loader') as { Module: Members };
  (Module['_initPaths'] as () => void)();
  // All preloads have one parent, which Node made in the replayer's folder.
  const parent = own['parent'] as Members | null | undefined;
  if (parent?.['id'] === 'internal/preload') parent['paths'] = (Module['_nodeModulePaths'] as AnyFunction)(boundary.host.process.cwd());
}

/** The loader's map of real paths: a constant of its file, seen where it hands it to fs.realpathSync, which asks for an encoding. */
function knownRealPaths(boundary: Boundary): Map<unknown, unknown> | undefined {
  const helpers = boundary.host.requireInternal('internal/modules/helpers') as {
    toRealPath?: (path: string) => string;
    loaderMethods?: { realpathSync(path: string): string };
  };
  let handed: object = {};
  defineProperty(Object.prototype, 'encoding', {
    configurable: true,
    get(this: object) {
      delete (Object.prototype as { encoding?: unknown }).encoding;
      // oxlint-disable-next-line no-this-alias
      handed = this;
      return undefined;
    },
  });
  try {
    (helpers.toRealPath ?? helpers.loaderMethods!.realpathSync)('/');
  } finally {
    delete (Object.prototype as { encoding?: unknown }).encoding;
  }
  return Object.getOwnPropertySymbols(handed)
    .map((key) => (handed as Record<symbol, unknown>)[key])
    .find(types.isMap);
}
