/**
 * Error.stack of guest code: V8's structured stack with the VM's own frames replaced by the guest frames they were running.
 *
 * The embedder gives `rewrite` to Node's prepareStackTrace callback. V8 captures frames when an error is made and formats them when
 * `stack` is first read, so the guest frames of the moment of capture must be found again from names in V8's list:
 *  - every call that leaves the run loop goes through one of RING_SIZE trampolines, each with a name of its own; the ring remembers
 *    from which guest frame, and at which pc, each of them was last used (`call`, `construct`);
 *  - below that, guest frames follow their `caller` links, and an activation knows where the guest was when the host entered it, so
 *    each run loop in V8's list stands for one activation (stack-walk.ts);
 *  - errors that no trampoline announces (a getter, a conversion) are remembered when the run loop first sees them (`caught`);
 *  - frames that await are continued by the host under a receiver whose tag names the frame (`holderOf`).
 * Invariant: a place once noted, a (frame, pc) pair with what may change below it, stays true for ever.
 */
import { offsetOf, type CodeBlock, type SourceFile } from '../bytecode';
import { GuestCallSite, sourceUrlOf, type CallSiteRealm, type EvalCaller } from './callsite';
import { Special } from './frame';
import type { VmHost } from './host';
import { isKitFile, KIT_FILE, PACKAGE_KIT_FILE } from './kit';
import { framesBelow, NEAR, suspendedFrames, type CallPoint, type Place, type StackActivation, type StackFrame } from './stack-frames';
import { DEFAULT_LIMIT, nativeLimit, ROOM_IN_REALMS } from './stack-limits';
import { STACK_KIT_SOURCE, type StackKit, type Trampoline } from './stack-kit';
import { HOLDER_PREFIX, Walk } from './stack-walk';
import { isPlainBuiltin, notePlainBuiltins } from './plain-builtins';
import type { Overflows } from './overflow';
import type { VmState } from './state';

/** What the VM knows when it calls the host. */
interface Current {
  readonly activation: StackActivation | null;
  readonly depth: number;
  readonly overflows: Overflows;
}

interface CallSiteOfGuest {
  readonly frame: StackFrame;
  readonly pc: number;
}
/** A point with the program's Error.stackTraceLimit at that moment. */
interface Capture extends CallPoint {
  readonly limit: number;
  /** The frames that were suspended behind those that ran at that moment. */
  readonly waiting: readonly Place[] | null;
}
/** What the embedder and the VM tell about V8's call sites. */
export interface StackHost extends CallSiteRealm {
  /** Whether a script is part of the VM or of its realm kit. */
  isOwnScript(name: string): boolean;
  isExtraFrame(script: string, name: string | null): boolean;
  /** VmHost.observe */
  readonly observe: VmHost['observe'];
  /** VmHost.withStack */
  readonly withStack: VmHost['withStack'];
  /** Whether a call site of the VM's own is that of the function that contains the run loop. */
  isRunLoop(script: string, name: string | null): boolean;
}
/** Calls out of the VM that can be told apart; older ones of which an error is still unformatted show a later state. */
const RING_SIZE = 4096;
/** Calls that have not returned, from which on new ones use slots of a second ring: deep recursion through host functions. */
const CROWDED = 3072;
const ALL_SLOTS = RING_SIZE + (1 << 17);
const SLOT_PREFIX = '%t';

/** Arguments of a call that are compared with Error. */
const LOOKED_AT = 8;

/** Number of continued async frames at which those that are gone are forgotten. */
const SWEEP_AT = 1024;

export class Stacks {
  private readonly points: (CallPoint | null)[] = [];
  private readonly limits = new Float64Array(ALL_SLOTS);
  private readonly trampolines: (Trampoline | null)[] = [];
  private readonly packageTrampolines: (Trampoline | null)[] = [];
  /** Slots of calls that have not returned yet. */
  private readonly live = new Uint8Array(ALL_SLOTS);
  private liveCount = 0;
  private nextDeep = RING_SIZE;
  private next = 0;
  private readonly captures = new WeakMap<object, Capture>();
  private readonly hidden = new WeakMap<object, unknown>();
  /** The builtins that errors begin with. */
  private readonly builtins = new WeakMap<object, NodeJS.CallSite>();
  private limit: unknown;
  /** Error.stackTraceLimit of the contexts that the program makes, by their Error. */
  private readonly limitsOfRealms = new Map<unknown, { error: StackKit['error']; limit: unknown }>();
  private readonly combinators: Set<unknown>;
  private readonly errorConstructors: Set<unknown>;
  /** What the program's Promise.all, any and allSettled were given, by their promise. */
  private readonly combined = new WeakMap<object, object>();
  /** Continued async frames by the number in their holder's tag. */
  private readonly held = new Map<number, WeakRef<StackFrame>>();
  private nextHeld = 0;
  private sweepAt = SWEEP_AT;
  /** Frames whose yield* goes through an iterator that is no guest generator. */
  private readonly delegators = new WeakMap<object, StackFrame>();
  /** Code that has awaited or delegated, by function name. */
  /** Native code of that name stands for a module; its guest frame, once there is one. */
  private readonly stubs = new Map<string, StackFrame | null>();
  private readonly suspendable = new Map<string, CodeBlock[]>();

