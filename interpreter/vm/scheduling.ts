/**
 * Where functions were handed to host code, so that a callback that runs later knows what scheduled it. Only while debugging.
 *
 * The VM tells of three moments: a host call that is given a guest function (`calling`, `called`), an async function that suspends
 * (`suspended`), and the host entering the VM with nothing of the guest below (`entered`). Invariant: notes hold code blocks and numbers,
 * never frames, functions or values of the guest; a function keeps at most KEPT_REGISTRATIONS of them, and chains of causes are cut.
 */
import type { CodeBlock } from '../bytecode';
import type { FunctionInfo } from '../compiler';
import { Mode, Stamp, State, type Frame, type FunctionData } from './frame';
import type { VmState } from './state';

/** A frame as it was: what it ran and where. */
export interface NotedPlace {
  readonly code: CodeBlock;
  readonly pc: number;
}

/** One registration of a function with host code, or the awaits of one call of an async function. */
export interface Scheduling {
  /** `await`, or the name of the host function: setTimeout, then, on, ... */
  readonly by: string;
  /** Number of the statement, counted over the whole program. Of an async call: the one that awaited last. */
  step: number;
  /** The same of the innermost of `places`; 0 if there are none. */
  placeStep: number;
  /** The calls on the stack at the time, innermost first; of an async call: those below it when it first awaited. */
  readonly places: readonly NotedPlace[];
  /** What had scheduled the code that did this. */
  cause: Scheduling | null;
  /** Length of the chain of causes. */
  depth: number;
  /** Async ids that the host call made: after `idFrom`, up to `idTo`. */
  readonly idFrom: number;
  idTo: number;
}

const MAX_PLACES = 8;
const KEPT_REGISTRATIONS = 8;
const KEPT_CAUSES = 32;

/** Built-ins that call their arguments before they return, if at all; their callbacks are not scheduled. */
const SYNCHRONOUS = `(() => {
  const typed = Object.getPrototypeOf(Uint8Array.prototype);
  const names = ['map', 'forEach', 'filter', 'reduce', 'reduceRight', 'some', 'every', 'find', 'findIndex', 'findLast', 'findLastIndex',
    'flatMap', 'sort', 'toSorted', 'push', 'unshift', 'indexOf', 'includes', 'splice', 'concat', 'get', 'set', 'has', 'add', 'delete'];
  const list = [String.prototype.replace, String.prototype.replaceAll];
  const take = (holder, names) => {
    for (const name of names) {
      const found = Object.getOwnPropertyDescriptor(holder, name);
      if (found !== undefined && typeof found.value === 'function') list[list.length] = found.value;
    }
  };
  for (const holder of [Object, Object.prototype, Reflect, JSON, String]) take(holder, Reflect.ownKeys(holder));
  take(Array, ['from', 'isArray', 'of']);
  take(Function.prototype, ['bind', 'toString']);
  for (const proto of [Array.prototype, typed, Map.prototype, Set.prototype, WeakMap.prototype, WeakSet.prototype]) take(proto, names);
  return { list, bind: Function.prototype.bind };
})()`;

export class Scheduler {
  /** What scheduled the code that runs now; null for the main program. */
  current: Scheduling | null = null;
  private readonly synchronous: WeakSet<object>;
  private readonly bind: unknown;
  /** What bound functions stand for. */
  private readonly bound = new WeakMap<object, FunctionData>();

  constructor(private readonly S: VmState) {
    const { list, bind } = S.host.evalInRealm(SYNCHRONOUS, 'retrace:realm') as { list: object[]; bind: unknown };
    this.synchronous = new WeakSet(list);
    this.bind = bind;
  }

  /** A host function is about to be called from `frame`; answers what to hand to `called` afterwards. */
  calling(frame: Frame, pc: number, f: unknown, args: ArrayLike<unknown>): Scheduling | null {
    let note: Scheduling | null = null;
    for (let i = 0; i < args.length; i++) {
      const arg = args[i];
      if (typeof arg !== 'function') continue;
      const data = Stamp.of(arg) ?? this.bound.get(arg);
      if (data === undefined) continue;
      if (note === null) {
        if (this.synchronous.has(f as object) || Stamp.of(f as object) !== undefined) return null;
        note = this.note(calleeName(frame.code, pc, f), frame.lastStep, placesFrom(this.S, frame, pc), frame.lastStep);
      }
      const known = (data.scheduled ??= []);
      if (known.length === KEPT_REGISTRATIONS) {
        for (let k = 1; k < known.length; k++) known[k - 1] = known[k] as Scheduling;
        known.length--;
      }
      known[known.length] = note;
    }
    return note;
  }

