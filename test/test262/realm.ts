// Realms for tests: a fresh vm context each, in which V8 or the VM runs scripts and modules, with the host's functions that the tests ask
// for ($262, print). Used by the worker. Invariant: both engines get the same context, the same host functions and the same module loader.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { types } from 'node:util';
import vm from 'node:vm';
import v8 from 'node:v8';
import type { Vm } from '../../interpreter/vm';
import { KNOWS_IMPORT_SOURCE } from '../../interpreter/compiler';
import { loadIsolated } from '../../interpreter/vm/isolate';
import { makeAgents } from './agents';

export type EngineName = 'v8' | 'vm';

export interface Realm {
  readonly context: vm.Context;
  /** Evaluates a script in the realm's global scope. */
  script(source: string, file: string): unknown;
  /** Loads, links and evaluates a module and what it imports. */
  module(source: string, file: string): Promise<void>;
}

/** What a test may tell its host. */
export interface TestHost {
  print(text: string): void;
}

type Face = typeof import('../../interpreter/vm');
type Begin = ReturnType<Vm['compileModule']>['begin'];

const { internalBinding } = require('internal/test/binding') as {
  internalBinding(name: string): Record<string, (...args: never[]) => unknown>;
};
const { prepareStackTraceCallback } = require('internal/errors') as {
  prepareStackTraceCallback(global: unknown, error: unknown, sites: NodeJS.CallSite[]): unknown;
};

/** Guest halves of modules that their stub has not fetched yet, by the key that the stub fails to read of null. */
const waiting = new Map<string, Begin>();

/** The machines of the running scenario, by their global object. */
const machines = new Map<unknown, Vm>();

/** Takes over the formatting of stacks: guest frames appear in them, and stubs of modules ask for their guest half by it. */
export function installStacks(): void {
  (internalBinding('errors')['setPrepareStackTraceCallback'] as (callback: unknown) => void)(
    (global: unknown, error: unknown, sites: NodeJS.CallSite[]) => {
      const message: unknown = Reflect.getOwnPropertyDescriptor(error as object, 'message')?.value;
      const [, key] = (typeof message === 'string' && /\(reading '(retrace:module:\d+)'\)$/.exec(message)) || [];
      const begin = key === undefined ? undefined : waiting.get(key);
      if (begin !== undefined) {
        waiting.delete(key!);
        return begin;
      }
      const machine = machines.get(global) ?? machines.values().next().value;
      return prepareStackTraceCallback(global, error, machine === undefined ? sites : machine.rewriteStack(error, sites));
    },
  );
}

/** The VM's code, in a context of its own for the n-th realm of a test: the VM keeps one realm's state beside its classes. */
const isolates: Face[] = [];
function isolate(n: number): Face {
  while (isolates.length <= n) {
    const context = vm.createContext({});
    const face = loadIsolated(path.join(__dirname, '../../interpreter/vm/index.js'), {
      resolve: (request, from) => createRequire(from).resolve(request),
      read: (file) => readFileSync(file, 'utf8'),
      compile: (source, filename, params) => vm.compileFunction(source, [...params], { filename, parsingContext: context }) as never,
    });
    // A machine lives for one short test here: its run loop is optimised on what others did.
    (face.Vm.prototype as unknown as { warmUp(): void }).warmUp = () => undefined;
    isolates.push(face);
  }
  return isolates[n]!;
}

/** Forgets the realms of the last scenario. */
export function forgetRealms(): void {
  machines.clear();
  waiting.clear();
}

/** A context whose global object is an ordinary one where this Node has such. */
function newContext(): vm.Context {
  const plain = (vm.constants as unknown as { DONT_CONTEXTIFY?: vm.Context }).DONT_CONTEXTIFY;
  return vm.createContext(plain ?? (Object.create(null) as vm.Context));
}

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc') as () => void;
v8.setFlagsFromString('--no-expose-gc');

/** $262 of a realm, made by the realm's own functions. */
const API = `(function (host, agent) {
  const define = (name, value) => Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
  define('print', function print(text) { host.print(String(text)); });
  define('$262', {
    global: globalThis,
    createRealm: function createRealm() { return host.createRealm(); },
    evalScript: function evalScript(source) { return host.evalScript(String(source)); },
    detachArrayBuffer: function detachArrayBuffer(buffer) { host.detach(buffer); return null; },
    gc: function gc() { host.collect(); },
    agent,
  });
  return globalThis;
})`;

export function makeRealm(engine: EngineName, host: TestHost): Realm {
  const context = newContext();
  const loader = new ModuleLoader(context);
  const agents = makeAgents();
  const script = engine === 'v8' ? nativeScripts(context, loader) : guestScripts(context, loader);
  const define = vm.runInContext(API, context) as (host: object, agent: object) => object;
  define(
    {
      print: (text: string) => host.print(text),
      createRealm: () => (makeRealm(engine, host).context as { $262?: unknown }).$262,
      evalScript: (source: string) => script(source, 'evalScript.js'),
      detach: (buffer: ArrayBuffer) => void structuredClone(buffer, { transfer: [buffer] }),
      collect,
    },
    vm.runInContext(agents.text, context)(agents.host) as object,
  );
  return { context, script, module: (source, file) => loader.evaluate(source, file) };
}

