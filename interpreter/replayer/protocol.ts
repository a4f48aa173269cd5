/**
 * What a controller and a replayer say to each other over file descriptor 3.
 *
 * Used by the session (replayer process) and by interpreter/replay (controller). One message is four bytes of length (little endian)
 * and that many bytes of JSON in which everything outside ASCII is escaped, so that writing and reading it needs nothing of the
 * program's world that the program could have patched, and strings with lone surrogates arrive as they were.
 *
 * Order: the controller sends `Orders`, then any number of requests, each answered by exactly one reply. Between a request and its
 * reply the replayer may send events. A `run` request has no reply when the program ends instead of pausing: the process ends.
 */

import type { Divergence } from '../../recorder/boundary/divergence';
import type { Tracked } from '../vm';

/** The first message: what to replay and how. `plain` replays to the end with no session; `debug` waits for requests. */
export interface Orders {
  recording: string;
  thread: string;
  engine: 'vm' | 'native';
  mode: 'plain' | 'debug';
  /** plain: what the program writes to stdout and stderr is told, not written. */
  tellOutput: boolean;
  /** One of several processes that are replayed together: that its recording stops without an end goes unsaid. */
  oneOfSeveral?: boolean;
  /** The replayer was started so that it survives fork(2): evaluations run in copies of it. */
  forkable?: boolean;
  /** Kilobytes of native stack that the replayer was given; 0 for no more than any process. */
  stack: number;
  /** Kilobytes that V8 had in the recording. */
  v8Stack: number;
  /** Index of an event: tell the stack of the call that takes it. */
  witness?: number;
  /** The report of a divergence goes to the controller alone, not to stderr. */
  quiet?: boolean;
  /** debug: the replayer can be copied. Each copy connects to the address (abstract without its leading NUL) and shows the key. */
  rendezvous?: { address: string; key: string };
}

/** A moment within one thread: before the `step`-th statement (1-based) of turn `turn` (0 is the main script). */
export interface Moment {
  turn: number;
  step: number;
}

/**
 * What ends a run. `over`: the next statement of the frame at hand, or of one that goes on when it is left (a caller, an awaiter, a
 * generator's consumer); `out`: of one of those; when none of them is left, the next statement anywhere. `turn`: the first
 * statement after the present turn. `throw`, `output`: the next, or the throw of that index.
 */
export type Goal =
  | { kind: 'moment'; turn: number; step: number }
  /** Any breakpoint, or only that one, or only that hit of it. */
  | { kind: 'breakpoint'; id?: number; hit?: number }
  | { kind: 'step' }
  | { kind: 'over' }
  | { kind: 'out' }
  | { kind: 'turn' }
  | { kind: 'throw'; index?: number }
  | { kind: 'output' }
  /** Node finds an unhandled rejection that was made after a moment. */
  | { kind: 'rejection'; after: Match }
  /** The value of a place that is held has changed. */
  | { kind: 'watch' };

/** Remember the last moment before the run's end that meets this, from turn `fromTurn` on. Told in `Paused.lastMatch`. */
export type Scan = (
  | /** Any breakpoint that stops the program, or only that one. */
    { kind: 'breakpoint'; id?: number; fromTurn: number }
  | { kind: 'throw'; fromTurn: number }
  /** The statement that wrote to stdout or stderr. */
  | { kind: 'output'; fromTurn: number }
  /** The statement or throw that made a promise reject that nobody handles; before a moment, if one is given. */
  | { kind: 'rejection'; fromTurn: number; before?: Match }
) & {
  /** The statement or throw at which the run begins counts too. */
  fromHere?: boolean;
};

/** A moment; with `throws`, within its statement at that throw, counted from the program's start. */
export interface Match extends Moment {
  throws?: number;
  /** Of a rejection: with what. */
  error?: ErrorInfo;
}

/** Where an unhandled rejection was made. */
export type Rejected = Match & { error: ErrorInfo };

/** Negative if `a` is the earlier one. Within a statement, throws come after its beginning. */
export function inTime(a: Match, b: Match): number {
  return a.turn - b.turn || a.step - b.step || (a.throws ?? 0) - (b.throws ?? 0);
}

/** The copies that a run makes of itself on its way, which stay behind and say hello with number 0. */
export interface Lay {
  /** One each time so much time has passed, in milliseconds. */
  every?: number;
  /** One at each of these numbers of statements executed since the program began, or soon after; ascending. */
  at?: number[];
}

