/**
 * Replay mode as a whole: opens the recording, installs the hooks, drives the recorded entries to the end.
 *
 * Called by the replayer process. Invariant: the process ends as the recorded one did, or by one of the callbacks.
 */
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { dieOf, driver, endAfter, exitNow, writeFully } from '../../native';
import {
  FactIndex,
  printable,
  readManifest,
  sha256,
  SOURCE,
  SourceStore,
  TraceReader,
  type EventHead,
  type TraceEvent,
  type Manifest,
} from '../trace';
import { divergenceReport, type Divergence } from './divergence';
import { installDisguise } from './disguise';
import { openHost, type Members } from './host';
import { installHooks, OWN_FOLDER } from './install';
import { restoreChannel } from './hooks/ipc';
import { sendNoMore } from './hooks/streams';
import type { CompileEsModule } from './hooks/esm-modules';
import type { CompileModule } from './hooks/modules';
import { hideOwnModules, restorePaths } from './hooks/modules';
import { installStatics } from './hooks/process';
import type { RewriteStack } from './hooks/stacks';
import { redirectOutput, shareOutput, type ProgramOutput } from './output';
import type { Origin } from './origins';
import { overflowsOf, type RecordedOverflow } from './overflows';
import { ReplayBoundary, type FactSource } from './replay';

/** Exit code of a replay that diverged. */
export const DIVERGED = 126;
/** Exit code when the recording just stops and nobody knows why. */
export const TRUNCATED = 125;

/** Processor time that a program has for itself after the last event of a recording that just stops: nothing it does then is seen. */
const LAST_WORDS_MS = 1000;

/** How a replay can come to its end without the program's own exit. */
export interface RanOut {
  /** Events of the trace that were replayed. */
  readonly events: number;
  readonly turn: number;
  /** The signal that ended the recorded process, if its parent saw one. */
  readonly signal: string | null;
}

export interface ReplayOptions {
  readonly directory: string;
  /** Name of the thread; only `main` for now. */
  readonly thread?: string;
  /** The module that calls: Node loads it before the program's own preloads. */
  readonly preload: NodeJS.Module;
  /** The interpreter's compiler; without it modules run natively. */
  readonly compileModule?: CompileModule;
  readonly compileEsModule?: CompileEsModule;
  readonly rewriteStack?: RewriteStack;
  /** Begins a turn: 0 before the main script, then one for each entry the driver delivers. */
  onTurn?(turn: number): void;
  /** Told before the process ends with DIVERGED; a debug session may block in it, or end the process itself. */
  onDivergence?(divergence: Divergence): void;
  /** Index of an event; onWitness is told the stack of the call that takes it, '' for one that the event loop delivers. */
  readonly witness?: number;
  onWitness?(stack: string): void;
  /** Told before the process ends because the recording stops here (a killed program). */
  onRanOut?(end: RanOut): void;
  /**
   * Told when the last event of a recording that just stops has been replayed. If it answers true, the process ends soon after even if
   * the program never asks for anything again, as one that was killed in an endless loop.
   */
  onLastEvent?(end: RanOut): boolean;
  /** Told before the process ends with exit code 125 because the recording is damaged after all. */
  onFailure?(error: Error): void;
  /** Takes what the program writes to stdout and stderr; default: it is written there. */
  onOutput?: ProgramOutput;
  /**
   * Told of the exception that the program dies of, after its exit listeners and before Node prints it. May say where it came
   * from, for the lines Node prints above the stack; without an answer V8's own knowledge is used. fromPromise: it is the
   * reason of a rejection that nobody handled.
   */
  onFatal?(error: unknown, fromPromise: boolean): Origin | undefined;
  /** The program ends because its main module awaits for ever. */
  onUnsettled?(): void;
  /** Told when the program ends by itself, after the last listener of `exit`. kind: exit or uncaught; leaving: as in ExitEvents. */
  onEnd?(kind: 'exit' | 'uncaught', code: number, leaving: boolean): void;
}

export interface Replay {
  readonly manifest: Manifest;
  /** Turn that runs now. */
  readonly turn: number;
  /** Index of the next event of the trace. */
  readonly event: number;
  /** Every event of the trace has been replayed. */
  readonly over: boolean;
  /** Where the stack overflowed in the recording, in order; undefined if nobody watched. */
  readonly overflows: readonly RecordedOverflow[] | undefined;
  /** Runs something of the replayer's own: nothing in it is a crossing. */
  quiet<T>(run: () => T): T;
  /** Runs something that is not part of the recorded run, such as a debugger's evaluation: crossings throw an Error and use up no event. */
  apart<T>(run: () => T): T;
  /** From here on the program is not the recorded one: what it says on stdout and stderr may differ. */
  whatIf(): void;
}