  constructor(
    private readonly host: StackHost,
    private readonly kit: StackKit,
    /** Its trampolines stand for frames of packages: see PACKAGE_KIT_FILE. */
    private readonly packageKit: StackKit,
  ) {
    this.combinators = new Set(kit.combinators);
    this.errorConstructors = new Set(kit.errorConstructors);
    this.limit = kit.error.stackTraceLimit;
    kit.error.stackTraceLimit = nativeLimit(this.limit);
    for (let i = 0; i < RING_SIZE; i++) {
      this.points.push(null);
      this.trampolines.push(null);
      this.packageTrampolines.push(null);
    }
  }

  /** Error.stackTraceLimit as the program sees it; unless it is a number, no stacks are captured. */
  get stackTraceLimit(): unknown {
    // Node's library sets it too, and now and then leaves it so.
    const own = Reflect.getOwnPropertyDescriptor(this.kit.error, 'stackTraceLimit');
    if (own?.writable === true && own.value !== nativeLimit(this.limit)) this.limit = own.value;
    return this.limit;
  }

  set stackTraceLimit(limit: unknown) {
    this.limit = limit;
    this.kit.error.stackTraceLimit = nativeLimit(limit);
  }

  /** From now on a context of the program's is known. */
  addRealm(kit: StackKit): void {
    const { error } = kit;
    const set = error.stackTraceLimit;
    const limit = set === ROOM_IN_REALMS ? DEFAULT_LIMIT : set;
    this.limitsOfRealms.set(error, { error, limit });
    if (set === limit) error.stackTraceLimit = nativeLimit(limit);
    for (let i = 0; i < kit.combinators.length; i++) this.combinators.add(kit.combinators[i]);
    for (let i = 0; i < kit.errorConstructors.length; i++) this.errorConstructors.add(kit.errorConstructors[i]);
  }

  /** Whether it is the Error of a realm, whose stackTraceLimit is not what it seems. */
  hasLimit(error: unknown): boolean {
    return error === this.kit.error || this.limitsOfRealms.has(error);
  }

  limitOf(error: object): unknown {
    const known = this.limitsOfRealms.get(error);
    if (known === undefined) return this.stackTraceLimit;
    const own = Reflect.getOwnPropertyDescriptor(error, 'stackTraceLimit');
    if (own?.writable === true && own.value !== nativeLimit(known.limit)) known.limit = own.value;
    return known.limit;
  }

  setLimitOf(error: object, limit: unknown): void {
    const known = this.limitsOfRealms.get(error);
    if (known === undefined) this.stackTraceLimit = limit;
    else {
      known.limit = limit;
      known.error.stackTraceLimit = nativeLimit(limit);
    }
  }

  /** Calls a host function for the guest. */
  call(S: Current, site: CallSiteOfGuest, f: unknown, self: unknown, args: ArrayLike<unknown>): unknown {
    const bytes = S.overflows.isInHost ? S.overflows.leftInHost(S.depth, site.frame, site.pc) : 0;
    if (bytes === 0 || this.host.withStack === undefined) return this.callNow(S, site, f, self, args);
    return this.host.withStack(bytes, () => this.callNow(S, site, f, self, args));
  }

  private callNow(S: Current, site: CallSiteOfGuest, f: unknown, self: unknown, args: ArrayLike<unknown>): unknown {
    const givesError = this.givesError(args);
    if (isPlainBuiltin(f) && this.host.observe === undefined && !givesError) return Reflect.apply(f, self, args);
    const slot = this.take(S, site);
    try {
      const value = givesError
        ? this.withPlainLimit(() => this.through(slot, f, self, args, undefined))
        : this.through(slot, f, self, args, undefined);
      if (this.combinators.has(f)) this.noteCombined(value, args[0]);
      return value;
    } finally {
      this.live[slot] = 0;
      this.liveCount--;
    }
  }

