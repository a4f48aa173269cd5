/**
 * The replayer process: `node --expose-internals ... --require main.js program`, started by interpreter/replay.
 *
 * It reads its orders from the control socket, puts the boundary into replay mode and, for the vm engine, hands it the interpreter
 * as compiler of the program's modules. Invariant: when this file has run, the next thing that happens in the process is the
 * program's first statement.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect, types } from 'node:util';
import { branch, canFork, driver, exitNow, lifeline, ownPid, pollIn, processorTime, readFully, scratch, writeFully } from '../../native';
import {
  divergenceReport,
  OWN_FOLDER,
  programOutput,
  startReplay,
  type CompileEsModule,
  type CompileModule,
  type Divergence,
  type Replay,
  type ReplayOptions,
} from '../../recorder/boundary';
import { printable } from '../../recorder/trace';
import { loadIsolated } from '../vm/isolate';
import { ROOM_IN_REALMS } from '../vm/stack-limits';
import { contextRealms } from './context-realms';
import { CONTROL, receive, send, type ControlCalls } from './control';
import { errorSources, installErrorPositions, ObservedThrows } from './error-sources';
import { hostInspectionKit, type UtilBinding } from './inspection';
import { fatalText, originOf, primitiveText } from './origin';
import { resolveOwn } from './own-modules';
import { makeRoomInRealms } from './realms';
import { RejectionHooks, type PromiseHooks } from './rejection-hooks';
import { interpretScripts, type ScriptHost } from './scripts';
import type { createInside, Inside, InsideHost } from './inside';
import type { Orders } from './protocol';

// As they are now: scripts.ts replaces what the program gets.
import vm = require('node:vm');
const { compileFunction, createContext, Script } = vm;
const { runInContext } = Object.getPrototypeOf(Script.prototype) as { runInContext(...args: unknown[]): unknown };

/** Where the boundary stands in for Module.prototype._compile. */
const MODULE_HOOKS = `${OWN_FOLDER}recorder/boundary/hooks/modules.js`;
/** Where it stands in for compileSourceTextModule. */
const ESM_HOOKS = `${OWN_FOLDER}recorder/boundary/hooks/esm-modules.js`;
/** Where it stands in for runInContext. */
const REALMS = join(__dirname, 'realms.js');
/** Where it stands in for process.emit while a session looks for rejections. */
const REJECTIONS = join(__dirname, 'rejection-hooks.js');
/** Where the replayer stands in for vm.Script. */
const SCRIPTS = join(__dirname, 'scripts.js');

const calls: ControlCalls = { readFully, writeFully, exitNow };
/** How often a plain replay tells its turn, in turns. */
const TURN_REPORT = 256;
/** Kilobytes of native stack for one entry of the run loop; see VmHost.nestingLimit. */
const ENTRY = 3.9;
/** Kilobytes of stack that Node and we have used by now, and more. */
const STARTED = 128;
/** Exit codes: it diverged; retrace could not do it. */
const DIVERGED = 126;
const FAILED = 125;

/** Indices into AsyncWrapBinding.async_id_fields (lib/internal/async_hooks.js, constants of async_wrap). */
const EXECUTION_ID = 0;
const ID_COUNTER = 2;

/** This process is a copy of a replayer. */
let isCopy = false;

try {
  begin(receive(calls) as Orders);
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
}

function fail(message: string): never {
  writeFully(2, Buffer.from(`retrace: ${message}\n`));
  return exitNow(FAILED);
}

