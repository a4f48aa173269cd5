/**
 * Does a recording replay? Every thread in every engine, without a network, its output compared between the engines, and the first
 * divergence with everything that is known about it. Behind `Recording.verify` and `retrace verify`.
 *
 * Invariant: an engine is `ok` only if it took every event of the trace, sent the recorded data (the replayer compares each write
 * with the number in the trace) and ended as the recorded process did.
 */
import { createHash } from 'node:crypto';
import type { Divergence as DivergenceDetails } from '../../recorder/boundary/divergence';
import type { Ending } from '../../recorder/trace';
import type { Orders, ReplayerEvent } from '../replayer/protocol';
import { withoutNetwork } from './isolation';
import type { Engine } from './recording';
import { ReplayerProcess, type ReplayerCommand } from './replayer-process';

export interface VerifyOptions {
  /** Default: native, then vm. */
  engines?: readonly Engine[];
  /** Default: all threads. */
  threads?: readonly string[];
  /** Only this process, not all of the recording. */
  alone?: boolean;
  /** Told now and then how far an engine is. */
  onProgress?: (progress: { process: number; thread: string; engine: Engine; turn: number }) => void;
}

/** Bytes that a replay wrote to one descriptor. */
export interface Written {
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
}

/** Why a replay was not the recorded run. */
export type Problem =
  | ({
      kind: 'divergence';
      message: string;
      /** thread:turn:step of the replay; step 0 in the native engine. */
      position: string;
      /** Where the other engine, which agreed there, took the expected event: its position and stack ('' for an entry). */
      recorded?: { position: string; stack: string };
    } & Pick<
      DivergenceDetails,
      'category' | 'because' | 'expected' | 'expectedEvent' | 'actual' | 'actualCall' | 'turn' | 'event' | 'stack' | 'agreed'
    >)
  /** It ended otherwise than the recorded process. */
  | { kind: 'ending'; category: 'unhooked member' | 'environment'; message: string }
  /** It wrote other bytes than the first engine. */
  | { kind: 'output'; category: 'interpreter'; message: string }
  /** The replayer could not be started, or broke. */
  | { kind: 'failed'; category: 'environment' | 'damaged recording'; message: string };

export interface EngineResult {
  /** Number of the process. */
  process: number;
  thread: string;
  engine: Engine;
  ok: boolean;
  /** Events of the trace that were replayed, of `of`. */
  events: number;
  of: number;
  turns: number;
  exitCode: number | null;
  signal: string | null;
  stdout: Written;
  stderr: Written;
  seconds: number;
  problem?: Problem;
}

export interface VerifyResult {
  recording: string;
  ok: boolean;
  node: { recorded: string; here: string };
  /** The replays had no network at all. */
  isolated: boolean;
  /** Process by process, thread by thread, engine by engine. */
  engines: EngineResult[];
}

/** One thread of a process, as verify needs it. */
export interface Unit {
  readonly process: number;
  readonly thread: string;
  /** process.version of the recording. */
  readonly node: string;
  /** Events of the trace before its last `end`. */
  readonly events: number;
  readonly end: Ending | null;
  /** False if the recorder gave up, or nobody saw the end. */
  readonly complete: boolean;
  command(engine: Engine): ReplayerCommand;
  orders(engine: Engine): Orders;
}

/** How much of an output is kept to find the first difference. */
const KEPT_BYTES = 1 << 22;

class Capture {
  private readonly hash = createHash('sha256');
  private readonly kept: Buffer[] = [];
  private keptBytes = 0;
  bytes = 0;

  push(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.hash.update(chunk);
    if (this.keptBytes >= KEPT_BYTES) return;
    this.kept.push(chunk);
    this.keptBytes += chunk.length;
  }

  written(): Written {
    return { bytes: this.bytes, sha256: this.hash.copy().digest('hex') };
  }

  /** Where the two part, in one sentence; undefined if they do not. */
  differs(other: Capture, name: string): string | undefined {
    if (this.written().sha256 === other.written().sha256) return undefined;
    const [here, there] = [Buffer.concat(this.kept), Buffer.concat(other.kept)];
    let at = 0;
    while (at < here.length && at < there.length && here[at] === there[at]) at++;
    const show = (bytes: Buffer): string => JSON.stringify(bytes.toString('utf8', at, at + 60));
    return `${name} differs from the other engine's at byte ${at}: ${show(here)} instead of ${show(there)}`;
  }
}

interface Run {
  result: EngineResult;
  stdout: Capture;
  stderr: Capture;
}

/** Runs all engines on all units. Throws nothing for a recording that does not replay: the result says it. */
export async function verify(folder: string, units: readonly Unit[], options: VerifyOptions = {}): Promise<VerifyResult> {
  const engines: EngineResult[] = [];
  for (const unit of units) {
    const runs: Run[] = [];
    for (const engine of options.engines ?? ['native', 'vm']) runs.push(await runEngine(unit, engine, options));
    compareOutputs(runs);
    await explain(unit, runs);
    engines.push(...runs.map(({ result }) => result));
  }
  return {
    recording: folder,
    ok: engines.every(({ ok }) => ok),
    node: { recorded: units[0]?.node ?? process.version, here: process.version },
    isolated: withoutNetwork().length > 0,
    engines,
  };
}