  private noteCombined(promise: unknown, elements: unknown): void {
    if (typeof promise !== 'object' || promise === null || typeof elements !== 'object' || elements === null) return;
    this.combined.set(promise, elements);
  }

  /** The promises that a promise of Promise.all and its like waits for, as far as they are in an array. */
  elementsOf(promise: object): ArrayLike<unknown> | undefined {
    const elements = this.combined.get(promise);
    return elements !== undefined && this.kit.isArray(elements) && !this.host.isProxy(elements)
      ? (elements as unknown as ArrayLike<unknown>)
      : undefined;
  }

  /** Constructs with a host function for the guest. */
  construct(S: Current, site: CallSiteOfGuest, f: unknown, args: ArrayLike<unknown>, newTarget: unknown): unknown {
    const slot = this.take(S, site);
    const isError = this.errorConstructors.has(f);
    try {
      // V8 hides the frames above new.target's, and would not find a guest's constructor among its own frames.
      const made = this.through(slot, f, undefined, args, isError ? f : newTarget) as object;
      if (!isError) return made;
      const { activation, frame, pc } = this.points[slot] as CallPoint;
      const below = framesBelow(activation, frame, Infinity);
      this.captures.set(made, {
        activation,
        frame,
        pc,
        below,
        limit: this.limits[slot] as number,
        waiting: suspendedFrames(activation, this.delegators),
      });
      if (newTarget !== f) {
        const prototype: unknown = (newTarget as { prototype?: unknown }).prototype;
        if (typeof prototype === 'object' && prototype !== null) this.kit.setPrototype(made, prototype);
        this.hidden.set(made, newTarget);
      }
      return made;
    } finally {
      this.live[slot] = 0;
      this.liveCount--;
    }
  }

  /** Whether a call is given Error itself: it may read or write the limit there, as Reflect.get does. */
  private givesError(args: ArrayLike<unknown>): boolean {
    for (let i = 0; i < args.length && i < LOOKED_AT; i++) if (args[i] === this.kit.error) return true;
    return false;
  }

  /** Runs what may come upon Error's limit: it finds the program's own. */
  withPlainLimit<T>(run: () => T): T {
    const { error } = this.kit;
    const { getOwnPropertyDescriptor } = Reflect;
    if (getOwnPropertyDescriptor(error, 'stackTraceLimit')?.writable === true) error.stackTraceLimit = this.limit;
    try {
      return run();
    } finally {
      const now = getOwnPropertyDescriptor(error, 'stackTraceLimit');
      if (now?.writable === true) this.stackTraceLimit = now.value;
      else this.limit = now?.value;
    }
  }

  private through(slot: number, f: unknown, self: unknown, args: ArrayLike<unknown>, newTarget: unknown): unknown {
    const trampoline = this.trampolineOf(slot, (this.points[slot] as CallPoint).frame.code.file);
    const { observe } = this.host;
    return observe === undefined ? trampoline(f, self, args, newTarget) : observe(trampoline, f, self, args, newTarget);
  }

  private trampolineOf(slot: number, file: SourceFile): Trampoline {
    file.inPackage ??= file.path.includes('/node_modules/');
    return file.inPackage
      ? (this.packageTrampolines[slot] ??= this.packageKit.trampoline(SLOT_PREFIX + slot))
      : (this.trampolines[slot] ??= this.kit.trampoline(SLOT_PREFIX + slot));
  }

  private take(S: Current, site: CallSiteOfGuest): number {
    let slot: number;
    if (this.liveCount++ < CROWDED) {
      slot = this.next;
      while (this.live[slot] === 1) slot = (slot + 1) % RING_SIZE;
      this.next = (slot + 1) % RING_SIZE;
    } else {
      slot = this.nextDeep;
      while (this.live[slot] === 1) slot = slot + 1 < ALL_SLOTS ? slot + 1 : RING_SIZE;
      this.nextDeep = slot + 1 < ALL_SLOTS ? slot + 1 : RING_SIZE;
    }
    const activation = S.activation as StackActivation;
    const { frame, pc } = site;
    this.points[slot] = { activation, frame, pc, below: framesBelow(activation, frame, NEAR) };
    this.limits[slot] = this.numericLimit();
    this.live[slot] = 1;
    return slot;
  }

  /** The run loop sees a thrown value: unless it has been seen before, it was thrown while this frame was running. */
  caught(error: unknown, activation: StackActivation, frame: StackFrame): void {
    if (typeof error !== 'object' || error === null || this.captures.has(error)) return;
    this.capture(error, activation, frame);
  }

