/**
 * A recording on disk, opened: what ran, its sources, its events; and the way into replaying it.
 *
 * The public API's entry (`open`), used by the CLI and by embedding programs. Invariant: opening and reading runs no code of the
 * recording's; every file of it is checked before its contents are believed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { canFork, FORKABLE_FLAGS } from '../../native';
import { replayCommand } from '../../recorder/launch';
import { MAPS_FILE, type StoredMap } from '../../recorder/source-maps';
import {
  checkNode,
  Damaged,
  EventTag,
  FactIndex,
  inheritedOutput,
  PROCESSES,
  processNumbers,
  readManifest,
  sha256,
  SourceStore,
  stackSize,
  TraceReader,
  type InheritedOutput,
  type Manifest,
  type ThreadInfo,
  type TraceEvent,
} from '../../recorder/trace';
import type { Orders } from '../replayer/protocol';
import { BadLocation } from './errors';
import { shownPath } from './locations';
import type { ReplayHooks } from './asked';
import { Replay } from './replay';
import type { CheckpointMode } from './timeline';
import { ReplayerProcess, type ReplayerCommand } from './replayer-process';
import { ended, runTogether, sharingOutput } from './together';
import { SourceMaps } from './source-maps';
import { verify, type Unit, type VerifyOptions, type VerifyResult } from './verify';

export type Engine = 'vm' | 'native';

export interface ReplayOptions extends ReplayHooks {
  /** Name of a thread of the recording. Default: main. */
  thread?: string;
  /** How many copies of the replayer wait at other places, to be there at once. Default: auto. Any number gives the same answers. */
  checkpoints?: CheckpointMode;
  /** Bytes of memory that they may take. Default: a quarter of what is free. */
  checkpointMemory?: number;
}

export interface RunOptions {
  /** Default: vm. */
  engine?: Engine;
  thread?: string;
  /** Output of recorded children that wrote to the same stdout or stderr is put in its place among this process's own. Default: true. */
  children?: boolean;
  /**
   * Told a process below this one that was recorded with another major version of Node, whose output is left out for that reason. Without it
   * the run throws WrongNode.
   */
  onLeftOut?: (process: Recording) => void;
  /** Says nothing where the recording stops without an end. */
  oneOfSeveral?: boolean;
  /** Told the turn that is being replayed, now and then. */
  onTurn?: (turn: number) => void;
}

export interface RunResult {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
}

export interface SourceFile {
  /** Absolute path as it was when recorded. */
  path: string;
  /** SHA-256 of its bytes, hexadecimal. */
  hash: string;
}

/** Stands for a native object (a socket, a request) in the values of events. */
export class NativeHandle {
  constructor(readonly number: number) {}
}

/** One crossing or callback, as `retrace events` lists it. */
export interface RecordedEvent {
  index: number;
  kind: 'call' | 'throw' | 'entry' | 'drain' | 'mark' | 'end';
  /** binding.member, the name of a mark, or how it ended. */
  name: string;
  /** Number of the native handle; 0 for none. */
  handle: number;
  /** The turn it happened in; an entry of the event loop begins one. */
  turn: number;
  /** Where it lies in the trace file, and how much of it, in bytes. */
  offset: number;
  size: number;
  /** What came in: the answer, the error or the arguments. Native objects in it are NativeHandles. */
  value: unknown;
}

/** Which events: all conditions must hold. A border is the index of an event, or a turn. */
export interface EventFilter {
  /** Names of bindings (`fs`) or of crossings (`fs.open`): any of them, with everything below it. */
  bindings?: readonly string[];
  from?: number | { turn: number };
  to?: number | { turn: number };
}

/** Turns as a replay counts them: recorder/boundary/replay.ts. What native code calls back in the same scope belongs to the turn. */
class TurnCounter {
  private turn = 0;
  private sameScope = false;

  /** The turn of the next event. */
  at(kind: RecordedEvent['kind'], name: string): number {
    if (kind === 'drain' || (kind === 'entry' && !this.sameScope) || (kind === 'mark' && name === 'beforeExit')) this.turn++;
    this.sameScope = kind === 'mark' && name === 'scope';
    return this.turn;
  }
}

/** Opens a recording folder. Throws NotARecording, Damaged, WrongFormat. */
// eslint-disable-next-line @typescript-eslint/require-await -- the promise leaves room for recordings that are not local folders
export async function open(folder: string): Promise<Recording> {
  return new Recording(resolve(folder), readManifest(folder));
}

export class Recording {
  private sourceMaps: SourceMaps | undefined;
  private sourceIndex: Map<string, SourceFile> | undefined;
  private inherited: readonly InheritedOutput[] | undefined;
  private family: readonly Recording[] | undefined;
  private readonly store: SourceStore;

