/**
 * The native facade: the only file that loads a .node file. The recorder, the replayer and the launcher call it.
 *
 * Invariant: loading it, and opening a trace, starts nothing on the event loop and loads no built-in module that Node has not
 * loaded already. The driver is loaded on first use only, so that a recorded process never needs one for its ABI.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A trace file mapped into memory. Fits `TraceSink` of recorder/trace. */
export interface TraceFile {
  /** A window on the file, the same object until the process ends. */
  readonly window: Uint8Array;
  /** [0] committed length, [1] end of the last check: bytes from the start of the file. */
  readonly committed: Float64Array;
  /** Moves the window to the page of that file offset. Returns the file offset of window[0]. Throws an Error with code ENOSPC etc. */
  advance(offset: number): number;
  /** CRC-32 of window[start, end), continuing `seed`. */
  crc32(start: number, end: number, seed: number): number;
  /** True if the file holds bytes[start, end) at that offset. */
  holds(offset: number, bytes: Uint8Array, start: number, end: number): boolean;
  /** Cuts the file to the committed length. Idempotent. */
  close(): void;
}

/** One callback for the driver to make. */
export interface Delivery {
  readonly recv: object;
  readonly fn: (...args: never[]) => unknown;
  readonly args: readonly unknown[];
  readonly asyncId: number;
  readonly triggerId: number;
  /** Called as Node calls its timers: async hooks put no function in between. */
  readonly direct?: boolean;
}

/** Where V8 says an error was thrown. Lines from 1, columns from 0. */
export interface ExceptionMessage {
  readonly resourceName: unknown;
  readonly line: number;
  readonly sourceLine: string;
  readonly startColumn: number;
  readonly endColumn: number;
  /** "Uncaught Error: ..." */
  readonly text: string;
}

export interface Driver {
  /**
   * Arms a timer; when it fires, calls next(threw) and makes the callback it returns, again and again, until it returns undefined.
   * Between the callbacks nothing but next() runs: no ticks, no microtasks, no event loop. See driver.cc.
   */
  start(next: (threw: boolean) => Delivery | undefined): void;
  exceptionMessage(error: unknown): ExceptionMessage;
  /** V8 may use so many bytes of stack from here on; the native stack must have them. */
  useStack(bytes: number): void;
  /** run(), with no more stack than that; after useStack(). */
  withStack<T>(bytes: number, run: () => T): T;
  /** callable(...args); if that throws, note(error, message) is called before the exception goes on. */
  observe(note: (error: unknown, message: ExceptionMessage) => void, callable: (...args: never[]) => unknown, ...args: unknown[]): unknown;
}

interface WriterAddon {
  TraceFile: new (
    path: string,
    windowSize: number,
  ) => {
    windowBuffer: ArrayBuffer;
    headBuffer: ArrayBuffer;
    advance(offset: number): number;
    crc32(start: number, end: number, seed: number): number;
    holds(offset: number, bytes: Uint8Array, start: number, end: number): boolean;
    close(): void;
  };
  stamp(): number;
  setText(key: string, text: string): void;
  getText(key: string): string | undefined;
  readFully(fd: number, bytes: Uint8Array): number;
  writeFully(fd: number, bytes: Uint8Array): void;
  sha256(bytes: Uint8Array): string;
  exit(code: number): never;
  die(signal: number): void;
  openOrder(path: string): void;
  beginOutput(): number;
  endOutput(): void;
  forwardOutput(program: string, order: string, folder: string, name: string, version: number, streams: readonly number[]): number[];
  settleOutput(): void;
  closeDescriptor(fd: number): void;
  putDescriptor(fd: number, as: number): void;
  takeBackOutput(): void;
  endAfter(milliseconds: number, words: string, signal: number, code: number): void;
  unsetVariable(name: string): void;
  stackOfChildren(bytes: number): number;
  exec(path: string, args: readonly string[], environment: readonly string[]): void;
  lifeline(fd: number): void;
  listenAt(address: string): number;
  branch(control: number, address: string): number;
  scratch(control: number, milliseconds: number, run: () => Uint8Array): Uint8Array | number;
  pollIn(fd: number): boolean;
  ownPid(): number;
  processorTime(): number;
  watchOverflows(bytes: number, limit: number, own: string, pending: Int32Array): boolean;
  hideOverflowWatch(hidden: boolean): void;
  stopOverflowWatch(): void;
  takeOverflows(): (number | string)[];
}