/** Where a copy of a replayer stands. */
export interface Standing extends Moment {
  /** Statements executed since the program began, up to and including the one that the moment names. */
  total: number;
  throws: number;
  /** `output` events told since the program began. */
  outputs: number;
  /** In the middle of the moment's statement, at a throw. */
  within: boolean;
  /** See the event `lastEvent`. */
  lastEvent?: { signal: string | null };
}

export interface HitCondition {
  how: '=' | '>=' | '%';
  count: number;
}

export interface BreakpointSpec {
  id: number;
  file: string;
  statement: number;
  /** JavaScript, evaluated in the frame: it stops only where that is true. */
  condition?: string;
  /** The first statement of a function: it stops only where a call begins. */
  entry?: boolean;
  /** What is counted instead of the statement: the calls of a function whose first statement a loop comes back to. */
  counted?: number;
  /** It stops only when its statement is reached for the `count`-th time; `>=`: or later; `%`: a multiple of it. */
  hitCondition?: HitCondition;
  /** At throws instead of a statement: every one, or only or all but the one of that index. */
  throws?: { only?: number; except?: number };
  /** The program does not stop there: only how often it was reached is of interest, at the end. */
  countOnly?: boolean;
  /** Expressions told at each hit (`hits`); the program does not stop there. */
  log?: string[];
}

export type Request =
  | { do: 'breakpoints'; set: BreakpointSpec[] }
  | { do: 'run'; goals: Goal[]; scan?: Scan; lay?: Lay }
  /** While a run is under way: it pauses where it is. Has no reply of its own and means nothing to a replayer that is paused. */
  | { do: 'interrupt' }
  /** A copy of the process connects to the rendezvous and stands at the same place, with this number. */
  | { do: 'fork'; branch: number }
  /** The pause at hand once more, with what is known of breakpoints by now. */
  | { do: 'where' }
  /** How many statements the program executes before that moment. */
  | { do: 'locate'; turn: number; step: number }
  /** The moment a step back leads to. `turn`: the first statement of this turn, or of the one before if this is it. */
  | { do: 'back'; how: 'in' | 'over' | 'out' | 'turn' }
  | { do: 'frames' }
  | { do: 'scopes'; frame: number }
  | { do: 'scheduled'; frame: number }
  /** Which kind of place an expression names: `place`. */
  | { do: 'place'; frame: number; expression: string }
  /** Note writes to a kind of places from now on; changes before and after a moment are told apart. The replayer is thrown away afterwards. */
  | { do: 'track'; place: Tracked; at?: Moment }
  /** What was noted of the place that the expression names, or of one that is held: `wrote`. */
  | { do: 'wrote'; frame: number; expression: string }
  | { do: 'wroteHeld'; id: number }
  /** Keep hold of the place that an expression names, for goals of kind `watch`. impure: evaluating it may run the program's code. */
  | { do: 'hold'; id: number; frame: number; expression: string; impure?: boolean }
  | { do: 'release'; id: number }
  /** Which places are held: `held`. */
  | { do: 'held' }
  /** milliseconds: how long it may take, where that can be watched here (`Orders.forkable`). */
  | { do: 'evaluate'; frame: number; expression: string; milliseconds?: number }
  /**
   * Evaluates and lets the program go on until the promise that comes of it is settled; then, or if there is none, the reply comes and the
   * process ends.
   */
  | { do: 'await'; frame: number; expression: string }
  /** Evaluates for good: from here on the program is another than the recorded one, and a divergence is a stop. */
  | { do: 'change'; frame: number; expression: string };

/** A value as shown to a person. `value` is there for strings (of up to a million units), finite numbers, booleans and null, and is exact. */
export interface Preview {
  type: string;
  preview: string;
  value?: string | number | boolean | null;
}

export interface Place {
  /** '' for the top level of a module. */
  function: string;
  /** Path as it was when recorded. */
  file: string;
  /** 1-based. */
  line: number;
  /** 1-based, in UTF-16 units. */
  column: number;
}

/** A call, or behind those on the stack, one that awaits or that scheduled what runs. */
export interface FrameInfo extends Place {
  /** Not on the stack. by: what it did, `await` or the name of the host function it called; '' for the callers of one that has it. */
  async?: { by: string; moment: Moment | null };
}

/** What scheduled a callback: see Vm.scheduledBy. */
export interface Scheduled extends Moment {
  kind: 'scheduled';
  by: string;
  callback: string;
  place: Place;
}