  constructor(
    /** Absolute path of the folder. */
    readonly folder: string,
    readonly manifest: Manifest,
  ) {
    this.store = new SourceStore(join(folder, manifest.sources), sha256);
  }

  /** Number of this process in the recording; 0 for the first one. */
  get number(): number {
    return this.manifest.number;
  }

  get pid(): number {
    return this.manifest.processes[0]!.pid;
  }

  /** Every process of the recording, the first one first, in the order of their numbers: recordings as good as this one. Throws Damaged. */
  get processes(): readonly Recording[] {
    if (this.family) return this.family;
    const root = this.manifest.parent === null ? this.folder : join(this.folder, '../..');
    const family: Recording[] = [];
    for (const number of [0, ...processNumbers(root)]) {
      const folder = number === 0 ? root : join(root, PROCESSES, String(number));
      if (number === this.number) family.push(this);
      // A process that was killed before it began has no manifest.
      else if (existsSync(join(folder, 'manifest.json'))) family.push(new Recording(folder, readManifest(folder)));
    }
    for (const one of family) one.family = family;
    return family;
  }

  /** The process that started this one, perhaps through others that were not recorded; undefined for the first one. */
  get parent(): Recording | undefined {
    const { parent } = this.manifest;
    return parent === null ? undefined : this.processes.find(({ number }) => number === parent.process);
  }

  /** The processes that this one started. */
  get children(): readonly Recording[] {
    return this.processes.filter(({ manifest }) => manifest.parent?.process === this.number);
  }

  /** The process of that number, or else of that pid. Throws BadLocation. */
  process(which: number): Recording {
    const { processes } = this;
    const found = processes.find(({ number }) => number === which) ?? processes.find(({ pid }) => pid === which);
    if (found) return found;
    const known = processes.map(({ number, pid, manifest }) => `${number} (pid ${pid}, ${basename(manifest.program)})`);
    throw new BadLocation(`the recording has no process ${which}. It has ${known.join(', ')}.`);
  }

  get threads(): readonly ThreadInfo[] {
    return this.manifest.processes[0]!.threads;
  }

  /** Every source the program loaded, in the order of loading. Throws Damaged. */
  get sources(): SourceFile[] {
    return [...this.sourcesByPath().values()];
  }

  /** The text of a source, by the path listed in `sources`. Throws BadLocation, Damaged. */
  sourceText(path: string): string {
    const source = this.sourcesByPath().get(path);
    if (!source) throw new BadLocation(`${path} is not in the recording. \`retrace info\` lists the files that are.`);
    return this.store.get(source.hash).toString('utf8');
  }

  /** Source maps of the program; loaded by `replay`. */
  get maps(): SourceMaps {
    return this.sourceMaps ?? new SourceMaps();
  }

  /** The text of a source as Stop and Frame name it: recorded, or what it was compiled from. Undefined if it is not at hand. */
  shownText(file: string): string | undefined {
    const matches = (path: string): boolean => path === file || shownPath(path, this.manifest.cwd) === file;
    const original = this.maps.originals.find(matches);
    if (original !== undefined) return this.maps.textOf(original);
    const source = this.sources.find(({ path }) => matches(path));
    return source && this.sourceText(source.path);
  }

  /** What programs that are not recorded wrote to this process's stdout and stderr, which they had inherited. Throws Damaged. */
  get inheritedOutput(): readonly InheritedOutput[] {
    return (this.inherited ??= inheritedOutput(this.folder));
  }

  /** What crossed the boundary in a thread, in order. Throws Damaged. */
  *events(thread = 'main', filter: EventFilter = {}): Generator<RecordedEvent> {
    const reader = this.reader(this.thread(thread).trace);
    const turns = new TurnCounter();
    const { bindings, from = 0, to = Infinity } = filter;
    for (let event = reader.next(); event; event = reader.next()) {
      const size = reader.position - event.offset;
      const listed = listing(event, reader.names);
      if (!listed) continue;
      const turn = turns.at(listed.kind, listed.name);
      if (typeof to === 'number' ? event.index > to : turn > to.turn) return;
      if (typeof from === 'number' ? event.index < from : turn < from.turn) continue;
      if (bindings && !bindings.some((one) => listed.name === one || listed.name.startsWith(`${one}.`))) continue;
      yield { ...listed, index: event.index, turn, offset: event.offset, size };
    }
  }