  /** The call that `note` is about has returned. */
  called(note: Scheduling): void {
    note.idTo = this.S.host.asyncIds?.last() ?? 0;
  }

  /** A host call has made something of a guest function: remembers what functions made by bind stand for. */
  made(f: unknown, self: unknown, value: unknown): void {
    if (f !== this.bind || typeof self !== 'function' || typeof value !== 'function') return;
    const data = Stamp.of(self) ?? this.bound.get(self);
    if (data !== undefined) this.bound.set(value, data);
  }

  /** An async function awaits. */
  suspended(frame: Frame): void {
    const { origin } = frame;
    if (origin !== null) {
      origin.step = frame.lastStep;
      return;
    }
    const { activation } = this.S;
    const caller = frame.isEntry ? (activation?.parentFrame ?? null) : frame.caller;
    const pc = frame.isEntry ? (activation?.parentPc ?? 0) : frame.callerPc;
    const places = caller === null ? [] : placesFrom(this.S, caller, pc, frame.isEntry);
    frame.origin = this.note('await', frame.lastStep, places, caller === null ? 0 : caller.lastStep);
  }

  /** The host enters the VM, and no guest code is below. */
  entered(frame: Frame, mode: Mode): void {
    this.current = mode === Mode.Start ? this.registrationOf(frame.data) : frame.origin;
  }

  /**
   * The registration that a call of a function comes from, as far as it can be told: the one whose host call made the async id that
   * runs now, else the last. except: answers whether one cannot be it.
   */
  registrationOf(data: FunctionData, except?: (note: Scheduling) => boolean): Scheduling | null {
    const id = this.S.host.asyncIds?.current() ?? 0;
    let last: Scheduling | null = null;
    let lastWithout: Scheduling | null = null;
    const known = data.scheduled;
    for (let i = known === null ? -1 : known.length - 1; i >= 0; i--) {
      const note = (known as Scheduling[])[i] as Scheduling;
      if (except !== undefined && except(note)) continue;
      if (note.idFrom < id && id <= note.idTo) return note;
      last ??= note;
      if (note.idFrom === note.idTo) lastWithout ??= note;
    }
    return lastWithout ?? last;
  }

  private note(by: string, step: number, places: NotedPlace[], placeStep: number): Scheduling {
    const cause = this.current;
    const id = this.S.host.asyncIds?.last() ?? 0;
    const note: Scheduling = { by, step, placeStep, places, cause, depth: 0, idFrom: id, idTo: id };
    if (cause !== null && (note.depth = cause.depth + 1) >= 2 * KEPT_CAUSES) cutCauses(note);
    return note;
  }
}

/** What a host function is called: by the program, where it has a name there. */
export function calleeName(code: CodeBlock, pc: number, f: unknown): string {
  return siteName(code, pc) || nameOf(f);
}

/** The host function's own name, without running anything. */
function nameOf(f: unknown): string {
  const name: unknown = typeof f === 'function' ? Reflect.getOwnPropertyDescriptor(f, 'name')?.value : undefined;
  return typeof name === 'string' && name !== '' ? name.replace(/^bound /, '') : 'a call';
}

/** What the program calls the function at a call: Node has `on` run a function named addListener, and `listen` one without a name. */
function siteName(code: CodeBlock, pc: number): string {
  interface Site {
    name?: unknown;
    callee?: Site;
    property?: Site;
  }
  const site = code.sites?.get(pc) as Site | undefined;
  const callee = site?.callee ?? site;
  const name = callee?.property?.name ?? callee?.name;
  return typeof name === 'string' && name !== 'call' && name !== 'apply' ? name : '';
}

