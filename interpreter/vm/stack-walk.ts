/**
 * Collects the call sites of one stack: V8's where the host ran, the guest's where the run loop did.
 *
 * Used by Stacks.rewrite, which goes through V8's list from the top. Invariant: one run loop in that list stands for one activation.
 */
import { FunctionKind, offsetOf, type CodeBlock } from '../bytecode';
import { GuestCallSite, sharedDebugName, type CallSiteRealm, type TracedFrame } from './callsite';
import { GENERATOR_KIT_FILE } from './kit';
import { delegatorOf, type CallPoint, type Delegators, type Place, type StackFrame } from './stack-frames';

/** The kit's function that continues async functions after their first await. */
const CONTINUATION = 'kit.continueAsync';

/** The kit's function that enters the run loop. */
const ENTRY = 'retraceEnter';

/** Begins the tag of the receiver under which an async frame is continued; its number follows. */
export const HOLDER_PREFIX = '%f';

/** What V8 shows of a builtin. */
function builtinSite(type: string, name: string, method: string | null, isToplevel: boolean, text: string): NodeJS.CallSite {
  return {
    getThis: () => undefined,
    getTypeName: () => type,
    getFunction: () => undefined,
    getFunctionName: () => name,
    getMethodName: () => method,
    getFileName: () => undefined,
    getLineNumber: () => null,
    getColumnNumber: () => null,
    getEvalOrigin: () => undefined,
    getScriptNameOrSourceURL: () => null,
    getPromiseIndex: () => null,
    isToplevel: () => isToplevel,
    isEval: () => false,
    isNative: () => false,
    isConstructor: () => false,
    isAsync: () => false,
    isPromiseAll: () => false,
    toString: () => text,
  } as unknown as NodeJS.CallSite;
}

/** The builtin that an indirect eval goes through. */
export const EVAL_BUILTIN = builtinSite('Object', 'eval', null, true, 'eval (<anonymous>)');

/** The builtin that makes a function of texts. */
export function functionBuiltin(name: string, isConstruct: boolean): NodeJS.CallSite {
  const site = builtinSite('Object', name, null, !isConstruct, `${isConstruct ? 'new ' : ''}${name} (<anonymous>)`);
  return isConstruct ? { ...site, isConstructor: () => true } : site;
}

/** V8 calls a generator by the function that made it; host functions do not have all of their names. */
function methodOfGenerator(site: NodeJS.CallSite, { code }: StackFrame, realm: CallSiteRealm): NodeJS.CallSite {
  const host = site.getTypeName();
  const method = site.getFunctionName();
  if ((host !== 'Generator' && host !== 'AsyncGenerator') || method === null) return site;
  const type = sharedDebugName(code, realm) || host;
  return builtinSite(type, method, method, false, `${type}.${method} (<anonymous>)`);
}

/** Collects the call sites of one stack, from the top. */
export class Walk {
  readonly sites: NodeJS.CallSite[] = [];
  /** Frame at the bottom of the last activation, or the last suspended frame: for whose promise or values the next one waits. */
  private bottom: StackFrame | null = null;
  /** Activations added. */
  activations = 0;
  private strictAbove = false;
  /** The last frame added, unless a native one came after it. */
  private below: StackFrame | null = null;
  /** The generator that was added last, unless anything came after it. */
  private generator: StackFrame | null = null;
  /** The bottom frame of the last activation as added, until it is known through which host function it was entered. */
  private entered: Mutable<TracedFrame> | null = null;
  /** The last call site of the realm kit since then. */
  private kitSite: NodeJS.CallSite | null = null;

  constructor(
    private readonly realm: CallSiteRealm,
    private readonly suspendable: ReadonlyMap<string, readonly CodeBlock[]>,
    private readonly delegators: Delegators,
    private readonly waiting: readonly Place[] | null,
    private readonly held: ReadonlyMap<number, WeakRef<StackFrame>>,
  ) {}

  keep(site: NodeJS.CallSite, file: string | null | undefined): void {
    this.flush();
    const { below, generator } = this;
    this.generator = null;
    this.below = null;
    // The loader runs one line of native code in the place of a module, which calls the guest function.
    if (below !== null && below.code.file.path === file && site.getLineNumber() === 1) return;
    this.strictAbove = true;
    this.sites.push(generator === null || typeof file === 'string' ? site : methodOfGenerator(site, generator, this.realm));
  }

