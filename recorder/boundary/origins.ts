/**
 * Where an exception came from, for the lines that Node prints above the stack of a fatal one:
 *
 *     node:fs:573
 *       return binding.open(
 *                      ^
 *
 * V8 takes them from the topmost frame at the throw, which is a wrapper of ours for whatever a native function throws. Both
 * modes use this: record when a native function has thrown, replay when a recorded exception is thrown again.
 *
 * Where a program's script (vm.Script) throws one on, native code would put our line above its stack for good: a comment that Node's
 * own library uses for that keeps it from showing the lines that rethrow (src/node_errors.cc, GetErrorSource).
 *
 * Invariant: exceptions that do not pass through a wrapper are left to V8.
 */
import { types } from 'node:util';
import type { Host, Members } from './host';

const { isNativeError, isProxy } = types;
const thrown = new WeakSet<object>();

/** Notes that an exception leaves through a wrapper. */
export function passThrough(error: unknown): void {
  if (typeof error === 'object' && error !== null) thrown.add(error);
}

/** Exceptions that native code of an addon threw or handed on: V8 knows only where we threw them again. */
const handedOn = new WeakSet<object>();

/** Notes that an exception comes out of the native code of an addon, or goes there from a callback. */
export function handOn(error: unknown): void {
  if (typeof error === 'object' && error !== null) handedOn.add(error);
}

export const isHandedOn = (error: unknown): boolean => typeof error === 'object' && error !== null && handedOn.has(error);

/** Record: the place where such an exception was made, by its stack. read: the text of a file, undefined if there is none. */
export function originInStack(error: object, read: (file: string) => string | undefined): Origin | undefined {
  if (isProxy(error)) return undefined;
  const stack: unknown = Object.getOwnPropertyDescriptor(error, 'stack')?.value ?? (error as Error).stack;
  const frame = typeof stack === 'string' ? FRAME.exec(stack) : null;
  if (frame === null) return undefined;
  const [, file, line, column] = frame as unknown as [string, string, string, string];
  const lines = read(file.startsWith('file://') ? decodeURI(file.slice(7)) : file)?.split('\n');
  const text = lines?.[Number(line) - 1];
  return text === undefined ? undefined : { file, line: Number(line), column: Number(column), text };
}

const FRAME = /^ {4}at (?:.* \()?(.+?):(\d+):(\d+)\)?$/m;

/** A place in a source. line and column from 1; text: the whole line. */
export interface Origin {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

/** Gives a fatal exception the lines it would have without the wrapper. known: the interpreter's answer, where it has one. */
export function showOrigin(host: Host, error: unknown, known?: Origin): void {
  if ((typeof error !== 'object' && typeof error !== 'function') || error === null || isProxy(error)) return;
  const origin = known ?? (thrown.has(error) ? originInNode(host, error) : undefined);
  if (origin === undefined) return;
  const { file, line, column, text } = origin;
  const symbols = host.internalBinding('util')['privateSymbols'] as Record<string, symbol>;
  const mapped = known === undefined ? undefined : mappedOrigin(host, known);
  if (mapped !== undefined) {
    (error as Record<symbol, unknown>)[symbols['arrow_message_private_symbol']!] = mapped;
    return;
  }
  const indent = text.slice(0, column - 1).replaceAll(/[^\t]/g, ' ');
  // Node sets these lines off from what came before for everything that is not an Error.
  const [lead, tail] = isNativeError(error) ? ['', '\n'] : ['\n', ''];
  (error as Record<symbol, unknown>)[symbols['arrow_message_private_symbol']!] = `${lead}${file}:${line}\n${text}\n${indent}^${tail}`;
}

type LookUp = (file: string, line: number, column: number) => string | undefined;

/**
 * The lines above the stack where --enable-source-maps is on and there is a map: Node's own work, which it hands to native code
 * and exports nowhere, so a second copy of the module is asked. lib/internal/source_map/prepare_stack_trace.js
 */
function mappedOrigin(host: Host, { file, line, column }: Origin): string | undefined {
  if ((host.process as { sourceMapsEnabled?: boolean }).sourceMapsEnabled !== true) return undefined;
  let lookUp: LookUp | undefined;
  const module = { exports: {} };
  const binding = (name: string): Members =>
    name === 'errors' ? { setGetSourceMapErrorSource: (callback: LookUp) => (lookUp = callback) } : host.internalBinding(name);
  host.compileInternal('internal/source_map/prepare_stack_trace')(
    module.exports,
    host.requireInternal,
    module,
    host.process,
    binding,
    host.primordials,
  );
  return lookUp?.(file, line, column - 1);
}

function originInNode(host: Host, error: object): Origin | undefined {
  const frame = FRAME.exec(String((error as Error).stack));
  if (frame === null) return undefined;
  const [, file, line, column] = frame as unknown as [string, string, string, string];
  const natives = host.internalBinding('builtins')['natives'] as Record<string, string>;
  const source = file.startsWith('node:') ? natives[file.slice(5)] : undefined;
  const lines = source?.split('\n');
  const text = lines?.[Number(line) - 1];
  return text === undefined ? undefined : { file, line: Number(line), column: Number(column), text };
}