  private capture(object: object, activation: StackActivation, frame: StackFrame): void {
    this.captures.set(object, {
      activation,
      frame,
      pc: frame.pc,
      below: framesBelow(activation, frame, Infinity),
      limit: this.numericLimit(),
      waiting: suspendedFrames(activation, this.delegators),
    });
  }

  /** Error.captureStackTrace(object, fn): what was noted of an earlier stack is void. fn, if a guest function: frames start below it. */
  recapture(S: Current, frame: StackFrame, object: object, fn: unknown): void {
    this.capture(object, S.activation as StackActivation, frame);
    if (fn === undefined) this.hidden.delete(object);
    else this.hidden.set(object, fn);
  }

  /** The frame of this function, and what is above it, is not V8's idea of where an error was made. */
  beginBelow(error: object, fn: unknown): void {
    this.hidden.set(error, fn);
  }

  /** An error was made by a builtin that the VM stands in for. */
  beginWith(error: object, builtin: NodeJS.CallSite): void {
    this.builtins.set(error, builtin);
  }

  /** A text is compiled by eval or new Function for this frame. */
  noteEval(file: SourceFile, frame: StackFrame | null): void {
    if (frame !== null) evalCallers.set(file, { code: frame.code, offset: offsetOf(frame.code, frame.pc) });
  }

  /** The receiver under which the host continues an async function: V8 shows its tag when it lists who awaits. */
  holderOf(frame: StackFrame): object {
    if (this.held.size >= this.sweepAt) this.sweep();
    const number = this.nextHeld++;
    this.held.set(number, new WeakRef(frame));
    return { __proto__: null, [Symbol.toStringTag]: HOLDER_PREFIX + number };
  }

  private sweep(): void {
    for (const [number, frame] of this.held) if (frame.deref() === undefined) this.held.delete(number);
    this.sweepAt = Math.max(SWEEP_AT, this.held.size * 2);
  }

  /** A yield* goes through this iterator, which is that generator's frame if it is a guest generator. */
  delegates(frame: StackFrame, generator: StackFrame | undefined, iterator: object): void {
    if (generator !== undefined) {
      generator.delegator = frame;
      generator.behind = frame.behind + 1;
    } else this.delegators.set(iterator, frame);
  }

  /** Native code of that name stands for a module of the guest's; frame: that of its top level. */
  noteStub(url: string, frame: StackFrame | null): void {
    this.stubs.set(url, frame);
  }

  /** Frames of this code may be found below host frames that V8 only knows by name. */
  suspends(code: CodeBlock): void {
    const list = this.suspendable.get(code.name);
    if (list === undefined) this.suspendable.set(code.name, [code]);
    else list.push(code);
  }

  private numericLimit(): number {
    return typeof this.limit === 'number' ? this.limit : -1;
  }

