// Development entry: runs a CommonJS program with all its user modules in the VM and Node's own lib natively, nothing recorded.
// Usage: node dist/interpreter/vm/run.test-support.js program.js [arguments]
// It starts node again with itself as a preload and --expose-internals, which rewriting stacks takes: the program is the main module.
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
}

const PARAMS = ['exports', 'require', 'module', '__filename', '__dirname'];
const ENTER = '__enterGuestModule';
const STUB = `return ${ENTER}(arguments.callee).call(this, ${PARAMS.join(', ')});`;
/** Functions that run STUB: stacks leave their frames out. */
const stubs = new WeakSet<object>();

function isStub(site: NodeJS.CallSite): boolean {
  const callee = site.getFunction() as object | undefined;
  return callee !== undefined && stubs.has(callee);
}

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
function installVm(): Vm {
  const { internalBinding } = require('internal/test/binding') as {
    internalBinding(name: string): Record<string, (...args: never[]) => unknown>;
  };
  const { prepareStackTraceCallback } = require('internal/errors') as {
    prepareStackTraceCallback(global: unknown, error: unknown, sites: NodeJS.CallSite[]): unknown;
  };
  const machine = new (isolated().Vm)({
    nestingLimit: 1800,
    evalInRealm: (source, filename) => vm.runInThisContext(source, { filename }),
    compileNatively: (source, filename, params) =>
      void (params === null ? new vm.Script(source, { filename }) : vm.compileFunction(source, [...params], { filename })),
    dynamicImport: importFrom,
    isExtraFrame: (script) => script === __filename,
    constructorName: internalBinding('util')['getConstructorName'] as unknown as (object: object) => string,
    isProxy: types.isProxy,
  });
  (internalBinding('errors')['setPrepareStackTraceCallback'] as (callback: unknown) => void)(
    (global: unknown, error: unknown, sites: NodeJS.CallSite[]) =>
      prepareStackTraceCallback(
        global,
        error,
        machine.rewriteStack(
          error,
          sites.filter((site) => !isStub(site)),
        ),
      ),
  );
  const prototype = Module.prototype as unknown as ModuleInternals;
  const native = prototype._compile;
  prototype._compile = function (content, filename, format) {
    if (format === 'module') return native.call(this, content, filename, format);
    const body = machine.compileFunction(content, filename, PARAMS);
    // Node's own _compile makes the module's require and everything else; the text it runs only fetches the guest function.
    Object.defineProperty(globalThis, ENTER, {
      configurable: true,
      value: (stub: object) => {
        delete (globalThis as Record<string, unknown>)[ENTER];
        stubs.add(stub);
        return body;
      },
    });
    return native.call(this, STUB, filename, format);
  };
  return machine;
}

if (process.execArgv.includes(__filename)) {
  installVm();
  // The program lists no modules but its own.
  for (const file of Object.keys(require.cache)) delete require.cache[file];
} else if (require.main === module) {
  const words = ['--expose-internals', '--no-warnings', '--stack-size=7000', '--require', __filename, ...process.argv.slice(2)];
  const child = spawnSync(process.execPath, words, { stdio: 'inherit' });
  if (child.signal) process.kill(process.pid, child.signal);
  process.exit(child.status ?? 1);
}
