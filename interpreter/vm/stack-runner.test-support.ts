/**
 * Runs every program of stack-programs.test-support.ts in one engine and prints the stacks it noted as JSON.
 *
 * Started by stack.test.ts as `node --expose-internals <this file> native|vm [index]`, so that both engines can install a formatter
 * where Node installs its own. Invariant: both engines run the same code but for the function that makes a module.
 */
import { runInThisContext, compileFunction } from 'node:vm';
import { types } from 'node:util';
import { asyncPrograms, programs, throwing } from './stack-programs.test-support';
import { Vm } from './index';

type Module = (...args: unknown[]) => unknown;

const PARAMS = ['exports', 'require', 'module', '__filename', '__dirname', 'out', 'done'];
const { internalBinding } = require('internal/test/binding') as {
  internalBinding(name: string): Record<string, (...args: never[]) => unknown>;
};
const { prepareStackTraceCallback } = require('internal/errors') as {
  prepareStackTraceCallback(global: unknown, error: unknown, sites: NodeJS.CallSite[]): unknown;
};

function makeVm(): Vm {
  const getConstructorName = internalBinding('util')['getConstructorName'] as unknown as (object: object) => string;
  return new Vm({
    evalInRealm: (source, filename) => runInThisContext(source, { filename }),
    constructorName: getConstructorName,
    isProxy: types.isProxy,
  });
}

const vm = process.argv[2] === 'vm' ? makeVm() : undefined;
(internalBinding('errors')['setPrepareStackTraceCallback'] as (callback: unknown) => void)(
  (global: unknown, error: unknown, sites: NodeJS.CallSite[]) =>
    prepareStackTraceCallback(global, error, vm === undefined ? sites : vm.rewriteStack(error, sites)),
);

const BETWEEN_TIMERS = /\n {4}at runNextTicks .*(?:\n {4}at listOnTimeout .*)?\n {4}at process\.processTimers .*/;

/** A stack without what started the program. */
function shown(error: unknown): string {
  const isError = typeof error === 'object' && error !== null;
  // What awaits a timer goes on between two timers if both are due: that is the clock's doing.
  const text = String(isError ? (error as Error).stack : error).replace(BETWEEN_TIMERS, '');
  const lines = text.split('\n');
  const end = lines.findIndex((line) => /stack-runner|node:internal\/(?:process\/execution|main|modules)/.test(line));
  return lines.slice(0, end < 0 ? undefined : end).join('\n');
}

function load(source: string, filename: string): Module {
  return vm === undefined
    ? (compileFunction(source, PARAMS, { filename }) as Module)
    : (vm.compileFunction(source, filename, PARAMS) as Module);
}

async function main(): Promise<void> {
  const only = process.argv[3];
  const all = [...programs, ...asyncPrograms];
  const results: Record<string, string[]> = {};
  for (const [index, source] of all.entries()) {
    if (only !== undefined && only !== String(index)) continue;
    const notes: string[] = (results[index] = []);
    const filename = `/programs/p${index}.js`;
    (globalThis as Record<string, unknown>)['out0'] = (error: unknown) => notes.push(shown(error));
    await new Promise<void>((resolve) => {
      const isAsync = index >= programs.length;
      const exports = {};
      try {
        load(source, filename).call(
          exports,
          exports,
          require,
          {},
          filename,
          '/programs',
          (error: unknown) => void notes.push(shown(error)),
          () => resolve(),
        );
      } catch (error) {
        notes.push(`uncaught ${shown(error)}`);
        resolve();
      }
      if (!isAsync) resolve();
      setTimeout(resolve, 2000).unref();
    });
    (Error as { stackTraceLimit: unknown }).stackTraceLimit =
      vm === undefined ? 10 : (Error as { stackTraceLimit: unknown }).stackTraceLimit;
  }
  throwing.forEach((body, index) => {
    const key = `throwing ${index}`;
    if (only !== undefined && only !== 'throwing' && only !== key) return;
    try {
      load(`(function body() { ${body} })()`, '/programs/t.js').call({}, {}, require);
      results[key] = ['nothing thrown'];
    } catch (error) {
      results[key] = [
        shown(error)
          .split('\n')
          .filter((line) => line.startsWith('    at '))
          .join('\n'),
      ];
    }
  });
  process.stdout.write(JSON.stringify(results));
}

process.on('unhandledRejection', () => {});
void main();