/** The frames on the stack from one on. outside: the frame lies below the innermost activation. */
function placesFrom(S: VmState, from: Frame, fromPc: number, outside = false): NotedPlace[] {
  const places: NotedPlace[] = [];
  let activation = outside && S.activation !== null ? S.activation.parent : S.activation;
  let frame: Frame | null = from;
  let pc = fromPc;
  while (frame !== null && places.length < MAX_PLACES) {
    places[places.length] = { code: frame.code, pc };
    if (activation !== null && frame === activation.frame) {
      frame = activation.parentFrame;
      pc = activation.parentPc;
      activation = activation.parent;
    } else {
      pc = frame.callerPc;
      frame = frame.caller;
    }
  }
  return places;
}

function cutCauses(note: Scheduling): void {
  let last: Scheduling | null = note;
  for (let i = 0; i < KEPT_CAUSES && last !== null; i++) {
    last.depth = KEPT_CAUSES - i;
    last = last.cause;
  }
  if (last !== null) {
    last.cause = null;
    last.depth = 0;
  }
}

/** A frame that is not on the stack any more, or waits, and what it did that led to the frames above it. */
export interface AsyncFrame extends NotedPlace {
  /** What scheduled the frames above; empty within a group of frames that were on the stack together. */
  readonly by: string;
  /** Its statement, counted over the whole program; 0 if that is not known. */
  readonly step: number;
}

const MAX_ASYNC_FRAMES = 64;

/** The frames behind the stack: those that await one another, and those that scheduled what runs. */
export function asyncFramesOf(S: VmState): AsyncFrame[] {
  const list: AsyncFrame[] = [];
  let outermost = S.activation;
  if (outermost === null || S.scheduler === null) return list;
  while (outermost.parent !== null) outermost = outermost.parent;
  let { frame } = outermost;
  // An entry frame with an origin has awaited: the event loop resumed it.
  while (frame.origin !== null && frame.awaiter !== null && frame.awaiter.state === State.Await && list.length < MAX_ASYNC_FRAMES) {
    frame = frame.awaiter;
    list.push({ code: frame.code, pc: frame.awaitPc, by: 'await', step: frame.origin?.step ?? 0 });
  }
  for (let note = frame.origin ?? S.scheduler.current; note !== null; note = note.cause) {
    for (let i = 0; i < note.places.length; i++) {
      if (list.length >= MAX_ASYNC_FRAMES) return list;
      list.push({ ...(note.places[i] as NotedPlace), by: i === 0 ? note.by : '', step: i === 0 ? note.placeStep : 0 });
    }
  }
  return list;
}

/** What scheduled a callback. */
export interface ScheduledBy extends NotedPlace {
  /** As in Scheduling; `definition` where it is only known that the function was made there. */
  readonly by: string;
  readonly step: number;
  /** The function that was scheduled. */
  readonly callback: CodeBlock;
}

/**
 * What scheduled the callback that a frame belongs to: the nearest call from the host, at or below the frame, of a function that had been
 * registered before. Null for the program itself.
 */
export function scheduledByOf(S: VmState, index: number): ScheduledBy | null {
  const { scheduler } = S;
  if (scheduler === null) return null;
  let { activation, top: frame } = S;
  let i = 0;
  for (; activation !== null && frame !== null; activation = activation.parent) {
    const entry = activation.frame;
    for (; frame !== entry && frame !== null; frame = frame.caller) i++;
    i++;
    const { parentFrame, parentPc } = activation;
    frame = parentFrame;
    if (i <= index) continue;
    if (entry.origin !== null) return { by: 'await', step: entry.origin.step, code: entry.code, pc: entry.awaitPc, callback: entry.code };
    // A call that has not returned handed the function over: that is the stack, not a schedule.
    const onStack = ({ step, places }: Scheduling): boolean =>
      parentFrame !== null && step === parentFrame.lastStep && places[0]?.code === parentFrame.code && places[0].pc === parentPc;
    const note = parentFrame === null ? scheduler.current : scheduler.registrationOf(entry.data, onStack);
    if (note?.places[0] !== undefined) return { by: note.by, step: note.step, ...note.places[0], callback: entry.code };
    if (parentFrame === null && entry.data.made > 0 && !isModule(entry.code)) {
      return { by: 'definition', step: entry.data.made, code: entry.code, pc: 0, callback: entry.code };
    }
  }
  return null;
}

function isModule(code: CodeBlock): boolean {
  const type = (code.analysis as FunctionInfo | null)?.node.type;
  return type === 'FunctionBody' || type === 'Program';
}
