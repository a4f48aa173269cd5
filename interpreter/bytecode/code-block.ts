// The layout of compiled code: what the compiler produces and every engine reads. A CodeBlock is one function body (or a script, an
// eval, a field initialiser). Invariant: a block without `code` has not been compiled yet; `compile()` fills it in place, once.

/** How a function is called and constructed; async and generator are separate flags. */
export const enum FunctionKind {
  Normal = 0,
  Arrow = 1,
  Method = 2,
  BaseClass = 3,
  DerivedClass = 4,
}

/** One source file as loaded; shared by all its code blocks. */
export interface SourceFile {
  /** Its name in stacks: a path, or the URL of an ES module. */
  readonly path: string;
  /** Where it lies, if its name is a URL. */
  readonly location?: string;
  readonly text: string;
  /** Offset of the first character of each line. */
  readonly lineStarts: readonly number[];
  /** By statement id: start and end offset, 2 ints a statement. */
  statements: Int32Array;
  /** By statement id: how often it has run; less 2^31 where the debugger wants to pause (vm/marks.ts). */
  marks: Int32Array;
  /** On text that was evaluated: the file whose folder its import() starts from. */
  importer?: string;
  /** Realm that its code runs in: 0 is the program's own (vm/realms.ts). */
  realm: number;
  /** Whether it lies in a folder node_modules; asked by stack.ts, which fills it in. */
  inPackage?: boolean;
}

/** Kinds of exception table entries. */
export const enum HandlerKind {
  Catch = 0,
  Finally = 1,
}

/** Completion kinds that a finally block sees in its kind register; greater ones are jumps, numbered by the compiler. */
export const enum Completion {
  Normal = -1,
  Throw = 0,
  Return = 1,
  FirstJump = 2,
}

/** Ints per exception table entry: start, end, target, HandlerKind, kind register, value register. Innermost entries come first. */
export const HANDLER_SIZE = 6;

/** An object literal whose keys are constants: values come from consecutive registers. */
export interface ObjectShape {
  readonly keys: readonly string[];
  /** Made by the VM when the literal first runs. */
  factory: ((registers: unknown[], start: number) => object) | null;
}

/** A tagged template's site; `object` is made when the template first runs. */
export interface TemplateSite {
  readonly cooked: readonly (string | undefined)[];
  readonly raw: readonly string[];
  object: unknown;
}

export class CodeBlock {
  code: Int32Array | null = null;
  constants: unknown[] = [];
  nested: CodeBlock[] = [];
  /** Exception table, HANDLER_SIZE ints an entry. */
  handlers: Int32Array = new Int32Array(0);
  /** Pairs (pc, source offset), ascending by pc: where V8 would say an instruction is. */
  positions: Int32Array = new Int32Array(0);
  /** Triples (start pc, end pc, index into scopes) in order of opening. */
  scopeRanges: Int32Array = new Int32Array(0);
  /** Static scopes of the compiler that the ranges name. */
  scopes: unknown[] = [];
  /** pc of calls, property reads and the like → syntax tree, for the wording of errors. */
  sites: Map<number, unknown> | null = null;
  registerCount = 0;
  /** Parameters copied into registers 0.. on entry. */
  paramCount = 0;
  /** The frame must keep its whole argument list. */
  needsArguments = false;
  /** Sloppy code whose this must be coerced to an object. */
  coercesThis = false;
  /** A generator that binds its parameters before it first suspends. */
  bindsEarly = false;
  /** Makes a fresh register array; filled by the VM. */
  makeRegisters: (() => unknown[]) | null = null;
  /** Makes the host function of a closure; filled by the VM: one for any name at first, one of its own for blocks closed over often. */
  factory: unknown = null;
  closures = 0;
  /** The frame of this code that was the last to await or to yield; for stacks. */
  lastSuspended: unknown = null;
  /** What the compiler's analysis knows of the function; opaque here. */
  analysis: unknown = null;
  /** By index of a constant: what reads the global variable of that name; filled by the VM for those that are read often. */
  globalReaders: ((() => unknown) | undefined)[] | null = null;
  /** At the pc of a call: the guest function that it called last, and at pc + 1 what it is to the VM. Filled by the VM once the block is warm. */
  targets: unknown[] | null = null;
  /** Calls looked up while there are no targets. */
  calls = 0;

  constructor(
    readonly file: SourceFile,
    /** Name as `f.name` shows it at first. */
    readonly name: string,
    readonly kind: FunctionKind,
    readonly isAsync: boolean,
    readonly isGenerator: boolean,
    readonly strict: boolean,
    /** `f.length`. */
    readonly length: number,
    /** Source range that `toString` shows. */
    readonly start: number,
    readonly end: number,
    /** Fills the block in; called by the VM before the first run. */
    readonly compile: (block: CodeBlock) => void,
  ) {
    this.isPlain = !isAsync && !isGenerator && kind <= FunctionKind.Method;
    this.runsInline = !isGenerator && kind <= FunctionKind.Method;
    this.isConstructor = !isAsync && !isGenerator && kind !== FunctionKind.Arrow && kind !== FunctionKind.Method;
    this.isClass = kind === FunctionKind.BaseClass || kind === FunctionKind.DerivedClass;
  }

  /** No class constructor, and nothing that suspends. */
  readonly isPlain: boolean;
  /** Calls from guest code push a frame in the running loop; an async function leaves it at its first await. */
  readonly runsInline: boolean;
  readonly isConstructor: boolean;
  /** The default constructor of a derived class without fields: super() in a class derived from it goes past it. */
  onlyCallsSuper = false;
  /** The text of an indirect eval: V8 has a frame of the builtin below it. */
  isIndirectEval = false;
  readonly isClass: boolean;
}

/** 1-based line and column of an offset. */
export function positionOf(file: SourceFile, offset: number): { line: number; column: number } {
  const starts = file.lineStarts;
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (starts[low] as number) + 1 };
}

/** Source offset of the instruction at pc (of the nearest recorded one before it). */
export function offsetOf(block: CodeBlock, pc: number): number {
  const table = block.positions;
  let low = 0;
  let high = (table.length >> 1) - 1;
  if (high < 0) return block.start;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((table[middle * 2] as number) <= pc) low = middle;
    else high = middle - 1;
  }
  return table[low * 2 + 1] as number;
}

/** Line starts of a text: LF, CR, CRLF, LS and PS end lines, as in ECMAScript and V8. */
export function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 13) {
      if (text.charCodeAt(i + 1) === 10) i++;
      starts.push(i + 1);
    } else if (c === 10 || c === 0x2028 || c === 0x2029) starts.push(i + 1);
  }
  return starts;
}
