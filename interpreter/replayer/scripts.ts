/**
 * Scripts that the program makes (vm.Script, vm.runInThisContext, vm.compileFunction) run in the interpreter where they run in the
 * program's own realm. V8 compiles them all the same: it refuses what it refuses, and keeps caches as it does.
 *
 * Called by main.ts before the program. Scripts with a timeout, with a line offset, with import() in them or in another context run
 * natively. Invariant: what leaves a script looks as if V8 had run it, the lines that Node puts above the stack of an error included.
 */
import type { Origin } from '../../recorder/boundary';

import vm = require('node:vm');

/** The native class that vm.Script extends: src/node_contextify.cc, ContextifyScript. */
interface NativeScript {
  runInContext(this: object, context: object | null, timeout: number, displayErrors: boolean, ...rest: unknown[]): unknown;
}

export interface ScriptHost {
  /** Compiles a script for the interpreter; each call of what it answers runs it. */
  script(source: string, file: string): () => unknown;
  /** A function of the interpreter's with this body. */
  compileFunction(source: string, file: string, params: string[]): (...args: unknown[]) => unknown;
  /** Where an error came from that leaves a script. */
  originOf(error: object): Origin | undefined;
  /** Private properties of errors: src/node_errors.cc, DecorateErrorStack. */
  readonly symbols: { arrow_message_private_symbol: symbol; decorated_private_symbol: symbol };
}

const { apply, construct, getPrototypeOf, setPrototypeOf } = Reflect;
const NO_TIMEOUT = -1;

/** What may be an import(): its answer depends on options that only V8 has. */
const mayImport = (source: string): boolean => source.includes('import');

export function interpretScripts(host: ScriptHost): void {
  const sources = new WeakMap<object, { source: string; file: string; run?: () => unknown }>();
  const Native = getPrototypeOf(vm.Script) as new (...args: unknown[]) => object;
  const standIn = new Proxy(Native, {
    construct(target, args, newTarget) {
      const made = construct(target, args, newTarget) as object;
      const [source, file, lineOffset, columnOffset] = args as [string, string, number, number];
      if (lineOffset === 0 && columnOffset === 0 && !mayImport(source)) sources.set(made, { source, file });
      return made;
    },
  });
  setPrototypeOf(vm.Script, standIn);

  const prototype = Native.prototype as NativeScript;
  const natively = prototype.runInContext;
  prototype.runInContext = {
    runInContext(this: object, context: object | null, timeout: number, displayErrors: boolean): unknown {
      const script = context === null && timeout === NO_TIMEOUT ? sources.get(this) : undefined;
      if (script === undefined) return apply(natively, this, arguments) as unknown;
      const run = (script.run ??= host.script(script.source, script.file));
      try {
        return run();
      } catch (error) {
        if (displayErrors) decorate(error, host);
        throw error;
      }
    },
  }.runInContext;

  const compile = vm.compileFunction;
  (vm as { compileFunction: unknown }).compileFunction = {
    compileFunction(this: unknown, code: string, params?: readonly string[], options: vm.CompileFunctionOptions = {}): unknown {
      const made = apply(compile, this, arguments) as Record<string, unknown>;
      const { filename = '', columnOffset = 0, lineOffset = 0, parsingContext, contextExtensions = [] } = options;
      if (columnOffset !== 0 || lineOffset !== 0 || parsingContext !== undefined || contextExtensions.length > 0 || mayImport(code))
        return made;
      const guest = host.compileFunction(code, filename, [...(params ?? [])]) as unknown as Record<string, unknown>;
      for (const key of ['cachedDataProduced', 'cachedData', 'cachedDataRejected']) if (key in made) guest[key] = made[key];
      return guest;
    },
  }.compileFunction;
}

/** What Node does with an error that leaves a script: the place goes above its stack, once. */
function decorate(error: unknown, { originOf, symbols }: ScriptHost): void {
  if ((typeof error !== 'object' && typeof error !== 'function') || error === null) return;
  const own = error as Record<symbol, unknown> & { stack?: unknown };
  if (own[symbols.decorated_private_symbol] === true) return;
  const origin = originOf(error);
  if (origin === undefined) return;
  const { file, line, column, text } = origin;
  const arrow = `${file}:${line}\n${text}\n${text.slice(0, column - 1).replaceAll(/[^\t]/g, ' ')}^\n`;
  own[symbols.arrow_message_private_symbol] = arrow;
  try {
    const { stack } = own;
    if (typeof stack !== 'string') return;
    own.stack = `${arrow}\n${stack}`;
  } catch {
    return;
  }
  own[symbols.decorated_private_symbol] = true;
}
