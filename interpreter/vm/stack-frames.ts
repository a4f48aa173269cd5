/**
 * What stacks need to know of frames and activations, and the links between frames that do not last.
 *
 * Used by stack.ts and stack-walk.ts; the VM's Frame and Activation fit these shapes. Invariant: within an activation `caller` and
 * `callerPc` never change while the callee lives, except below an async call, which leaves its callers when it first awaits.
 */
import type { CodeBlock } from '../bytecode';

/** What stacks need to know of a guest frame. */
export interface StackFrame {
  readonly code: CodeBlock;
  readonly data: { readonly func: unknown };
  readonly thisValue: unknown;
  readonly isConstruct: boolean;
  /** Null at the bottom of an activation. */
  readonly caller: StackFrame | null;
  /** pc of the call in the caller. */
  readonly callerPc: number;
  /** pc of the instruction that is running, or that the frame is suspended at. */
  readonly pc: number;
  /** pc of the last await or yield*. */
  readonly awaitPc: number;
  /** Frame that awaits the promise of this async call. */
  readonly awaiter: StackFrame | null;
  /** Frame whose yield* goes through the generator of this frame. */
  delegator: StackFrame | null;
  /** How many frames delegate to this one, directly or not: V8 has them on its stack, the VM has not. */
  behind: number;
}

/** One entry into the run loop: the frame at its bottom, and where the guest was when the host called in. */
export interface StackActivation {
  readonly frame: StackFrame;
  readonly parent: StackActivation | null;
  readonly parentFrame: StackFrame | null;
  readonly parentPc: number;
  readonly parentBelow: readonly Place[] | null;
}

export interface CallPoint {
  readonly activation: StackActivation;
  readonly frame: StackFrame;
  readonly pc: number;
  /** The frames below, down to the bottom of the activation, where their links may change: below an async call. */
  readonly below: readonly Place[] | null;
}

/** A frame and where it was. */
export interface Place {
  readonly frame: StackFrame;
  readonly pc: number;
}

/** Frames among which an async call is looked for at each call of a host function. */
export const NEAR = 6;

/** Suspended frames noted for an error. */
const MAX_SUSPENDED = 200;

/**
 * The frames below one in its activation if one of the nearest is an async call: when that awaits, it leaves its callers and is linked
 * to others later. Null where the links can be followed at any time.
 */
export function framesBelow(activation: StackActivation, top: StackFrame, near: number): Place[] | null {
  let found = false;
  let looked = 0;
  for (let frame = top; frame !== activation.frame && looked < near; looked++) {
    if (frame.code.isAsync) {
      found = true;
      break;
    }
    if (frame.caller === null) break;
    frame = frame.caller;
  }
  if (!found) return null;
  const list: Place[] = [];
  for (let frame = top; frame !== activation.frame && frame.caller !== null; frame = frame.caller) {
    list.push({ frame: frame.caller, pc: frame.callerPc });
  }
  return list;
}

/** Frames whose yield* goes through an iterator that is no guest generator, by the iterator. */
export type Delegators = WeakMap<object, StackFrame>;

/** The frame whose yield* goes through a generator, if that is its frame, or through what the frame is a method of. */
export function delegatorOf(frame: StackFrame, delegators: Delegators): StackFrame | null {
  const { delegator, thisValue } = frame;
  if (delegator !== null || frame.code.isGenerator) return delegator;
  return typeof thisValue === 'object' && thisValue !== null ? (delegators.get(thisValue) ?? null) : null;
}

/**
 * The suspended frames behind those that run: generators that delegate to the frame at the bottom of an activation, and the async frames
 * that wait for one another behind the outermost.
 */
export function suspendedFrames(innermost: StackActivation, delegators: Delegators): Place[] | null {
  let list: Place[] | null = null;
  let last: StackFrame;
  for (let activation: StackActivation | null = innermost; ; activation = activation.parent) {
    last = activation.frame;
    for (let frame = delegatorOf(last, delegators); frame !== null; frame = delegatorOf((last = frame), delegators)) {
      if ((list ??= []).length >= MAX_SUSPENDED) return list;
      list.push({ frame, pc: frame.awaitPc });
    }
    if (activation.parent === null) break;
  }
  if (!last.code.isAsync) return list;
  list ??= [];
  for (let frame = last.awaiter; frame !== null && list.length < MAX_SUSPENDED; frame = frame.awaiter) list.push({ frame, pc: frame.pc });
  return list;
}
