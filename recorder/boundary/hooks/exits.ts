/**
 * How the process ends: beforeExit, exit, process.reallyExit, a fatal exception. (Death by a signal leaves no event: the trace
 * just stops, and the launcher notes the signal in the manifest.)
 *
 * Invariant: the trace is complete after the last listener of 'exit' has run, not before. An `end` that is followed by more
 * events (a listener around reallyExit) was not the end: the last one counts.
 */
import { readFileSync } from 'node:fs';
import type { Boundary } from '../core';
import { disguise } from '../disguise';
import type { AnyFunction, Members } from '../host';
import { isUnsettled } from './esm-modules';
import { isHandedOn, originInStack, showOrigin, type Origin } from '../origins';
import { outputDone, programOutput, timeOutput } from '../output';
import type { ReplayBoundary } from '../replay';

export interface ExitEvents {
  /**
   * Record: everything is in the trace, unless more comes. kind: exit or uncaught. leaving: nothing of the program's runs any more; otherwise
   * microtasks of the last listener of 'exit' may.
   */
  onEnd(kind: 'exit' | 'uncaught', code: number, leaving: boolean): void;
  /** Nobody handled it: the process dies of it after this. May say where it came from. */
  onFatal?(error: unknown, fromPromise: boolean): Origin | undefined;
  /** Replay: nothing is left to do and the main module still awaits. Native code will not say where; this may. */
  onUnsettled?(): void;
  /** Replay: native code emits beforeExit on its own when the loop was handed back to it; the driver has done it already. */
  swallowBeforeExit(): boolean;
}

const { apply, defineProperty } = Reflect;
/** Exit code: a listener of uncaughtException threw (kExceptionInFatalExceptionHandler, src/node_exit_code.h). */
const HANDLER_THREW = 7;
const NOTHING = new Uint8Array(0);

export function install(boundary: Boundary, events: ExitEvents): void {
  const proc = boundary.host.process;
  const prototype = Object.getPrototypeOf(proc) as Members;
  const realEmit = proc.emit as AnyFunction;
  const emit = {
    emit(this: unknown, event: unknown): unknown {
      if (event === 'beforeExit') {
        if (events.swallowBeforeExit()) {
          if (events.onUnsettled !== undefined && isUnsettled(boundary)) events.onUnsettled();
          return false;
        }
        boundary.mark('beforeExit');
        return apply(realEmit, this, arguments) as unknown;
      }
      if (event !== 'exit') return apply(realEmit, this, arguments) as unknown;
      boundary.mark('exit');
      const result: unknown = apply(realEmit, this, arguments);
      events.onEnd('exit', exitCode(proc, 0), false);
      return result;
    },
  }.emit;
  // On the prototype: an own property would show up when the program lists process.
  defineProperty(prototype, 'emit', { value: disguise(emit, realEmit), writable: true, enumerable: false, configurable: true });

  const reallyExit = proc['reallyExit'] as AnyFunction;
  proc['reallyExit'] = disguise(
    {
      reallyExit(this: unknown, code: unknown): unknown {
        events.onEnd('exit', typeof code === 'number' ? code & 255 : 0, true);
        return apply(reallyExit, this, arguments) as unknown;
      },
    }.reallyExit,
    reallyExit,
  );

  // The core dump and the native stack that come with it belong to the recorded process.
  if (boundary.mode === 'replay') {
    const abort = proc.abort as AnyFunction;
    proc.abort = disguise({ abort: () => (boundary as ReplayBoundary).end('abort', 134) }.abort, abort) as () => never;
  }

  const origin = boundary.site('process.origin');
  /** Where an exception that an addon threw or handed on comes from. Replays have neither its stack's files nor V8's knowledge. */
  const handedOnOrigin = (error: unknown): Origin | undefined =>
    isHandedOn(error) && !boundary.aside
      ? boundary.ask(origin, 0, () => boundary.quiet(() => originInStack(error as object, textOf)))
      : undefined;
  const fatal = proc['_fatalException'] as AnyFunction;
  // A handler that throws: Node prints that error. Where nobody asks it is left to V8, which knows the place only of what nobody caught.
  const watched = (self: unknown, args: IArguments): unknown => {
    try {
      return apply(fatal, self, args) as unknown;
    } catch (later) {
      showOrigin(boundary.host, later, events.onFatal!(later, false));
      throw later;
    }
  };
  /** Node prints the error next, without asking us. */
  const printsNext = (): void => {
    timeOutput(boundary);
    outputDone();
    if (boundary.mode === 'replay') programOutput(2, NOTHING);
  };
  const standIn: AnyFunction = disguise(
    {
      _fatalException(this: unknown, error: unknown): unknown {
        boundary.fatal = error;
        // V8 names the frame by the property that holds its function, so it is back in its place while it runs.
        proc['_fatalException'] = fatal;
        let handled: unknown;
        let threw = true;
        // `finally` keeps the place of the throw, which Node prints.
        try {
          handled = events.onFatal === undefined ? apply(fatal, this, arguments) : watched(this, arguments);
          threw = false;
        } finally {
          if (threw) printsNext();
          if (threw) events.onEnd('uncaught', HANDLER_THREW, true);
        }
        if (handled === false) {
          showOrigin(boundary.host, error, handedOnOrigin(error) ?? events.onFatal?.(error, arguments[1] === true));
          printsNext();
          events.onEnd('uncaught', exitCode(proc, 1), true);
        } else {
          proc['_fatalException'] = standIn;
          boundary.fatal = undefined;
          boundary.leftOver();
        }
        return handled;
      },
    }._fatalException,
    fatal,
  );
  proc['_fatalException'] = standIn;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function exitCode(proc: NodeJS.Process, otherwise: number): number {
  const code = Number(proc.exitCode ?? otherwise);
  return Number.isInteger(code) ? code & 255 : otherwise;
}