/** How a place got its value: see WriteKind in vm/tracking.ts. */
export interface WriteInfo {
  how: 'assignment' | 'literal' | 'delete' | 'call' | 'argument' | 'declaration' | 'outside';
  /** Of a call: the name of the function. */
  by: string;
  /** Only seen in what a function returned: it may have been there before. */
  sighted: boolean;
  /** Of the statement; null: none of the program's. */
  moment: Moment | null;
  /** The statement that began next; null: none has. */
  next: Moment | null;
  place: Place | null;
  /** Null: there was nothing. */
  old: Preview | null;
  value: Preview | null;
  /** Something that is not followed has written since, such as Node's own code: what it is by now. */
  now?: Preview;
}

export interface Wrote {
  kind: 'wrote';
  last: WriteInfo | null;
  /** The last before the moment of `track` that changed the value, and the first from then on. */
  before: WriteInfo | null;
  after: WriteInfo | null;
  /** The value is not what was written last. */
  stale: boolean;
  value: Preview | null;
}

export interface ErrorInfo {
  name: string;
  message: string;
  stack: string;
}

/**
 * `output`: the moment is that of the statement which wrote, and lies just behind. `missed`: the moment asked for does not exist; the run
 * stopped at the first statement after it. `rejection`: Node finds a promise whose rejection, `rejected`, nobody handles. `diverged`: after a change the program asks for something that was not recorded; it cannot go on.
 */
export type PauseReason =
  'moment' | 'breakpoint' | 'step' | 'throw' | 'output' | 'missed' | 'interrupt' | 'diverged' | 'watch' | 'rejection';

export interface Paused {
  kind: 'paused';
  reason: PauseReason;
  turn: number;
  step: number;
  /** See Standing. */
  total: number;
  outputs: number;
  /** Number of guest frames on the stack. */
  depth: number;
  /** Throws seen since the program began, this one included. */
  throws: number;
  /** The breakpoints at this statement, with how often its statement was reached since the program began. */
  breakpoints: { id: number; hit: number }[];
  place: Place;
  error?: ErrorInfo;
  divergence?: { message: string; report: string; details: Divergence };
  /** The place that changed. Null: there was, or is, nothing. */
  watch?: { id: number; old: Preview | null; new: Preview | null };
  lastMatch?: Match | null;
  rejected?: Rejected;
  /** Statements in a millisecond of processor time, in the run that ends here; absent after a short one. */
  pace?: number;
}

export interface ScopeInfo {
  kind: string;
  names: ({ name: string } & Preview)[];
}

/** What an evaluation came to: a value, or what it threw (type `error`). */
export interface EvaluatedValue extends Preview {
  error?: ErrorInfo;
  /** What it wrote to file descriptors 1 and 2, one character a byte; the replayed program has not. */
  output?: { fd: 1 | 2; bytes: string }[];
}

/** A breakpoint with `log` was reached. */
export interface HitInfo extends Moment {
  /** The breakpoint's. */
  id: number;
  /** How often it was reached by now. */
  hit: number;
  /** One for each expression; null where code of the program would have to run, which was not possible here. */
  values: (EvaluatedValue | null)[];
}

/** `clean` is false when the evaluation may have changed the program's state: the replayer must not be moved on. */
export interface Evaluated extends EvaluatedValue {
  kind: 'evaluated';
  clean: boolean;
  /** It has an `await` at its top, so nothing was done: ask with `await`. */
  awaits?: boolean;
  /** Where the program had gone on to when what it awaited was settled. */
  settled?: Moment;
}

export type Reply =
  | Paused
  | { kind: 'done' }
  /** null: there is none. */
  | { kind: 'moment'; moment: Moment | null }
  | { kind: 'forked'; pid: number }
  /** total: null for a turn that has not begun yet. */
  | { kind: 'located'; total: number | null }
  | { kind: 'frames'; frames: FrameInfo[] }
  | Scheduled
  | { kind: 'unscheduled' }
  | { kind: 'place'; place: Tracked }
  | { kind: 'held'; ids: number[] }
  | Wrote
  /** The expression names nothing that can be written. */
  | { kind: 'noPlace'; message: string }
  | { kind: 'scopes'; scopes: ScopeInfo[] }
  | Evaluated
  | { kind: 'failed'; message: string };