  /** The limit of another realm, if an error is of one. */
  private foreignLimit(error: object): number | undefined {
    if (this.host.isProxy(error)) return undefined;
    const { getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
    let limit: unknown;
    for (let proto = getPrototypeOf(error); proto !== null && !this.host.isProxy(proto); proto = getPrototypeOf(proto)) {
      const made: unknown = getOwnPropertyDescriptor(proto, 'constructor')?.value;
      if (made === this.kit.error) return undefined;
      if (this.limitsOfRealms.has(made)) {
        const known = this.limitOf(made as object);
        return typeof known === 'number' ? known : undefined;
      }
      if (typeof made === 'function') limit = getOwnPropertyDescriptor(made, 'stackTraceLimit')?.value ?? limit;
    }
    if (typeof limit !== 'number') return undefined;
    return limit === ROOM_IN_REALMS ? DEFAULT_LIMIT : limit;
  }

  /** V8's call sites with the guest's frames in the place of the VM's. */
  rewrite(error: unknown, native: readonly NodeJS.CallSite[]): NodeJS.CallSite[] {
    const object = typeof error === 'object' && error !== null ? error : undefined;
    const capture = object && this.captures.get(object);
    const walk = new Walk(this.host, this.suspendable, this.delegators, capture?.waiting ?? null, this.held);
    let limit = Infinity;
    let point: CallPoint | null | undefined;
    for (let i = 0; i < native.length; i++) {
      const site = native[i] as NodeJS.CallSite & { isAsync(): boolean };
      const name = site.getFunctionName();
      const slot = slotOf(name);
      if (slot >= 0) {
        walk.flush();
        if (point !== undefined) continue;
        point = this.points[slot] ?? null;
        limit = this.limits[slot] as number;
        continue;
      }
      const file = site.getFileName();
      if (typeof file === 'string' && this.stubs.has(file)) {
        const module = this.stubs.get(file);
        if (site.isAsync()) {
          if (name === null) walk.module(module ?? null);
          else walk.async(site, name);
        } else if (name !== null && !name.startsWith('get ')) walk.wrapper(site, KIT_FILE);
      } else if (typeof file !== 'string' || !this.host.isOwnScript(file)) {
        if (typeof file !== 'string' || !this.host.isExtraFrame(file, name)) walk.keep(site, file);
      } else if (site.isAsync()) {
        walk.async(site, name ?? '');
      } else if (isKitFile(file)) {
        walk.wrapper(site, file);
      } else if (this.host.isRunLoop(file, name)) {
        if (point === undefined) {
          point = capture ?? null;
          if (capture !== undefined) limit = capture.limit;
        }
        if (point !== null) point = walk.activation(point);
      }
    }
    walk.flush();
    // A limit so low that V8 did not come to the run loop: Node's library looks for the one frame that called it.
    if (point && walk.activations === 0) {
      walk.activation(point);
      limit = Math.min(limit, native.length);
    }
    // No guest frame in it, as below ES modules, which run natively: what V8 was given is more than the program's limit.
    if (point === undefined && typeof this.stackTraceLimit === 'number') limit = this.stackTraceLimit;
    if (object !== undefined) limit = this.foreignLimit(object) ?? limit;
    let sites = walk.sites;
    if (object !== undefined && this.hidden.has(object)) sites = belowFunction(sites, this.hidden.get(object));
    const builtin = object && this.builtins.get(object);
    if (builtin !== undefined) sites = [builtin, ...sites];
    return sites.length > limit ? sites.slice(0, Math.max(0, limit)) : sites;
  }
}

/** What Stacks.addRealm needs of a context. */
export function realmStackKit(evalInRealm: VmHost['evalInRealm']): StackKit {
  const kit = { ...(evalInRealm(STACK_KIT_SOURCE, KIT_FILE) as StackKit) };
  notePlainBuiltins(kit.plain);
  return kit;
}

/** The stacks of a VM. */
export function makeStacks(host: VmHost, state: () => VmState): Stacks {
  // Copies, because an object without a prototype is slow to read.
  const kit = { ...(host.evalInRealm(STACK_KIT_SOURCE, KIT_FILE) as StackKit) };
  notePlainBuiltins(kit.plain);
  const own = `${__dirname}/`;
  const codeOf = (value: unknown): CodeBlock | undefined => {
    const data = state().dataOf(value);
    return data === undefined || data.special !== Special.None ? undefined : data.code;
  };
  return new Stacks(
    {
      isGlobal: (value) => state().realms.some(({ kit: { global } }) => global === value),
      globalOf: ({ realm }) => state().realms[realm]?.kit.global,
      constructorName: (object) => host.constructorName?.(object) ?? constructorNameOf(object),
      isProxy: (value) => host.isProxy?.(value) ?? false,
      codeOf,
      namesAccessorsTwice: kit.namesAccessorsTwice,
      namesFunctions: kit.namesFunctions,
      evalCallerOf: (file) => evalCallers.get(file),
      isOwnScript: (name) => isKitFile(name) || (name.startsWith(own) && !name.includes('.test')),
      get observe() {
        return host.observe;
      },
      withStack: host.withStack,
      isExtraFrame: (script, name) => host.isExtraFrame?.(script, name) ?? false,
      isRunLoop: (script, name) => name === 'run' && script.endsWith('/run.js'),
    },
    kit,
    { ...(host.evalInRealm(STACK_KIT_SOURCE, PACKAGE_KIT_FILE) as StackKit) },
  );
}

function constructorNameOf(object: object): string {
  const made: unknown = (object as { constructor?: unknown }).constructor;
  return typeof made === 'function' && made.name !== '' ? made.name : 'Object';
}

/** Where the texts that were given to eval and to new Function came from. */
const evalCallers = new WeakMap<SourceFile, EvalCaller>();

/** The name V8 gives to the script of a file where it says where something was thrown. */
export function scriptNameOf(file: SourceFile): string {
  return sourceUrlOf(file) ?? (evalCallers.has(file) ? '<anonymous_script>' : file.path);
}

function slotOf(name: string | null): number {
  return name !== null && name.startsWith(SLOT_PREFIX) ? Number(name.slice(SLOT_PREFIX.length)) : -1;
}

function belowFunction(sites: NodeJS.CallSite[], fn: unknown): NodeJS.CallSite[] {
  const at = sites.findIndex((site) => GuestCallSite.frameOf(site)?.callee === fn);
  return at < 0 ? [] : sites.slice(at + 1);
}