/** The addons are built beside their sources, not in dist: see scripts/build-native.mjs. */
const folder = join(__dirname, '../../native');

function load<T>(file: string, hint: string): T {
  const path = join(folder, file);
  if (!existsSync(path))
    throw new Error(`${path} has not been built for Node ${process.version} (ABI ${process.versions.modules}). ${hint}`);
  // Not require(): the addon must appear neither in require.cache nor among this module's children.
  const module = { exports: {} as T };
  process.dlopen(module, path);
  return module.exports;
}

const writer = load<WriterAddon>('build/retrace_writer.node', 'Run `npm rebuild retrace`.');
// A build of older sources would fail in the middle of somebody's program.
if (!('ownPid' in writer) || !('watchOverflows' in writer))
  throw new Error(`${join(folder, 'build/retrace_writer.node')} is older than retrace. Run \`npm rebuild retrace\`.`);

/** Bytes of address space, and of disk ahead of the writer. */
const WINDOW = 1 << 20;

/** Creates a trace file, which must not exist. windowSize in bytes. Throws an Error with code EEXIST, ENOSPC, ... */
export function openTraceFile(path: string, windowSize = WINDOW): TraceFile {
  const file = new writer.TraceFile(path, windowSize);
  return {
    window: new Uint8Array(file.windowBuffer),
    committed: new Float64Array(file.headBuffer, 16, 2),
    advance: (offset) => file.advance(offset),
    crc32: (start, end, seed) => file.crc32(start, end, seed),
    holds: (offset, bytes, start, end) => file.holds(offset, bytes, start, end),
    close: () => file.close(),
  };
}

/** The next number of an order that all threads of the process share. */
export const stamp: () => number = writer.stamp;

/** Texts that all threads of the process share. */
export const setText: (key: string, text: string) => void = writer.setText;
export const getText: (key: string) => string | undefined = writer.getText;

/** Fills `bytes` from a blocking file descriptor. Returns the count, short only at the end of the stream. Throws with errno's code. */
export const readFully: (fd: number, bytes: Uint8Array) => number = writer.readFully;
/** Writes all of `bytes` to a blocking file descriptor. Throws with errno's code. */
export const writeFully: (fd: number, bytes: Uint8Array) => void = writer.writeFully;

/** 64 lower-case hexadecimal digits. */
export const sha256: (bytes: Uint8Array) => string = writer.sha256;

/** _exit(2): no exit handlers, no teardown. */
export const exitNow: (code: number) => never = writer.exit;
/** Dies of the signal (by number) as if nobody handled it. Returns only if that signal does not kill. */
export const dieOf: (signal: number) => void = writer.die;

/**
 * Opens the file in which the processes of a recording agree on the order of what they write to descriptors they share. Throws an
 * Error with code. Without it beginOutput() tells the time and no more.
 */
export const openOrder: (path: string) => void = writer.openOrder;
/** Just before a write: the others wait until endOutput(), 20 milliseconds at most. Returns the time in ticks of 100 ns (CLOCK_MONOTONIC). */
export const beginOutput: () => number = writer.beginOutput;
/** The write has been made. */
export const endOutput: () => void = writer.endOutput;

/** The program that copies what other programs write: forwarder.cc. */
const FORWARDER = join(folder, 'build/retrace_forwarder');

/**
 * Pipes for a program that is about to be started with descriptors of this process's; what comes through them is copied to those and
 * logged in the file `name` of `folder`, as a trace of that format version, in the order of the file `order`. streams: a descriptor and 1 or 2 for the output it is, of each.
 * Returns the descriptors for the program, to be closed once it has been started. Throws an Error with code.
 */
export function forwardOutput(order: string, folder: string, name: string, version: number, streams: readonly number[]): number[] {
  return writer.forwardOutput(FORWARDER, order, folder, name, version, streams);
}
/** Waits until what came through these pipes has been written; half a second for a reader that takes nothing. beginOutput() does it, too. */
export const settleOutput: () => void = writer.settleOutput;
export const closeDescriptor: (fd: number) => void = writer.closeDescriptor;
/** dup2(2): what `as` was is closed. */
export const putDescriptor: (fd: number, as: number) => void = writer.putDescriptor;
/** Where stdout or stderr is such a pipe of another process's: the real descriptor takes its place. */
export const takeBackOutput: () => void = writer.takeBackOutput;