  wrapper(site: NodeJS.CallSite, file: string): void {
    const name = site.getFunctionName();
    if (name === ENTRY) return;
    // The host function of a generator that runs comes right after its frame; others delegate to what was called last.
    const runs = this.kitSite === null && this.entered !== null && this.entered.code.isGenerator;
    if (file === GENERATOR_KIT_FILE && !runs) {
      this.flush();
      this.delegating(name ?? '');
    } else this.kitSite = site;
  }

  /** Adds a generator whose frame is not running: the host delegates to another iterator for it. */
  private delegating(name: string): void {
    const frame = this.delegator() ?? this.suspended(name);
    if (frame === null || !frame.code.isGenerator) return;
    this.push(frame, this.noted(frame) ?? frame.awaitPc, false);
    this.bottom = this.generator = frame;
  }

  /** The host frames between an activation and what called it are over: the last one is the guest function's own. */
  flush(): void {
    const { entered, kitSite } = this;
    this.entered = null;
    this.kitSite = null;
    if (kitSite === null || entered === null) return;
    if (entered.code.isGenerator) this.generator = this.bottom;
    else if (entered.code.kind === FunctionKind.Arrow && kitSite.getFunctionName() !== CONTINUATION) {
      entered.entry = kitSite;
    }
  }

  /** Adds the frames of one activation; returns where the activation outside was. */
  activation({ activation, frame, pc, below }: CallPoint): CallPoint | null {
    this.flush();
    this.activations++;
    let traced = this.push(frame, pc, false);
    if (below === null) {
      while (frame !== activation.frame && frame.caller !== null) {
        pc = frame.callerPc;
        frame = frame.caller;
        traced = this.push(frame, pc, false);
      }
    } else {
      for (const place of below) {
        frame = place.frame;
        traced = this.push(frame, place.pc, false);
      }
    }
    this.entered = traced;
    this.bottom = this.below = frame;
    const { parent, parentFrame, parentPc } = activation;
    return parent === null || parentFrame === null
      ? null
      : { activation: parent, frame: parentFrame, pc: parentPc, below: activation.parentBelow };
  }

  /** Adds a frame that awaits what is above it. */
  async(site: NodeJS.CallSite, name: string): void {
    this.flush();
    const frame =
      name === CONTINUATION ? this.heldBy(site.getTypeName()) : (this.bottom?.awaiter ?? this.delegator() ?? this.suspended(name));
    this.bottom = frame;
    if (frame === null) return;
    const pc = this.noted(frame) ?? (frame.code.isGenerator ? frame.pc : frame.awaitPc);
    // See Builder.atWaiting.
    this.push(frame, pc + 1, true);
  }

  /** The frame that delegates to the last one. */
  private delegator(): StackFrame | null {
    return this.bottom === null ? null : delegatorOf(this.bottom, this.delegators);
  }

  /** Where a suspended frame was when the stack was captured, if that was noted. */
  private noted(frame: StackFrame): number | undefined {
    return this.waiting?.find((place) => place.frame === frame)?.pc;
  }

  /** Adds the top level of a module that awaits what is above it. */
  module(frame: StackFrame | null): void {
    this.flush();
    this.bottom = frame;
    if (frame !== null) this.push(frame, frame.awaitPc, true);
  }

  /** The frame that the host continues under a receiver with this tag. */
  private heldBy(tag: string | null): StackFrame | null {
    if (tag === null || !tag.startsWith(HOLDER_PREFIX)) return null;
    return this.held.get(Number(tag.slice(HOLDER_PREFIX.length)))?.deref() ?? null;
  }

  /** The frame of a function of that name that was the last to await or delegate. */
  private suspended(name: string): StackFrame | null {
    const list = this.suspendable.get(name);
    return list === undefined ? null : ((list[list.length - 1] as CodeBlock).lastSuspended as StackFrame | null);
  }

  private push(frame: StackFrame, pc: number, isAsync: boolean): Mutable<TracedFrame> {
    const { code } = frame;
    this.strictAbove ||= code.strict;
    const traced: Mutable<TracedFrame> = {
      code,
      offset: offsetOf(code, pc),
      callee: frame.data.func,
      receiver: frame.thisValue,
      isConstruct: frame.isConstruct,
      isAsync,
      entry: null,
      isCensored: this.strictAbove,
    };
    this.sites.push(new GuestCallSite(traced, this.realm) as unknown as NodeJS.CallSite);
    if (code.isIndirectEval) this.sites.push(EVAL_BUILTIN);
    return traced;
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