function begin(orders: Orders): void {
  let replay: Replay | undefined;
  let inside: Inside | undefined;
  /** What is left to print of a fatal exception that is no object; then the process ends. */
  let farewell: string | undefined;
  const where = (): { turn: number; step: number } => ({ turn: replay?.turn ?? 0, step: inside?.vm.step ?? 0 });
  const finished = (truncated: boolean, { turn, events }: { turn: number; events: number }): void =>
    send(calls, { kind: 'finished', turn, events, truncated });
  const options: ReplayOptions = {
    directory: orders.recording,
    thread: orders.thread,
    preload: module,
    ...(orders.witness === undefined ? {} : { witness: orders.witness }),
    onWitness: (stack) => send(calls, { kind: 'witness', stack, ...where() }),
    onTurn(turn) {
      if (inside) inside.onTurn(turn);
      if (!inside?.session && turn % TURN_REPORT === 0) send(calls, { kind: 'turn', turn });
    },
    onDivergence(divergence: Divergence) {
      const message = `the replay diverged from the recording: expected ${printable(divergence.expected)}, got ${printable(divergence.actual)}.`;
      const report = divergenceReport(divergence);
      const left = `the what-if leaves the recording: it asks for ${printable(divergence.actual)}, next recorded is ${printable(divergence.expected)}.`;
      inside?.session?.onDivergence({ message: left, report, details: divergence });
      send(calls, { kind: 'divergence', message, report, divergence, ...where() });
      if (orders.quiet === true) exitNow(DIVERGED);
    },
    onLastEvent(end) {
      if (inside?.session) {
        inside.session.onLastEvent(end.signal);
        return false;
      }
      finished(true, end);
      return true;
    },
    onRanOut(end) {
      if (orders.oneOfSeveral === true && end.signal === null) exitNow(FAILED);
      if (inside?.session) inside.session.onEnd(true, null, end.signal);
      else finished(true, end);
    },
    ...(orders.tellOutput
      ? { onOutput: (fd: 1 | 2, bytes: Uint8Array, time: number) => send(calls, { kind: 'written', fd, bytes: bytesAsText(bytes), time }) }
      : {}),
    onEnd(kind, code, leaving) {
      // an evaluation has ended the program: what stood here is of no more use
      if (inside?.session?.evaluating === true) exitNow(code);
      if (inside?.session) inside.session.onEnd(false, code, null);
      else if (replay) finished(false, { turn: replay.turn, events: replay.event });
      if (farewell !== undefined) {
        programOutput(2, Buffer.from(farewell));
        exitNow(code);
      }
      // Node's own end waits for threads that a copy has not; what a program does around its end has events, but none follow a fatal error.
      if (isCopy && leaving && (kind === 'uncaught' || replay?.over === true)) exitNow(code);
    },
  };
  if (orders.engine === 'vm') {
    const watch: Pick<InsideHost, 'observe'> = {};
    const rejections = orders.mode === 'debug' ? rejectionHooks() : undefined;
    inside = createInterpreter(orders, () => replay, watch, rejections);
    const { callPlace, compileEsModule, compileModule, session, throws, vm: interpreter } = inside;
    const observed = new ObservedThrows();
    /** Errors whose stack has been read. */
    const formatted = new WeakSet();
    const sources = errorSources((file) => interpreter.files.get(file)?.text, observed);
    installErrorPositions(callPlace);
    const natives = new Set<string>();
    interpretScripts({
      realmOf: contextRealms(evaluateIn, (evaluate) => interpreter.addRealm(evaluate)),
      script: inside.script,
      compileFunction: inside.compileFunction,
      onNative(file, why) {
        if (natives.has(file)) return;
        natives.add(file);
        send(calls, { kind: 'native', file, why });
      },
      originOf: (error) => (types.isProxy(error) ? undefined : originOf(error, stackOf(error), throws.placeOf(error), false, sources)),
      symbols: (binding('util') as { privateSymbols: ScriptHost['symbols'] }).privateSymbols,
    });
    // loaded by the first replayer, so that it knows copies of it
    if (orders.stack === 0) driver();
    else driver().useStack((orders.stack - STARTED) * 1024);
    session?.begin();
    replay = startReplay({
      ...options,
      compileModule: compileModule as CompileModule,
      compileEsModule: compileEsModule as CompileEsModule,
      onUnsettled() {
        const place = inside!.unsettled();
        if (place === undefined) return;
        const where = `Warning: Detected unsettled top-level await at ${place.file}:${place.line}`;
        programOutput(2, Buffer.from(`${where}\n${place.text}\n${' '.repeat(place.column - 1)}^\n\n\n\n`));
      },
      onFatal(error, fromPromise) {
        if (types.isProxy(error)) {
          farewell = fatalText(inspect(error), throws.lastPlace, process.version);
          return undefined;
        }
        const isFormatted = typeof error === 'object' && error !== null && formatted.has(error);
        const stack = stackOf(error);
        session?.onFatal(error, stack);
        if ((typeof error !== 'object' && typeof error !== 'function') || error === null) {
          if (fromPromise) return undefined;
          farewell = fatalText(primitiveText(error), throws.lastPlace, process.version);
          return undefined;
        }
        // Of a stack that has been read V8 keeps the text only: it names the place where Node gives up, which is the same here.
        if (fromPromise && isFormatted) return undefined;
        return originOf(error, stack, throws.placeOf(error), fromPromise, sources);
      },
      rewriteStack(error, sites) {
        if (typeof error === 'object' && error !== null) formatted.add(error);
        return interpreter.rewriteStack(error, sites);
      },
      ...(session ? { onOutput: (fd: 1 | 2, bytes: Uint8Array) => session.onOutput(fd, bytes) } : {}),
    });
    if (replay.overflows !== undefined) interpreter.expectOverflows(replay.overflows, () => replay!.event);
    rejections?.open();
    // Only a program that died of an exception has to know where it came from.
    if (replay.manifest.end?.kind === 'uncaught') watch.observe = driver().observe.bind(undefined, observed.note);
    return;
  }
  replay = startReplay(options);
}

/** One character a byte. */
function bytesAsText(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

/** Node reads `stack` next, so reading it here shows the program nothing new. */
function stackOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  try {
    const { stack } = error as { stack?: unknown };
    return typeof stack === 'string' ? stack : '';
  } catch {
    return '';
  }
}

