/**
 * ES modules for the interpreter: V8 compiles a stub that has a module's imports and exports and links it as it would the module; the stub
 * calls the interpreter for the rest. Replay in the vm engine only.
 *
 * Invariant: Node's loader runs unchanged; what it hands to V8 asks for the same modules and exports the same names.
 */
import { fileURLToPath } from 'node:url';
import type { Boundary } from '../core';
import { disguise } from '../disguise';
import type { AnyFunction } from '../host';
import type { ReplayBoundary } from '../replay';
import { sourceMapComment, type Importer } from './modules';

export interface CompiledEsModule {
  /** What V8 compiles. */
  readonly stub: string;
  /** By which the stub asks for its guest half. */
  readonly key: string;
  /** The module's guest half. */
  begin(meta: object, imports: object, exports: object, functions: Record<string, object>, importer: Importer): object;
}

/** Compiles an ES module for the interpreter. location: its path, if its URL has one. Throws a SyntaxError where it does not parse. */
export type CompileEsModule = (source: string, url: string, location: string | undefined) => CompiledEsModule;

/** Exit code of a program whose main module awaits for ever. */
const UNSETTLED = 13;

const { apply, getOwnPropertyDescriptor } = Reflect;

/** Guest halves that no stub has fetched yet, by the key that their stub fails to read (compiler/module.ts). */
const waiting = new Map<string, CompiledEsModule['begin']>();

export function install(boundary: Boundary, compile: CompileEsModule): void {
  const utils = boundary.host.requireInternal('internal/modules/esm/utils');
  const original = utils['compileSourceTextModule'] as AnyFunction | undefined;
  if (original === undefined) return;
  utils['compileSourceTextModule'] = disguise(function compileSourceTextModule(this: unknown, url: string, source: string): unknown {
    let compiled: CompiledEsModule;
    try {
      compiled = compile(source, url, url.startsWith('file:') ? fileURLToPath(url) : undefined);
    } catch (error) {
      // V8 reports its own syntax errors best.
      if (!isSyntaxError(error)) throw error;
      apply(original, this, arguments);
      return (boundary as ReplayBoundary).diverge(`the ES module ${url}, which V8 takes and retrace's parser does not: ${error.message}`, {
        kind: 'refused',
      });
    }
    const rest = Array.from(arguments).slice(2) as unknown[];
    waiting.set(compiled.key, compiled.begin);
    return apply(original, this, [url, compiled.stub + sourceMapComment(source), ...rest]) as unknown;
  }, original);
}

/** Of any realm. */
function isSyntaxError(error: unknown): error is Error {
  return (error as Error | null)?.name === 'SyntaxError';
}

/**
 * What a stub asks for: it reads its key of null, and the stack of the error that V8 throws is the guest half. Nothing that a program can
 * see or replace lies on that way.
 */
export function askedFor(error: unknown): unknown {
  if (waiting.size === 0 || typeof error !== 'object' || error === null) return undefined;
  const message: unknown = getOwnPropertyDescriptor(error, 'message')?.value;
  if (typeof message !== 'string') return undefined;
  const [, key] = /\(reading '(retrace:module:\d+)'\)$/.exec(message) ?? [];
  const begin = key === undefined ? undefined : waiting.get(key);
  if (begin !== undefined) waiting.delete(key!);
  return begin;
}

/** Whether the program ends with its main module awaiting. From Node 22 on native code would then say where: where a stub does, so it is kept from it. */
export function isUnsettled(boundary: Boundary): boolean {
  const { constants, getPromiseDetails, privateSymbols } = boundary.host.internalBinding('util') as {
    getPromiseDetails(promise: unknown): unknown[] | undefined;
    constants: { kPending: number; kExitCode: number; kHasExitCode: number };
    privateSymbols: {
      entry_point_module_private_symbol?: symbol;
      entry_point_promise_private_symbol?: symbol;
      exit_info_private_symbol: symbol;
    };
  };
  const { entry_point_module_private_symbol: module, entry_point_promise_private_symbol: promise } = privateSymbols;
  const holder = globalThis as unknown as Record<symbol, unknown>;
  if (module === undefined || promise === undefined || getPromiseDetails(holder[promise])?.[0] !== constants.kPending) return false;
  holder[module] = undefined;
  // It would have set the exit code, too, unseen by process.exitCode.
  const exit = boundary.host.process[privateSymbols.exit_info_private_symbol as unknown as string] as Int32Array;
  if (exit[constants.kHasExitCode] === 0) {
    exit[constants.kHasExitCode] = 1;
    exit[constants.kExitCode] = UNSETTLED;
  }
  return true;
}