export type ReplayerEvent =
  /** Bytes the program wrote to file descriptor 1 or 2, one character a byte. index: counts from 1, from the program's start. */
  | { kind: 'output'; fd: 1 | 2; bytes: string; index: number; turn: number; step: number }
  /** The same in a plain replay that tells its output. time: when it was written, see native `clock`; 0 for unknown. */
  | { kind: 'written'; fd: 1 | 2; bytes: string; time: number }
  /** A script that the program compiled runs natively, for that reason: nothing stops in it. Told once for each name. */
  | { kind: 'native'; file: string; why: string }
  /** Log points that were reached since the last message. */
  | { kind: 'hits'; hits: HitInfo[] }
  /** A turn began; sent now and then, for progress. */
  | { kind: 'turn'; turn: number }
  /** How far a run has come; sent now and then. total: see Standing. */
  | { kind: 'progress'; turn: number; step: number; total: number }
  /** The first message of a copy. branch: the number asked for, 0 for one that a run has laid. */
  | { kind: 'hello'; key: string; branch: number; pid: number; standing: Standing }
  /** An error nobody handled; `throws` is the index of the throw it came from, 0 when no guest code threw it. */
  | { kind: 'fatal'; error: ErrorInfo; throws: number; turn: number; step: number }
  | { kind: 'divergence'; message: string; report: string; divergence: Divergence; turn: number; step: number }
  /** Event `witness` of the orders was taken here; stack: '' if the event loop delivered it. */
  | { kind: 'witness'; stack: string; turn: number; step: number }
  /** A plain replay has come to the end of the program, or of the recording (`truncated`); `events` of the trace were replayed. */
  | { kind: 'finished'; turn: number; events: number; truncated: boolean }
  /** The last event of a recording that just stops has been replayed: the program may go on for ever without another. */
  | { kind: 'lastEvent'; turn: number; step: number; signal: string | null }
  /** The program has run to its end, or did, if more comes; the process is about to leave, as `code` and `signal` say. */
  | {
      kind: 'ended';
      turn: number;
      step: number;
      /** The last one executed; null if none was. */
      lastStatement: Moment | null;
      truncated: boolean;
      code: number | null;
      signal: string | null;
      lastMatch: Match | null;
      hits: { id: number; hit: number }[];
      /** Of a run that looks for that: what the last statement has changed. */
      watch?: NonNullable<Paused['watch']>;
    };

/** JSON in ASCII, with its length in front. */
export function encode(message: Orders | Request | Reply | ReplayerEvent): Uint8Array {
  return asciiJson(message, 4);
}

/** JSON in ASCII; head: 4 for the length of the rest in front, in as many bytes. */
export function asciiJson(value: unknown, head: 0 | 4 = 0): Uint8Array {
  const text = JSON.stringify(value);
  let size = 0;
  for (let i = 0; i < text.length; i++) size += text.charCodeAt(i) < 0x80 ? 1 : 6;
  const bytes = new Uint8Array(head + size);
  if (head === 4) {
    bytes[0] = size & 0xff;
    bytes[1] = (size >>> 8) & 0xff;
    bytes[2] = (size >>> 16) & 0xff;
    bytes[3] = size >>> 24;
  }
  let at: number = head;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      bytes[at++] = unit;
      continue;
    }
    bytes[at++] = 0x5c;
    bytes[at++] = 0x75;
    for (let shift = 12; shift >= 0; shift -= 4) bytes[at++] = HEX.charCodeAt((unit >> shift) & 15);
  }
  return bytes;
}

const HEX = '0123456789abcdef';

/** The body of one message, without its length. */
export function decode(bytes: Uint8Array): unknown {
  const parts: string[] = [];
  for (let from = 0; from < bytes.length; from += 8192) parts.push(asciiText(bytes, from, Math.min(from + 8192, bytes.length)));
  return JSON.parse(parts.join(''));
}

function asciiText(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode.apply(null, bytes.subarray(from, to) as unknown as number[]);
}

/** Cuts a stream of chunks into message bodies. */
export class MessageSplitter {
  private pending = new Uint8Array(0);

  push(chunk: Uint8Array): Uint8Array[] {
    let bytes = chunk;
    if (this.pending.length > 0) {
      bytes = new Uint8Array(this.pending.length + chunk.length);
      bytes.set(this.pending);
      bytes.set(chunk, this.pending.length);
    }
    const bodies: Uint8Array[] = [];
    let at = 0;
    while (bytes.length - at >= 4) {
      const size = lengthAt(bytes, at);
      if (bytes.length - at - 4 < size) break;
      bodies.push(bytes.slice(at + 4, at + 4 + size));
      at += 4 + size;
    }
    this.pending = bytes.slice(at);
    return bodies;
  }
}

/** The length a message's first four bytes announce. */
export function lengthAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