/**
 * Replay only. Once the process has used that much more processor time it writes `words` to stderr and ends, of `signal` (a number)
 * or, where that is 0, with the exit code: in the middle of a loop too.
 */
export const endAfter: (milliseconds: number, words: string, signal: number, code: number) => void = writer.endAfter;

/** Takes a variable out of the environment without telling V8: a time zone it has read from TZ stays in force. */
export const unsetVariable: (name: string) => void = writer.unsetVariable;

/**
 * Controllers only. Bytes of stack that processes started from here on get, as far as the system allows; 0 changes nothing. Returns what it
 * was, Infinity for no limit, 0 where nobody knows.
 */
export const stackOfChildren: (bytes: number) => number = writer.stackOfChildren;

/** execve(2): this process becomes another program. args begins with argv[0], environment holds KEY=value. Returns only to throw. */
export const replaceProcess: (path: string, args: readonly string[], environment: readonly string[]) => void = writer.exec;

/** Whether replayers can be branched (fork.cc). Their Node needs FORKABLE_FLAGS. */
export const canFork = process.platform === 'linux';
/** V8 without helper threads, which would not exist in a branch. */
export const FORKABLE_FLAGS: readonly string[] = ['--single-threaded', '--v8-pool-size=0', '--no-flush-bytecode'];

/** Debug sessions only. The process ends as soon as the other end of that socket closes, whatever it is doing. */
export const lifeline: (fd: number) => void = writer.lifeline;

/** Controllers only: a descriptor that listens at a Unix address (a leading NUL for an abstract name), or a negative errno. */
export const listenAt: (address: string) => number = writer.listenAt;

/**
 * Debug sessions only. Forks: both copies return from it. In the parent: the child's process id, or a negative errno. In the child: 0,
 * and `control` is a new connection to `address` (Unix; a leading NUL for an abstract name), by which it lives as by a lifeline. A
 * child leaves by exitNow only.
 */
export const branch: (control: number, address: string) => number = writer.branch;

/** Why a scratch copy gave nothing. */
export type ScratchLoss = 'late' | 'died' | 'interrupted' | 'failed';
const LOSSES: readonly ScratchLoss[] = ['failed', 'late', 'died', 'interrupted', 'failed'];

/**
 * Debug sessions only. Runs a function in a copy of the process that ends right after it: nothing it does is left but the bytes it
 * returns. milliseconds: its time; a message that arrives on `control` (and stays unread) ends it sooner.
 */
export function scratch(control: number, milliseconds: number, run: () => Uint8Array): Uint8Array | ScratchLoss {
  const told = writer.scratch(control, milliseconds, run);
  return typeof told === 'number' ? LOSSES[told]! : told;
}

/** Whether reading from the descriptor would not block. */
export const pollIn: (fd: number) => boolean = writer.pollIn;
/** The process id as the system knows it. */
export const ownPid: () => number = writer.ownPid;
/** Milliseconds of processor time that this process has had; the program's clocks stand still at replay. */
export const processorTime: () => number = writer.processorTime;

/**
 * Recorder only: notes where V8's stack overflows, see overflow.cc. bytes: what V8 may use of the stack; limit: Error.stackTraceLimit of a
 * new context; own: start of the names of scripts of ours. pending[0] becomes 1 when there is something to take; pending[1] is how many there have been. False where it cannot.
 */
export const watchOverflows: (bytes: number, limit: number, own: string, pending: Int32Array) => boolean = writer.watchOverflows;
/** While hidden, new contexts get the Error.stackTraceLimit that they get without us, and nothing is noted. */
export const hideOverflowWatch: (hidden: boolean) => void = writer.hideOverflowWatch;
export const stopOverflowWatch: () => void = writer.stopOverflowWatch;
/** Number from 1, depth in frames of the program, frames of others above the topmost, its line, column and script: of each overflow since the last call. */
export const takeOverflows: () => (number | string)[] = writer.takeOverflows;

let loaded: Driver | undefined;

/** The replay driver for this Node. Throws an error that names the command to run if there is no build for its ABI. */
export function driver(): Driver {
  const abi = process.versions.modules;
  loaded ??= load<Driver>(
    `build-${abi}/retrace_driver.node`,
    `Run \`node scripts/build-native.mjs --node ${process.execPath}\` in ${join(folder, '..')}.`,
  );
  return loaded;
}