  /** Begins a replay that can be stopped and looked into. Throws WrongNode, Damaged. */
  async replay(options: ReplayOptions = {}): Promise<Replay> {
    const { name } = this.thread(options.thread);
    this.check(name);
    await this.loadMaps();
    const { checkpoints, checkpointMemory } = options;
    const copies = canFork && checkpoints !== 'off';
    return new Replay(this, name, {
      command: () => this.command('vm', copies ? [SAME_MEMORY, ...FORKABLE_FLAGS] : [SAME_MEMORY]),
      orders: { ...this.orders(name, 'vm', 'debug'), forkable: copies },
      hooks: options,
      ...(checkpoints === undefined ? {} : { checkpoints }),
      ...(checkpointMemory === undefined ? {} : { memory: checkpointMemory }),
    });
  }

  /**
   * Runs a thread to its end with this process's stdout and stderr, as `retrace replay` does, and those below it that wrote there, too.
   * Throws WrongNode, Damaged, Divergence.
   */
  async run(options: RunOptions = {}): Promise<RunResult> {
    const others = options.children === false ? [] : sharingOutput(this);
    return others.length > 0 || this.inheritedOutput.length > 0 ? runTogether(this, others, options) : ended(this.begin(options));
  }

  /**
   * A plain replay of this process alone. told: takes its output, which then goes nowhere else; bytes that Node itself wrote
   * come without a time. Throws WrongNode, Damaged.
   */
  begin(options: RunOptions, told?: (fd: 1 | 2, bytes: Uint8Array, time: number | undefined) => void): ReplayerProcess {
    const { name } = this.thread(options.thread);
    this.check(name);
    const orders = {
      ...this.orders(name, options.engine ?? 'vm', 'plain'),
      tellOutput: told !== undefined,
      oneOfSeveral: options.oneOfSeveral === true,
    };
    return new ReplayerProcess(
      this.command(orders.engine),
      orders,
      told === undefined ? 'inherit' : 'pipe',
      (event) => {
        if (event.kind === 'turn') options.onTurn?.(event.turn);
        if (event.kind === 'written') told!(event.fd, Buffer.from(event.bytes, 'latin1'), event.time);
      },
      (fd, bytes) => told!(fd, bytes, undefined),
    );
  }

  /**
   * Replays every thread in every engine, without a network where that is possible, and compares; of the first process: all processes
   * of the recording. A recording that does not replay is no error but a result. Throws WrongNode, Damaged, BadLocation.
   */
  async verify(options: VerifyOptions = {}): Promise<VerifyResult> {
    const family = this.number === 0 && options.alone !== true ? this.processes : [this];
    for (const one of family) inheritedOutput(one.folder);
    return verify(
      this.folder,
      family.flatMap((one) => one.units(options.threads)),
      options,
    );
  }

  private units(threads: readonly string[] = this.threads.map(({ name }) => name)): Unit[] {
    return threads.map((thread) => {
      this.check(thread);
      let [events, ended] = [0, -1];
      const reader = this.reader(this.thread(thread).trace);
      for (let event = reader.next(); event; event = reader.next()) {
        if (event.tag === EventTag.End) ended = event.index;
        else events = event.index + 1;
      }
      // What follows the end (output of its last words) is compared where it is reached, but nobody can say when all of it was.
      if (ended >= 0) events = ended;
      const { node, end, status } = this.manifest;
      return {
        process: this.number,
        thread,
        node,
        events,
        end,
        complete: status === 'ended',
        command: (engine) => this.command(engine),
        orders: (engine) => ({ ...this.orders(thread, engine, 'plain'), quiet: true }),
      };
    });
  }

  /** Turns in a thread, as far as it was recorded. */
  turns(thread = 'main'): number {
    const reader = this.reader(this.thread(thread).trace);
    const turns = new TurnCounter();
    let last = 0;
    for (let event = reader.next(); event; event = reader.next()) {
      const listed = listing(event, reader.names);
      if (listed) last = turns.at(listed.kind, listed.name);
    }
    return last;
  }

  /** The thread of that name. Throws BadLocation. */
  thread(name = 'main'): ThreadInfo {
    const found = this.threads.find((thread) => thread.name === name);
    if (found) return found;
    throw new BadLocation(`the recording has no thread ${name}. It has ${this.threads.map((thread) => thread.name).join(', ')}.`);
  }

  private async loadMaps(): Promise<void> {
    if (this.sourceMaps) return;
    let stored: StoredMap[] = [];
    try {
      stored = storedMaps(JSON.parse(readFileSync(join(this.folder, this.manifest.sources, '..', MAPS_FILE), 'utf8')));
    } catch {
      stored = [];
    }
    this.sourceMaps = await SourceMaps.load(stored, (hash) => this.store.get(hash).toString('utf8'));
  }

