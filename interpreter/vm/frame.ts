// Run-time records: the data behind a guest function, a call frame, an activation of the run loop. Used by every file of the VM.
// Invariant: `caller` and `callerPc` of a frame never change while the callee lives, so the stack at any recorded moment is
// (frame, pc) and the chain from there.
import { FunctionKind, type CodeBlock } from '../bytecode';
import type { Scheduling } from './scheduling';
import type { Place } from './stack-frames';

/** Environment array: slot 0 is the parent environment, the others are captured variables. */
export type Env = unknown[];

/** Functions of the realm that the run loop treats specially when guest code calls them. */
export const enum Special {
  None = 0,
  Eval = 1,
  DynamicFunction = 2,
  Call = 3,
  Apply = 4,
  CaptureStackTrace = 5,
}

/** What a guest function is to the VM; attached to the host function by a private field. */
export class FunctionData {
  func: ((...args: unknown[]) => unknown) | null = null;
  home: object | null = null;
  /** Instance field initialiser of a class. */
  fields: unknown = undefined;
  special: Special = Special.None;
  /** Makes what `new` of a plain function makes, once that has been used. */
  allocator: { new (): object; prototype: object } | null = null;
  /** Statement that made the function, counted over the whole program. */
  made = 0;
  /** While debugging: the last times it was handed to host code that may call it later. */
  scheduled: Scheduling[] | null = null;
  constructor(
    readonly code: CodeBlock,
    readonly env: Env | null,
  ) {}
}

class Identity {
  constructor(target: object) {
    return target;
  }
}

/** Attaches FunctionData to functions; a private field is the fastest test for "is this a guest function". */
export class Stamp extends Identity {
  #data: FunctionData;
  constructor(target: object, data: FunctionData) {
    super(target);
    this.#data = data;
  }
  static of(f: object): FunctionData | undefined {
    return #data in f ? (f as unknown as Stamp).#data : undefined;
  }
}

/** Attaches the frame to a generator object that guest code made. */
export class GeneratorStamp extends Identity {
  #frame: Frame;
  constructor(generator: object, frame: Frame) {
    super(generator);
    this.#frame = frame;
  }
  static of(object: object): Frame | undefined {
    return #frame in object ? (object as unknown as GeneratorStamp).#frame : undefined;
  }
}

/** How a suspended or finished frame left the run loop. */
export const enum State {
  Running = 0,
  Await = 1,
  Yield = 2,
  Delegate = 3,
  /** return X of an async generator: the host must await X inside the guest's try blocks. */
  ReturnValue = 4,
  ReturnVoid = 5,
  /** A return() that came from outside has run all finally blocks: the host keeps the value. */
  ReturnKept = 6,
  Done = 7,
  /** A generator whose parameters are bound and whose body has not begun. */
  Bound = 8,
}

/** How a suspended frame goes on. */
export const enum Mode {
  Start = 0,
  Next = 1,
  Throw = 2,
  Return = 3,
}

/** Mark of an uninitialised binding. */
export const HOLE: unknown = Symbol('uninitialised');
/** Stands for the value of a generator's return() while finally blocks run: the host knows the value, the guest cannot see it. */
export const KEPT: unknown = Symbol('kept by the host');

export interface GuestFrame {
  readonly functionName: string;
  readonly file: string;
  readonly code: CodeBlock;
  readonly pc: number;
  readonly thisValue: unknown;
  readonly isAsync: boolean;
  readonly isConstruct: boolean;
}

export class Frame implements GuestFrame {
  pc = 0;
  env: Env | null;
  readonly regs: unknown[];
  newTarget: unknown = undefined;
  args: ArrayLike<unknown> | null = null;
  caller: Frame | null = null;
  /** pc of the caller when it called. */
  callerPc = 0;
  /** Where the caller goes on and the register that gets the value. */
  returnPc = 0;
  returnRegister = 0;
  /** The run loop was entered with this frame: returning leaves the loop. */
  isEntry = false;
  /** Arguments that weigh on the stack's room, when there are many. */
  weight = 0;
  /** 0 call, 1 construct. */
  construct = 0;
  state: State = State.Running;
  /** pc of the last await or yield*. */
  awaitPc = 0;
  /** What the frame awaits, while it does. */
  awaiting: unknown = undefined;
  /** Frame that awaits the promise of this async call. */
  awaiter: Frame | null = null;
  /** Frame whose yield* goes through the generator of this frame. */
  delegator: Frame | null = null;
  /** How many frames delegate to this one, directly or not. */
  behind = 0;
  /** While debugging, of an async function that has awaited: where it did last, and what had called it. */
  origin: Scheduling | null = null;
  /** On generators: the frame that asked for the next value last. */
  consumer: Frame | null = null;
  /** The statement that the frame is in, by the count of the whole program (VmState.step), and the one it was in before; 0 for none. */
  lastStep = 0;
  prevStep = 0;

  constructor(
    readonly code: CodeBlock,
    readonly data: FunctionData,
    public thisValue: unknown,
  ) {
    this.regs = (code.makeRegisters as () => unknown[])();
    this.env = data.env;
  }

  get file(): string {
    return this.code.file.path;
  }
  get isAsync(): boolean {
    return this.code.isAsync;
  }
  get isConstruct(): boolean {
    return this.construct !== 0;
  }
  get functionName(): string {
    return this.code.name;
  }
  get isArrow(): boolean {
    return this.code.kind === FunctionKind.Arrow;
  }
}

/** One entry of the run loop from host code. `enter` is a sloppy function of the realm kit, so that V8's call sites answer `this`. */
export class Activation {
  declare enter: () => unknown;
  constructor(
    readonly parent: Activation | null,
    /** Guest frame that was running when the host entered the VM, and its pc then. */
    readonly parentFrame: Frame | null,
    readonly parentPc: number,
    readonly frame: Frame,
    readonly mode: Mode,
    readonly value: unknown,
    /** Frames below parentFrame, where their links may change (stack.ts). */
    readonly parentBelow: readonly Place[] | null = null,
  ) {}
}

/** One call from the run loop into the host; `call` and `construct` go through the trampolines of stack.ts. */
export class CallRecord {
  declare call: (f: unknown, self: unknown, args: ArrayLike<unknown>) => unknown;
  declare construct: (f: unknown, args: ArrayLike<unknown>, newTarget: unknown) => unknown;
  /** Frame of the guest async function or generator that the call started, if any. */
  begun: Frame | null = null;
  constructor(
    readonly frame: Frame,
    readonly pc: number,
  ) {}
}