/** Runs text natively, as a sloppy script, in a context or in the program's own realm. */
function evaluateIn(context: object | null, source: string, filename: string): unknown {
  return Reflect.apply(runInContext, new Script(source, { filename }), [context, -1, true, false, false]);
}

/** What Branching needs of the process. */
function branchingHost({ mode, rendezvous }: Orders): InsideHost['branching'] {
  if (mode === 'debug' && canFork) lifeline(CONTROL);
  return {
    key: rendezvous?.key ?? '',
    processorTime,
    pid: ownPid,
    messageWaits: () => pollIn(CONTROL),
    branch() {
      const pid = rendezvous && canFork ? branch(CONTROL, `\0${rendezvous.address}`) : -1;
      isCopy ||= pid === 0;
      return pid;
    },
  };
}

function createInterpreter(
  orders: Orders,
  replay: () => Replay | undefined,
  watch: Pick<InsideHost, 'observe'>,
  rejections: RejectionHooks | undefined,
): Inside {
  const util = binding('util') as UtilBinding;
  const { async_id_fields: ids } = binding('async_wrap') as AsyncWrapBinding;
  const host: InsideHost = {
    ...calls,
    fail,
    ...(orders.stack === 0 ? {} : { nestingLimit: Math.floor(orders.stack / ENTRY) }),
    stackBytes: orders.v8Stack * 1024,
    ...(orders.stack === 0 ? {} : { withStack: (bytes, run) => driver().withStack(bytes, run) }),
    kit: hostInspectionKit(util),
    get observe() {
      return watch.observe;
    },
    evalInRealm: (source, filename) => evaluateIn(null, source, filename),
    compileNatively: (source, filename, params) =>
      void (params === null ? new Script(source, { filename }) : compileFunction(source, [...params], { filename })),
    refused: (file, reason) => fail(`${file === '' ? 'a text' : file}: V8 takes it and retrace's parser does not: ${reason}`),
    constructorName: util.getConstructorName,
    isProxy: types.isProxy,
    asyncIds: { current: () => ids[EXECUTION_ID]!, last: () => ids[ID_COUNTER]! },
    // The boundary's stand-in for Module.prototype._compile, which is not there when a program is recorded.
    isExtraFrame: (script, name) =>
      script === REALMS ||
      script === ESM_HOOKS ||
      script === REJECTIONS ||
      script === __filename ||
      script === SCRIPTS ||
      ((name === null || name === '_compile') && script === MODULE_HOOKS),
    apart: (run) => replay()!.apart(run),
    whatIf: () => replay()!.whatIf(),
    ...(orders.forkable === true ? { scratch: (milliseconds, run) => scratch(CONTROL, milliseconds, run) } : {}),
    branching: branchingHost(orders),
    ...(rejections ? { listenForRejections: (listener) => rejections.listen(listener) } : {}),
  };
  resolveLazyGlobals();
  makeRoomInRealms(ROOM_IN_REALMS);
  return loadInside()(host, orders.mode === 'debug');
}

/**
 * Globals that Node defines natively and lazily look for Node's data in the context that reads them, and abort the process in one
 * that Node did not make: they are read here, once, before the interpreter's context does.
 */
function resolveLazyGlobals(): void {
  for (const name of ['DOMException']) Reflect.get(globalThis, name);
}

/** The interpreter in a context of its own: a program that patches its intrinsics does not patch the interpreter's. */
function loadInside(): typeof createInside {
  const context = createContext({});
  const loaded: unknown = loadIsolated(join(__dirname, 'inside.js'), {
    resolve: resolveOwn,
    read: (path) => readFileSync(path, 'utf8'),
    compile: (source, filename, params) => compileFunction(source, [...params], { filename, parsingContext: context }) as never,
  });
  return (loaded as { createInside: typeof createInside }).createInside;
}

/** Uses Node's own list of hooks on promises, so that those of the program stay. Call before the program runs. */
function rejectionHooks(): RejectionHooks {
  return new RejectionHooks(internals(() => require('internal/promise_hooks') as PromiseHooks));
}

/** Node's counters of async ids, in memory that its native half shares. */
interface AsyncWrapBinding {
  async_id_fields: Float64Array;
}

/** Node's own knowledge of values, and its counters. Opening that door leaves a warning and two globals behind, unless they are taken away. */
function binding(name: string): unknown {
  return internals(() => (require('internal/test/binding') as { internalBinding(name: string): unknown }).internalBinding)(name);
}

function internals<T>(load: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  const loaded = load();
  process.emitWarning = emitWarning;
  const leaked = globalThis as { internalBinding?: unknown; primordials?: unknown };
  delete leaked.internalBinding;
  delete leaked.primordials;
  return loaded;
}