async function runEngine(unit: Unit, engine: Engine, { onProgress }: VerifyOptions): Promise<Run> {
  const began = process.hrtime.bigint();
  const [stdout, stderr] = [new Capture(), new Capture()];
  let finished: Extract<ReplayerEvent, { kind: 'finished' }> | undefined;
  let turn = 0;
  const replayer = start(
    unit,
    unit.orders(engine),
    (event) => {
      if (event.kind === 'finished') finished = event;
      if (event.kind === 'turn') {
        turn = event.turn;
        onProgress?.({ process: unit.process, thread: unit.thread, engine, turn });
      }
    },
    (fd, bytes) => (fd === 1 ? stdout : stderr).push(bytes),
  );
  const { code, signal } = await replayer.exited;
  const { divergence } = replayer;
  const problem: Problem | undefined =
    divergence === undefined
      ? howItEnded(unit, finished, { code, signal }, replayer)
      : {
          kind: 'divergence',
          message: divergence.message,
          position: divergence.position,
          ...pick(divergence.details),
        };
  return {
    stdout,
    stderr,
    result: {
      process: unit.process,
      thread: unit.thread,
      engine,
      ok: problem === undefined,
      events: divergence?.details.event ?? Math.min(finished?.events ?? 0, unit.events),
      of: unit.events,
      turns: divergence?.details.turn ?? finished?.turn ?? turn,
      exitCode: divergence ? null : code,
      signal: divergence ? null : signal,
      stdout: stdout.written(),
      stderr: stderr.written(),
      seconds: Number((process.hrtime.bigint() - began) / 1_000_000n) / 1000,
      ...(problem ? { problem } : {}),
    },
  };
}

function pick(d: DivergenceDetails): Omit<Extract<Problem, { kind: 'divergence' }>, 'kind' | 'message' | 'position' | 'recorded'> {
  const { category, because, expected, expectedEvent, actual, actualCall, turn, event, stack, agreed } = d;
  return { category, because, expected, expectedEvent, actual, actualCall, turn, event, stack, agreed };
}

function start(
  unit: Unit,
  orders: Orders,
  onEvent: (event: ReplayerEvent) => void,
  onBytes?: (fd: 1 | 2, bytes: Buffer) => void,
): ReplayerProcess {
  const { file, args, env } = unit.command(orders.engine);
  const [first, ...words] = [...withoutNetwork(), file, ...args];
  return new ReplayerProcess({ file: first!, args: words, env }, orders, 'pipe', onEvent, onBytes);
}

/** What is wrong with the end of a replay that did not diverge. */
function howItEnded(
  { events, end, complete, node }: Unit,
  finished: Extract<ReplayerEvent, { kind: 'finished' }> | undefined,
  { code, signal }: { code: number | null; signal: string | null },
  { lastWords }: ReplayerProcess,
): Problem | undefined {
  const category = node === process.version ? 'unhooked member' : 'environment';
  if (finished === undefined) {
    const said = lastWords.split('\n').at(-1) ?? '';
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    return {
      kind: 'failed',
      category: / is damaged[ :]/.test(said) ? 'damaged recording' : 'environment',
      message: `the replayer ended ${how} before the program did${said === '' ? '' : `: ${said}`}`,
    };
  }
  if (finished.events < events)
    return { kind: 'ending', category, message: `the replay ended after event ${finished.events} of ${events}, before the recorded run` };
  // A recording that just stops has no exit code to compare: the last event was reached, and that is all there is.
  if (finished.truncated || !complete || end === null || end.kind === 'lost') return undefined;
  if (end.signal === signal && (signal !== null || end.code === code)) return undefined;
  const shown = (name: string | null, number: number | null): string => name ?? `exit code ${number}`;
  return {
    kind: 'ending',
    category,
    message: `the replay ended with ${shown(signal, code)}, the recorded run with ${shown(end.signal, end.code)}`,
  };
}

/** What one engine wrote all engines must have written. */
function compareOutputs(runs: readonly Run[]): void {
  const reference = runs.find(({ result }) => result.ok);
  if (reference === undefined) return;
  for (const { result, stdout, stderr } of runs) {
    if (!result.ok) continue;
    const message = stdout.differs(reference.stdout, 'stdout') ?? stderr.differs(reference.stderr, 'stderr');
    if (message === undefined) continue;
    result.ok = false;
    result.problem = { kind: 'output', category: 'interpreter', message };
  }
}

/** Where one engine diverged and another did not, the other one shows who made the expected call. */
async function explain(unit: Unit, runs: readonly Run[]): Promise<void> {
  for (const { result } of runs) {
    const { problem } = result;
    if (problem?.kind !== 'divergence') continue;
    const other = runs.find(({ result: one }) => one.engine !== result.engine && (one.ok || one.events > problem.event));
    if (other === undefined) continue;
    const blamed = {
      ...problem,
      category: 'interpreter' as const,
      because: `the ${other.result.engine} engine follows the recording there`,
    };
    result.problem = blamed;
    const orders = { ...unit.orders(other.result.engine), witness: problem.event };
    let seen: { position: string; stack: string } | undefined;
    const witness = start(unit, orders, (event) => {
      if (event.kind !== 'witness') return;
      seen = { position: `${unit.thread}:${event.turn}:${event.step}`, stack: event.stack };
      void witness.kill();
    });
    await witness.exited;
    if (seen) result.problem = { ...blamed, recorded: seen };
  }
}