function nativeScripts(context: vm.Context, loader: ModuleLoader): Realm['script'] {
  return (source, filename) =>
    vm.runInContext(source, context, { filename, importModuleDynamically: loader.dynamic(filename) as never }) as unknown;
}

/** Machines that have been made for this scenario: the first has the test's realm. */
function guestScripts(context: vm.Context, loader: ModuleLoader): Realm['script'] {
  type Import = (specifier: unknown, options: unknown, isSource: boolean) => unknown;
  const importers = new Map<string, Import>();
  const importFrom = (referrer: string): Import => {
    let importer = importers.get(referrer);
    if (importer === undefined) {
      const source = KNOWS_IMPORT_SOURCE ? 'isSource ? import.source(specifier) : ' : '';
      const text = `return ${source}options === undefined ? import(specifier) : import(specifier, options)`;
      const options = {
        filename: referrer,
        parsingContext: context,
        importModuleDynamically: loader.dynamic(referrer) as never,
      };
      importers.set(referrer, (importer = vm.compileFunction(text, ['specifier', 'options', 'isSource'], options) as Import));
    }
    return importer;
  };
  const machine = new (isolate(machines.size).Vm)({
    nestingLimit: 1800,
    evalInRealm: (source, filename) => vm.runInContext(source, context, { filename }) as unknown,
    compileNatively: (source, filename, params) =>
      void (params === null
        ? new vm.Script(source, { filename })
        : vm.compileFunction(source, [...params], { filename, parsingContext: context })),
    dynamicImport: (specifier, options, referrer, isSource) => importFrom(referrer)(specifier, options, isSource),
    isExtraFrame: (file) => file === __filename,
    constructorName: internalBinding('util')['getConstructorName'] as unknown as (object: object) => string,
    isProxy: types.isProxy,
  });
  machines.set(vm.runInContext('globalThis', context), machine);
  loader.compile = (source, file) => {
    const compiled = machine.compileModule(source, file, file);
    waiting.set(compiled.key, compiled.begin);
    return compiled.stub;
  };
  return (source, file) => machine.runScript(source, file);
}

/** The modules of a realm, by path and kind. */
class ModuleLoader {
  private readonly modules = new Map<string, vm.Module>();
  /** What V8 compiles for a module's text. */
  compile = (source: string, _file: string): string => source;

  constructor(private readonly context: vm.Context) {}

  async evaluate(source: string, file: string): Promise<void> {
    const module = this.sourceText(source, file);
    this.modules.set(`${file}?`, module);
    await this.run(module);
  }

  /** What import() from a file does. */
  dynamic(referrer: string): (specifier: string, referrer: unknown, attributes: Record<string, string>) => Promise<vm.Module> {
    return async (specifier, _script, attributes) => {
      // A module that imports itself has gone on by then.
      await undefined;
      const module = this.load(specifier, referrer, attributes);
      await this.run(module);
      return module;
    };
  }

  private async run(module: vm.Module): Promise<void> {
    if (module.status === 'unlinked')
      await module.link((specifier, from, extra) =>
        this.load(
          specifier,
          from.identifier,
          ((extra as { attributes?: unknown }).attributes ?? (extra as { assert?: unknown }).assert) as Record<string, string>,
        ),
      );
    while (module.status === 'linking') await new Promise(setImmediate);
    await module.evaluate();
  }

  private load(specifier: string, from: string, attributes: Record<string, string> = {}): vm.Module {
    const file = path.resolve(path.dirname(from), specifier);
    const type = attributes['type'] ?? '';
    const key = `${file}?${type}`;
    let module = this.modules.get(key);
    if (module === undefined) this.modules.set(key, (module = this.make(file, type)));
    return module;
  }

  private make(file: string, type: string): vm.Module {
    const { context } = this;
    const synthetic = (value: unknown): vm.Module =>
      new vm.SyntheticModule(
        ['default'],
        function () {
          this.setExport('default', value);
        },
        { context, identifier: file },
      );
    if (type === 'json') return synthetic((vm.runInContext('JSON.parse', context) as typeof JSON.parse)(readFileSync(file, 'utf8')));
    if (type === 'text') return synthetic(readFileSync(file, 'utf8'));
    return this.sourceText(readFileSync(file, 'utf8'), file);
  }

  private sourceText(source: string, file: string): vm.Module {
    const options = { context: this.context, identifier: file, importModuleDynamically: this.dynamic(file) as never };
    let text: string;
    try {
      text = this.compile(source, file);
    } catch (error) {
      // V8 words its own syntax errors; a text that only the compiler refuses fails its test.
      new vm.SourceTextModule(source, options);
      throw new Error(`V8 compiles what the compiler refuses: ${(error as Error).message}`);
    }
    return new vm.SourceTextModule(text, options);
  }
}