/** Throws NotARecording, Damaged, WrongFormat. Returns before the program's first statement. */
export function startReplay(options: ReplayOptions): Replay {
  const native = driver();
  if (options.onOutput) redirectOutput(options.onOutput);
  installDisguise();
  const host = openHost();
  const { directory } = options;
  const manifest = readManifest(directory);
  const thread =
    manifest.processes[0]!.threads.find(({ name }) => name === (options.thread ?? 'main')) ?? manifest.processes[0]!.threads[0]!;
  const read = (file: string): Uint8Array => readFileSync(join(directory, file));
  const facts = new FactIndex(new TraceReader(read(thread.facts), thread.facts));
  const sources = new SourceStore(join(directory, manifest.sources), sha256);
  /** Bytes that turn out to be wrong end the replay: the program must not meet the error. */
  const failed = (error: unknown): never => {
    boundary.own++;
    options.onFailure?.(error as Error);
    say(`retrace: ${(error as Error).message}\n`);
    return exitNow(TRUNCATED);
  };
  const reader = new (class extends TraceReader {
    override peek(): EventHead | undefined {
      try {
        return super.peek();
      } catch (error) {
        return failed(error);
      }
    }
    override next(): TraceEvent | undefined {
      try {
        return super.next();
      } catch (error) {
        return failed(error);
      }
    }
  })(read(thread.trace), thread.trace, {
    handles: { numberOf: () => 0, handleOf: (handle) => boundary.objectOf(handle) ?? unreachable(boundary, handle) },
  });

  const { signals } = (host.internalBinding('constants') as { os: { signals: Record<string, number> } }).os;
  const whereItStops = (): { end: RanOut; number: number; words: string } => {
    const signal = manifest.end?.signal ?? null;
    const number = signal === null ? 0 : (signals[signal] ?? 0);
    const why = manifest.failure === null ? 'the program was killed or is still running' : `the recorder gave up: ${manifest.failure}`;
    return {
      end: { events: reader.index, turn: boundary.turn, signal },
      number,
      words: `retrace: the recording ends here, after event ${reader.index} in turn ${boundary.turn}: ${printable(why)}.\n`,
    };
  };
  const ranOut = (): never => {
    boundary.own++;
    const { end, number, words } = whereItStops();
    options.onRanOut?.(end);
    if (number !== 0) dieOf(number);
    say(words);
    return exitNow(TRUNCATED);
  };
  const diverged = (divergence: Divergence): never => {
    options.onDivergence?.(divergence);
    say(divergenceReport(divergence));
    return exitNow(DIVERGED);
  };

  const boundary: ReplayBoundary = new ReplayBoundary(
    host,
    reader,
    sourceFinding(facts, sources, (run) => boundary.quiet(run), failed),
    {
      onTurn: (turn) => options.onTurn?.(turn),
      onDivergence: diverged,
      onRanOut: ranOut,
      onLastEvent() {
        const { end, number, words } = whereItStops();
        if (options.onLastEvent?.(end) === true) endAfter(LAST_WORDS_MS, number === 0 ? words : '', number, TRUNCATED);
      },
      onWitness: (stack) => options.onWitness?.(stack),
    },
  );
  boundary.recordedNode = manifest.node;
  const overflows = overflowsOf(facts);
  boundary.agreement.overflows = overflows ?? [];
  boundary.witness = options.witness ?? -1;

  boundary.clocks.set('Date.now', Date.parse(manifest.startedAt));
  if (manifest.sent !== undefined) sendNoMore(manifest.sent);
  restoreChannel(host, manifest.statics['channel']);
  if (manifest.parent !== null) shareOutput();
  installHooks(boundary, {
    onReplaced() {
      boundary.end('exit', 0);
      // What came of it, the successor's code, is all that the outside saw.
      const code = manifest.end?.code ?? 0;
      options.onEnd?.('exit', code, true);
      return exitNow(code);
    },
    exits: {
      onEnd(kind, code, leaving) {
        boundary.end(kind, code);
        options.onEnd?.(kind, code, leaving);
      },
      ...(options.onFatal ? { onFatal: options.onFatal } : {}),
      ...(options.onUnsettled ? { onUnsettled: options.onUnsettled } : {}),
      swallowBeforeExit: () => boundary.ending,
    },
    compileModule: options.compileModule,
    compileEsModule: options.compileEsModule,
    rewriteStack: options.rewriteStack,
  });
  hideOwnModules(boundary, OWN_FOLDER);
  installStatics(boundary, () => []);
  restorePaths(boundary, options.preload as unknown as Members);
  host.tidy();
  options.onTurn?.(0);
  native.start((threw) => (boundary.nextDelivery(threw) as never) ?? null);

  return {
    manifest,
    get turn() {
      return boundary.turn;
    },
    get event() {
      return reader.index;
    },
    get over() {
      return reader.peek() === undefined;
    },
    overflows,
    quiet: (run) => boundary.quiet(run),
    apart: (run) => boundary.apartFrom(run),
    whatIf() {
      boundary.whatIf = true;
    },
  };
}

/** A native object in an answer that no hook has made again at replay: to use it is to ask for what was not recorded. */
function unreachable(boundary: ReplayBoundary, handle: number): object {
  return new Proxy(
    {},
    {
      get(target, key) {
        if (typeof key === 'symbol' || key in target || key === 'then' || key === 'toJSON') return Reflect.get(target, key) as unknown;
        return boundary.refuse(`${key} of the native object with handle ${handle}, whose class no hook answers for`);
      },
    },
  );
}

function say(text: string): void {
  writeFully(2, Buffer.from(text));
}

function sourceFinding(
  facts: FactIndex,
  sources: SourceStore,
  quiet: <T>(run: () => T) => T,
  failed: (error: unknown) => never,
): FactSource {
  return {
    find(kind, key, at) {
      const answer = facts.find(kind, key, at);
      if (kind !== SOURCE || answer === undefined || !('value' in answer)) return answer;
      const { source, bytes } = Object(answer.value) as { source?: unknown; bytes?: unknown };
      if (typeof source !== 'string') return answer;
      try {
        return { value: quiet(() => (bytes === true ? sources.get(source) : sources.get(source).toString('utf8'))) };
      } catch (error) {
        return failed(error);
      }
    },
  };
}