  private sourcesByPath(): Map<string, SourceFile> {
    if (this.sourceIndex) return this.sourceIndex;
    const index = new Map<string, SourceFile>();
    for (const thread of this.threads) {
      for (const { key, answer } of new FactIndex(this.reader(thread.facts)).all('source')) {
        const hash = 'value' in answer ? (answer.value as { source?: unknown } | null)?.source : undefined;
        if (typeof hash === 'string') index.set(key, { path: key, hash });
      }
    }
    return (this.sourceIndex = index);
  }

  private reader(file: string): TraceReader {
    let bytes: Buffer;
    try {
      bytes = readFileSync(join(this.folder, file));
    } catch {
      throw new Damaged(`${file} is missing. Copy the recording again.`, file, -1);
    }
    return new TraceReader(bytes, file, { handles: { numberOf: () => 0, handleOf: (number) => new NativeHandle(number) } });
  }

  /** What makes a replay impossible is told before one is started. Throws WrongNode, Damaged. */
  check(thread = 'main'): void {
    checkNode(this.manifest, process.version);
    this.reader(this.thread(thread).trace);
    for (const { hash } of this.sources) this.store.get(hash);
  }

  private orders(thread: string, engine: Engine, mode: Orders['mode']): Orders {
    return {
      recording: this.folder,
      thread,
      engine,
      mode,
      tellOutput: false,
      stack: this.stack(engine),
      v8Stack: stackSize(this.manifest.execArgv),
    };
  }

  /** Kilobytes of native stack that V8 may use: the interpreter needs more than V8 for the same program. 0: what the recorded program had. */
  private stack(engine: Engine): number {
    if (engine !== 'vm') return 0;
    const wanted = stackSize(this.manifest.execArgv) * WIDER;
    const room = mostStack() / 1024 - SPARE_STACK;
    return Math.min(wanted, room) < LEAST_STACK ? 0 : Math.floor(Math.min(wanted, room));
  }

  private command(engine: Engine, more: readonly string[] = []): ReplayerCommand {
    const stack = this.stack(engine);
    const flags = stack === 0 ? more : [`--stack-size=${stack}`, ...more];
    const { node, argv0, args, env } = replayCommand(this.manifest, join(__dirname, '../replayer/main.js'), {}, flags);
    return { file: node, argv0, args: [...args], env, ...(stack === 0 ? {} : { stack: (stack + SPARE_STACK) * 1024 }) };
  }
}

/** An entry of the interpreter's run loop takes at most that many times the stack of the calls in V8 that it stands for. */
const WIDER = 61;
/** Kilobytes of the main thread's stack that V8 must leave alone, and what is no gain. */
const SPARE_STACK = 1192;
const LEAST_STACK = 2000;
/** What a buffer holds that nobody has filled would be another thing in each replayer. */
const SAME_MEMORY = '--zero-fill-buffers';

/** Bytes of stack that a process started by this one can get; 0 where the system does not say. */
function mostStack(): number {
  try {
    const [, hard] = /^Max stack size +\S+ +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return hard === 'unlimited' ? Infinity : Number(hard ?? 0);
  } catch {
    return 0;
  }
}

/** Nothing of a recording is believed unchecked. */
function storedMaps(raw: unknown): StoredMap[] {
  if (!Array.isArray(raw)) return [];
  return raw.filter((one: Partial<StoredMap> | null): one is StoredMap => {
    if (typeof one !== 'object' || one === null || typeof one.originals !== 'object' || one.originals === null) return false;
    return [one.generated, one.map, one.path, ...Object.values(one.originals)].every((text) => typeof text === 'string');
  });
}

function listing(event: TraceEvent, names: readonly string[]): Pick<RecordedEvent, 'kind' | 'name' | 'handle' | 'value'> | undefined {
  switch (event.tag) {
    case EventTag.Call:
      return { kind: 'call', name: names[event.site]!, handle: event.handle, value: event.value };
    case EventTag.Throw:
      return { kind: 'throw', name: names[event.site]!, handle: event.handle, value: event.error };
    case EventTag.Entry:
      return { kind: 'entry', name: names[event.site]!, handle: event.handle, value: event.args };
    case EventTag.Drain:
      return { kind: 'drain', name: '', handle: 0, value: undefined };
    case EventTag.Mark:
      return { kind: 'mark', name: event.name, handle: 0, value: undefined };
    case EventTag.End:
      return { kind: 'end', name: event.kind, handle: 0, value: event.signal === '' ? event.code : event.signal };
    default:
      return undefined;
  }
}
