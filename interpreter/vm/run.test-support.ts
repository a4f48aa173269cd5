// Development entry: runs a CommonJS program with all its user modules in the VM and Node's own lib natively, nothing recorded.
// Usage: node dist/interpreter/vm/run.test-support.js program.js [arguments]
// It starts itself again with --expose-internals, which rewriting stacks takes.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import Module from 'node:module';
import path from 'node:path';
import { types } from 'node:util';
import vm from 'node:vm';
import type { Vm } from './index';
import { loadIsolated } from './isolate';

interface ModuleInternals {
  _compile(this: unknown, content: string, filename: string, format?: string): unknown;
  require(id: string): unknown;
}

const PARAMS = ['exports', 'require', 'module', '__filename', '__dirname'];

/** The VM's code in a context of its own. */
function isolated(): typeof import('./index') {
  const context = vm.createContext({});
  return loadIsolated(path.join(__dirname, 'index.js'), {
    resolve: (request, from) => Module.createRequire(from).resolve(request),
    read: (file) => readFileSync(file, 'utf8'),
    compile: (source, filename, params) => vm.compileFunction(source, [...params], { filename, parsingContext: context }) as never,
  });
}

/** import() as written in `referrer`; what it imports runs natively. */
function importFrom(specifier: unknown, options: unknown, referrer: string): Promise<unknown> {
  const load = vm.compileFunction(
    'return options === undefined ? import(specifier) : import(specifier, options)',
    ['specifier', 'options'],
    {
      filename: referrer,
      importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    },
  ) as unknown as (specifier: unknown, options: unknown) => Promise<unknown>;
  return load(specifier, options);
}

/** A Vm whose guest realm is this process's main realm and that compiles its modules from now on. */
export function installVm(): Vm {
  const { internalBinding } = require('internal/test/binding') as {
    internalBinding(name: string): Record<string, (...args: never[]) => unknown>;
  };
  const { prepareStackTraceCallback } = require('internal/errors') as {
    prepareStackTraceCallback(global: unknown, error: unknown, sites: NodeJS.CallSite[]): unknown;
  };
  const { makeRequireFunction } = require('internal/modules/helpers') as { makeRequireFunction(module: unknown): unknown };
  const machine = new (isolated().Vm)({
    evalInRealm: (source, filename) => vm.runInThisContext(source, { filename }),
    compileNatively: (source, filename, params) => void vm.compileFunction(source, [...params], { filename }),
    dynamicImport: importFrom,
    constructorName: internalBinding('util')['getConstructorName'] as unknown as (object: object) => string,
    isProxy: types.isProxy,
  });
  (internalBinding('errors')['setPrepareStackTraceCallback'] as (callback: unknown) => void)(
    (global: unknown, error: unknown, sites: NodeJS.CallSite[]) =>
      prepareStackTraceCallback(global, error, machine.rewriteStack(error, sites)),
  );
  const prototype = Module.prototype as unknown as ModuleInternals;
  const native = prototype._compile;
  const { _compile } = {
    _compile(this: NodeModule, content: string, filename: string, format?: string) {
      if (format === 'module') return native.call(this, content, filename, format);
      const body = machine.compileFunction(content, filename, PARAMS);
      const require = makeRequireFunction(this);
      return Reflect.apply(body, this.exports, [this.exports, require, this, filename, path.dirname(filename)]);
    },
  };
  prototype._compile = _compile as ModuleInternals['_compile'];
  return machine;
}

if (require.main === module) {
  if (!process.execArgv.includes('--expose-internals')) {
    const child = spawnSync(process.execPath, ['--expose-internals', ...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit' });
    if (child.signal) process.kill(process.pid, child.signal);
    process.exit(child.status ?? 1);
  }
  const program = path.resolve(process.argv[2] as string);
  process.argv.splice(1, 2, program);
  installVm();
  // The program lists no modules but its own.
  for (const file of Object.keys(require.cache)) delete require.cache[file];
  (Module as unknown as { _load(file: string, parent: null, isMain: boolean): void })._load(program, null, true);
}
