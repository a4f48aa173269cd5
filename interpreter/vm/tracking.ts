/**
 * Notes every write to one kind of place (a property of some name, a slot of environments, a register of one function, ...), so that
 * afterwards, with the object at hand, it can be told who wrote it last. Only in replayers that search for writes; see Vm.track.
 *
 * Instructions that may write such a place are replaced in place by tracked variants of the same length (`op + TRACKED`), which the run
 * loop hands to `execute`; host functions are watched around their calls; variables in registers are looked at before each statement of
 * their function. Invariant: what the program sees is what it sees without; what is noted is keyed by the object that holds the place.
 */
import { offsetOf, Op, OP_LENGTH, OPCODES, type CodeBlock, type ObjectShape } from '../bytecode';
import { codeBlocks } from './code-blocks';
import { HOLE, Mode, type Env, type Frame } from './frame';
import { stepsOf } from './inspect';
import { isObject } from './iteration';
import type { PrivateName } from './kit';
import { uninitialised } from './errors';
import { pathOf } from './marks';
import * as ops from './operations';
import { rare, TRACKED } from './rare';
import type { VmState } from './state';

/** A kind of places. */
export type Tracked =
  | { kind: 'property'; key: string }
  /** An entry of a Map, or an element of a Set. */
  | { kind: 'entry'; key: string | number | boolean | null }
  | { kind: 'private' }
  | { kind: 'environment'; slot: number }
  /** A parameter that is aliased with the arguments object. */
  | { kind: 'cell'; index: number }
  /** let, const and class of scripts. */
  | { kind: 'global'; name: string }
  /** Of the function that starts at this offset of a file. initialisedAt: the variable has no value until after this offset. */
  | { kind: 'register'; file: string; start: number; end: number; register: number; initialisedAt: number };

/** How a place got its value. `call`: within a host function; `argument`: it came with the call of the function; `start`: as that began. */
export type WriteKind = 'assignment' | 'literal' | 'delete' | 'call' | 'argument' | 'start' | 'outside';

export interface Write {
  readonly how: WriteKind;
  /** The statement, counted over the whole program; 0: none of the program's. */
  readonly step: number;
  readonly code: CodeBlock | null;
  readonly pc: number;
  /** Of a call: the function called. */
  readonly by: string;
  /** ABSENT: there was nothing. */
  readonly old: unknown;
  readonly value: unknown;
  /** It was found in what a host function returned: it may be older. */
  readonly sighted: boolean;
  /** The statement that was the next to begin. */
  readonly next: number;
  /** Of a value that is there as a function begins: its own first statement, and the instruction. */
  readonly within?: { readonly step: number; readonly code: CodeBlock; readonly pc: number };
}

export interface Writes {
  last: Write;
  /** The last before a given moment that changed the value, and the first from then on. */
  before: Write | null;
  after: Write | null;
}

/** Marks of places without a value, and of accessors. */
export const ABSENT: unknown = Symbol('absent');
export const ACCESSOR: unknown = Symbol('accessor');

/** Objects looked through in what a host function returns. */
const MAX_SIGHTED = 5000;
const MAX_KEYS = 1000;

interface Seen {
  /** pc of the last statement looked at. */
  pc: number;
  value: unknown;
}

interface Probe {
  readonly object: object;
  readonly before: unknown;
}

const { getOwnPropertyDescriptor, getPrototypeOf, ownKeys, apply } = Reflect;
const mapGet = Map.prototype.get as (this: unknown, key: unknown) => unknown;
const mapHas = Map.prototype.has as (this: unknown, key: unknown) => boolean;
const setHas = Set.prototype.has as (this: unknown, key: unknown) => boolean;

export class Tracker {
  private readonly log = new WeakMap<object, Writes>();
  private readonly privates = new WeakMap<object, Map<object, Writes>>();
  private readonly frames = new WeakMap<Frame, Seen>();
  /** What holds the parameters behind an arguments object. */
  private readonly aliased = new WeakMap<object, object>();
  private readonly sightedObjects = new WeakSet<object>();
  /** Numeric value of a key that is an array index, else NaN. */
  private readonly index: number;
  private readonly key: string;

  constructor(
    private readonly S: VmState,
    readonly spec: Tracked,
    /** Whether a statement comes before the moment that `before` and `after` are about. */
    private readonly isBefore: (step: number) => boolean,
  ) {
    this.key = spec.kind === 'property' ? spec.key : spec.kind === 'cell' ? String(spec.index) : '';
    this.index = String(Number(this.key) >>> 0) === this.key ? Number(this.key) : NaN;
  }

  /** Whether host functions have to be watched. */
  get watchesCalls(): boolean {
    return this.spec.kind === 'property' || this.spec.kind === 'entry';
  }

  begin(): void {
    for (let i = 0; i < codeBlocks.compiled.length; i++) this.mark(codeBlocks.compiled[i] as CodeBlock);
    codeBlocks.onCompile = (block) => this.mark(block);
  }

  /** What is known of a place. of: the object that holds it. */
  writesOf(of: object, name?: object): Writes | undefined {
    return name === undefined ? this.log.get(of) : this.privates.get(of)?.get(name);
  }

  // --- instructions ------------------------------------------------------------------------------------------------------------

  /** Puts tracked instructions into a code block. */
  private mark(block: CodeBlock): void {
    const { spec } = this;
    const code = block.code as Int32Array;
    if (spec.kind === 'register') {
      if (block.file.path !== spec.file || block.start !== spec.start || block.end !== spec.end) return;
      for (const pc of stepsOf(block)) this.S.marks.set(pathOf(block.file), code[pc + 1] as number, true);
      return;
    }
    for (let pc = 0; pc < code.length;) {
      const op = code[pc] as number;
      if (op >= TRACKED) return;
      if (this.concerns(op, code, pc, block.constants)) code[pc] = op + TRACKED;
      pc += OP_LENGTH[op] as number;
    }
  }

  private concerns(op: number, code: Int32Array, pc: number, constants: unknown[]): boolean {
    const { spec } = this;
    switch (spec.kind) {
      case 'environment':
        return op === Op.SetEnv || op === Op.SetEnvChecked ? code[pc + 2] === spec.slot : op === Op.CopyEnv;
      case 'cell':
        if (op === Op.SetCell) return code[pc + 2] === spec.index;
        return op === Op.CreateMapped || op === Op.SetKeyed || op === Op.SetKeyedStrict;
      case 'private':
        return op === Op.SetPrivate || op === Op.DefinePrivate;
      case 'global':
        return (
          (op === Op.SetGlobal || op === Op.SetGlobalStrict || op === Op.InitGlobal) && constants[code[pc + 1] as number] === spec.name
        );
      case 'property':
        switch (op) {
          case Op.SetNamed:
          case Op.SetNamedStrict:
          case Op.DefineNamed:
            return constants[code[pc + 2] as number] === spec.key || spec.key === 'length';
          case Op.SetGlobal:
          case Op.SetGlobalStrict:
          case Op.DefineGlobalFunction:
            return constants[code[pc + 1] as number] === spec.key;
          case Op.NewObjectShape:
            return (constants[code[pc + 2] as number] as ObjectShape).keys.includes(spec.key);
          case Op.NewArray:
            return (code[pc + 3] as number) > this.index || spec.key === 'length';
          case Op.SetKeyed:
          case Op.SetKeyedStrict:
          case Op.DefineKeyed:
          case Op.DefineMethod:
          case Op.DeleteKeyed:
          case Op.SetSuper:
          case Op.CopyProperties:
            return true;
          case Op.ArrayAppend:
          case Op.ArraySpread:
          case Op.ListToArray:
          case Op.RestArguments:
          case Op.CreateArguments:
          case Op.IteratorRest:
            return !Number.isNaN(this.index) || spec.key === 'length';
          default:
            return false;
        }
      default:
        return false;
    }
  }

  /** Executes a tracked instruction; answers the pc to go on at. Called with `frame.pc` at it. */
  execute(frame: Frame, op: number, code: Int32Array, pc: number, regs: unknown[], constants: unknown[], env: Env): number {
    const { S } = this;
    const next = pc + (OP_LENGTH[op] as number);
    switch (op) {
      case Op.SetEnv:
      case Op.SetEnvChecked: {
        let e = env;
        for (let h = code[pc + 1] as number; h > 0; h--) e = e[0] as Env;
        const slot = code[pc + 2] as number;
        const old = e[slot];
        if (op === Op.SetEnvChecked && old === HOLE) throw uninitialised(S, constants[code[pc + 4] as number] as string);
        const value = regs[code[pc + 3] as number];
        e[slot] = value;
        this.wrote(e, frame, old === HOLE ? ABSENT : old, value);
        return next;
      }
      case Op.CopyEnv: {
        const fresh: Env = [env[0]];
        for (let i = 1; i < env.length; i++) fresh[i] = env[i];
        frame.env = fresh;
        const writes = this.log.get(env);
        if (writes !== undefined) this.log.set(fresh, { ...writes });
        return next;
      }
      case Op.SetNamed:
      case Op.SetNamedStrict:
      case Op.SetKeyed:
      case Op.SetKeyedStrict: {
        const object = regs[code[pc + 1] as number];
        const named = op === Op.SetNamed || op === Op.SetNamedStrict;
        const key = named ? constants[code[pc + 2] as number] : regs[code[pc + 2] as number];
        if (object === undefined || object === null) throw ops.cannotSet(S, object, key);
        // An arguments object stands for the parameters.
        const holder = this.spec.kind === 'cell' ? this.aliased.get(object) : object;
        const before = this.peek(holder);
        ops.setKeyed(S, object, key, regs[code[pc + 3] as number], op === Op.SetNamedStrict || op === Op.SetKeyedStrict);
        this.note(holder, frame, before, this.isKey(key));
        return next;
      }
      case Op.CreateMapped: {
        rare(S, frame, op, code, pc, regs, constants, env);
        const cells = regs[code[pc + 2] as number] as object;
        this.aliased.set(regs[code[pc + 1] as number] as object, cells);
        this.record(cells, this.atStart(frame, this.peek(cells)));
        return next;
      }
      case Op.NewObjectShape:
      case Op.NewArray:
      case Op.ListToArray:
      case Op.RestArguments:
      case Op.CreateArguments:
      case Op.IteratorRest: {
        if (op === Op.NewObjectShape) {
          const shape = constants[code[pc + 2] as number] as ObjectShape;
          const factory = shape.factory ?? (shape.factory = S.kit.shape(shape.keys));
          regs[code[pc + 1] as number] = factory(regs, code[pc + 3] as number);
        } else if (op === Op.NewArray) {
          regs[code[pc + 1] as number] = S.kit.makeArray(regs, code[pc + 2] as number, code[pc + 3] as number);
        } else {
          rare(S, frame, op, code, pc, regs, constants, env);
        }
        const made = regs[code[pc + 1] as number];
        const value = this.peek(made);
        if (value !== ABSENT) this.record(made as object, this.written('literal', frame, ABSENT, value));
        return next;
      }
      default: {
        const [holder, exact] = this.targetOf(frame, op, code, pc, regs, constants);
        if (op === Op.SetPrivate || op === Op.DefinePrivate) {
          const name = regs[code[pc + 2] as number] as PrivateName;
          const field = name.method === undefined && name.getter === undefined && name.setter === undefined;
          const before = field && isObject(holder) && name.has(holder) ? name.get(holder) : ABSENT;
          rare(S, frame, op, code, pc, regs, constants, env);
          if (field && isObject(holder))
            this.wrotePrivate(holder, name, this.written('assignment', frame, before, regs[code[pc + 3] as number]));
          return next;
        }
        const before = this.peek(holder);
        const at = rare(S, frame, op, code, pc, regs, constants, env);
        this.note(holder, frame, before, exact);
        return at;
      }
    }
  }

  /** The object that an instruction writes to, and whether it certainly writes the place. */
  private targetOf(frame: Frame, op: number, code: Int32Array, pc: number, regs: unknown[], constants: unknown[]): [unknown, boolean] {
    const { S } = this;
    switch (op) {
      case Op.SetGlobal:
      case Op.SetGlobalStrict:
      case Op.InitGlobal:
        if (this.spec.kind === 'global') return [S.lexical?.get(constants[code[pc + 1] as number] as string), true];
        return [S.lexical?.has(this.key) ? undefined : S.kit.global, true];
      case Op.DefineGlobalFunction:
        return [S.kit.global, true];
      case Op.DeleteKeyed:
        return [regs[code[pc + 2] as number], this.isKey(regs[code[pc + 3] as number])];
      case Op.SetSuper:
        return [regs[code[pc + 2] as number], this.isKey(regs[code[pc + 3] as number])];
      case Op.DefineKeyed:
      case Op.DefineMethod:
        return [regs[code[pc + 1] as number], this.isKey(regs[code[pc + 2] as number])];
      case Op.DefineNamed:
      case Op.SetCell:
        return [regs[code[pc + 1] as number], op === Op.SetCell || constants[code[pc + 2] as number] === this.key];
      default:
        return [regs[code[pc + 1] as number], false];
    }
  }

  private isKey(key: unknown): boolean {
    return typeof key === 'string' ? key === this.key : typeof key === 'number' ? key === this.index : false;
  }

  // --- host functions ----------------------------------------------------------------------------------------------------------

  /** Before a host call: the place in each object that the function is given. */
  probe(self: unknown, args: ArrayLike<unknown>): Probe[] {
    const probes: Probe[] = [];
    if (isObject(self)) probes[0] = { object: self, before: this.peek(self) };
    for (let i = 0; i < args.length && i < 8; i++) {
      const arg = args[i];
      if (isObject(arg) && arg !== self) probes[probes.length] = { object: arg, before: this.peek(arg) };
    }
    return probes;
  }

  /** After it. */
  compare(probes: Probe[], frame: Frame, pc: number, by: string): void {
    for (let i = 0; i < probes.length; i++) {
      const { object, before } = probes[i] as Probe;
      const after = this.peek(object);
      if (Object.is(before, after)) continue;
      // What guest code did that the host function called has been noted.
      const known = this.log.get(object);
      if (known !== undefined && Object.is(known.last.value, after) && known.last.step > frame.lastStep) continue;
      this.record(object, { ...this.written('call', frame, before, after), pc, by });
    }
  }

  /** The host calls a function, or an async one goes on. */
  entered(frame: Frame, mode: Mode, value: unknown): void {
    if (mode === Mode.Next) {
      this.sight(value, { how: 'call', step: frame.lastStep, code: frame.code, pc: frame.awaitPc, by: 'await' });
    } else if (mode === Mode.Start) {
      const { step, within } = this.atStart(frame, undefined);
      const { code, pc, step: first } = within as NonNullable<Write['within']>;
      const origin = { how: 'outside', step: step > 0 ? step : first, code, pc, by: code.name } as const;
      for (let i = 0; i < frame.code.paramCount; i++) this.sight(frame.regs[i], origin);
      for (let i = 0; frame.args !== null && i < frame.args.length; i++) this.sight(frame.args[i], origin);
    }
  }

  /** A value comes out of the host: objects that the program has not written to itself were made there. */
  sight(value: unknown, write: Pick<Write, 'how' | 'step' | 'code' | 'pc' | 'by'>): void {
    if (!isObject(value) || this.sightedObjects.has(value)) return;
    const queue: object[] = [value];
    for (let n = 0; queue.length > 0 && n < MAX_SIGHTED; n++) {
      const object = queue.pop() as object;
      if (this.sightedObjects.has(object)) continue;
      this.sightedObjects.add(object);
      if (this.S.host.isProxy?.(object) === true) continue;
      const found = this.peek(object);
      if (found !== ABSENT && found !== ACCESSOR && !this.log.has(object)) {
        this.record(object, { ...write, old: ABSENT, value: found, sighted: true, next: this.S.step + 1 });
      }
      if (typeof object === 'function' || !isPlain(object)) continue;
      const keys = ownKeys(object);
      for (let i = 0; i < keys.length && i < MAX_KEYS; i++) {
        const inner: unknown = getOwnPropertyDescriptor(object, keys[i] as string)?.value;
        if (isObject(inner) && !this.sightedObjects.has(inner)) queue[queue.length] = inner;
      }
    }
  }

  // --- registers ---------------------------------------------------------------------------------------------------------------

  /** Before each statement of the tracked function. */
  atStep(frame: Frame): void {
    const { spec } = this;
    if (spec.kind !== 'register' || frame.code.start !== spec.start || frame.code.end !== spec.end || frame.code.file.path !== spec.file)
      return;
    const value = frame.regs[spec.register];
    const seen = this.frames.get(frame);
    if (seen === undefined) {
      this.frames.set(frame, { pc: frame.pc, value });
      // Its first statement: what came with the call is there.
      if (frame.prevStep === 0 && value !== undefined && value !== HOLE) this.record(frame, this.atStart(frame, value));
      return;
    }
    this.look(frame, seen, value, frame.prevStep);
    seen.pc = frame.pc;
    seen.value = value;
  }

  /** The statement that a frame is in the middle of may have written already. */
  inStatement(frame: Frame): void {
    const seen = this.frames.get(frame);
    if (this.spec.kind !== 'register' || seen === undefined) return;
    const value = frame.regs[this.spec.register];
    if (!Object.is(value, seen.value)) this.look(frame, seen, value, frame.lastStep);
    seen.value = value;
  }

  private look(frame: Frame, seen: Seen, value: unknown, step: number): void {
    const { initialisedAt, register } = this.spec as Extract<Tracked, { kind: 'register' }>;
    const found = writeIn(frame.code, seen.pc, register, Object.is(value, seen.value));
    if (found < 0 && Object.is(value, seen.value)) return;
    const pc = found < 0 ? seen.pc : found;
    const old = seen.value === HOLE || offsetOf(frame.code, pc) < initialisedAt ? ABSENT : seen.value;
    this.record(frame, { how: 'assignment', step, code: frame.code, pc, by: '', old, value, sighted: false, next: this.S.step });
  }

  // --- notes -------------------------------------------------------------------------------------------------------------------

  /** The value of the place in an object, if it is an own data property or an entry; runs no guest code. */
  peek(object: unknown): unknown {
    return isObject(object) ? valueIn(this.S, this.spec, object) : ABSENT;
  }

  private note(object: unknown, frame: Frame, before: unknown, exact: boolean): void {
    if (!isObject(object)) return;
    const after = this.peek(object);
    if (after === ACCESSOR || (!exact && Object.is(before, after)) || (before === ABSENT && after === ABSENT)) return;
    this.record(object, this.written(after === ABSENT ? 'delete' : 'assignment', frame, before, after));
  }

  private wrote(holder: object, frame: Frame, old: unknown, value: unknown): void {
    this.record(holder, frame.lastStep === 0 ? this.atStart(frame, value) : this.written('assignment', frame, old, value));
  }

  private written(how: WriteKind, frame: Frame, old: unknown, value: unknown): Write {
    if (frame.lastStep === 0) {
      const start = this.atStart(frame, value);
      return { ...start, how, step: start.step || (start.within?.step ?? 0), code: frame.code, pc: frame.pc, by: '', old };
    }
    return { how, step: frame.lastStep, code: frame.code, pc: frame.pc, by: '', old, value, sighted: false, next: this.S.step + 1 };
  }

  /** A function begins: the statement is that of the call. */
  private atStart(frame: Frame, value: unknown): Write {
    const { activation } = this.S;
    const outside = frame.isEntry && activation !== null && activation.frame === frame;
    const caller = outside ? activation.parentFrame : frame.caller;
    const pc = outside ? activation.parentPc : frame.callerPc;
    const step = caller?.lastStep ?? 0;
    const within = { step: this.S.step + (frame.lastStep === 0 ? 1 : 0), code: frame.code, pc: frame.pc };
    return {
      how: 'start',
      step,
      code: caller?.code ?? null,
      pc,
      by: frame.code.name,
      old: ABSENT,
      value,
      sighted: false,
      next: this.S.step + 1,
      within,
    };
  }

  private record(holder: object, write: Write): void {
    const changed = !Object.is(write.old, write.value);
    const known = this.log.get(holder);
    if (known === undefined) this.log.set(holder, this.fresh(write, changed));
    else this.update(known, write, changed);
  }

  private wrotePrivate(holder: object, name: object, write: Write): void {
    let names = this.privates.get(holder);
    if (names === undefined) this.privates.set(holder, (names = new Map()));
    const changed = !Object.is(write.old, write.value);
    const known = names.get(name);
    if (known === undefined) names.set(name, this.fresh(write, changed));
    else this.update(known, write, changed);
  }

  private fresh(write: Write, changed: boolean): Writes {
    const writes: Writes = { last: write, before: null, after: null };
    this.update(writes, write, changed);
    return writes;
  }

  private update(known: Writes, write: Write, changed: boolean): void {
    known.last = write;
    // What comes with a call is no change of the variable: it has only just come to be.
    if (!changed || write.how === 'start') return;
    if (this.isBefore(write.step)) known.before = write;
    else known.after ??= write;
  }
}

/** The value of a place, ABSENT or ACCESSOR; runs no guest code. holder: what holds it. name: of a private member. */
export function valueIn(S: VmState, spec: Tracked, holder: object, name?: object): unknown {
  switch (spec.kind) {
    case 'environment':
      return initialised((holder as Env)[spec.slot]);
    case 'register':
      return initialised((holder as Frame).regs[spec.register]);
    case 'cell':
      return (holder as Record<number, unknown>)[spec.index];
    case 'global':
      return initialised((holder as { value: unknown }).value);
    case 'private': {
      const field = name as PrivateName | undefined;
      if (field === undefined || field.getter !== undefined || field.setter !== undefined || !field.has(holder)) return ABSENT;
      return field.get(holder);
    }
    case 'entry':
      return S.host.isProxy?.(holder) === true ? ABSENT : entryOf(holder, spec.key);
    case 'property': {
      if (S.host.isProxy?.(holder) === true) return ABSENT;
      const found = getOwnPropertyDescriptor(holder, spec.key);
      return found === undefined ? ABSENT : 'value' in found ? found.value : ACCESSOR;
    }
  }
}

function initialised(value: unknown): unknown {
  return value === HOLE ? ABSENT : value;
}

function entryOf(object: object, key: unknown): unknown {
  try {
    return apply(mapHas, object, [key]) ? apply(mapGet, object, [key]) : ABSENT;
  } catch {
    try {
      return apply(setHas, object, [key]) ? true : ABSENT;
    } catch {
      return ABSENT;
    }
  }
}

/** An array, or an object of no class. */
function isPlain(object: object): boolean {
  if (Array.isArray(object)) return true;
  const proto = getPrototypeOf(object);
  return proto === null || getPrototypeOf(proto) === null;
}

/**
 * pc of the instruction by which the statement that begins at `pc` writes a register, -1 if it has none. certain: only one that the
 * statement cannot have jumped over.
 */
function writeIn(block: CodeBlock, pc: number, register: number, certain: boolean): number {
  const code = block.code as Int32Array;
  let reach = 0;
  for (let at = pc + (OP_LENGTH[code[pc] as number] as number); at < code.length;) {
    const op = code[at] as number;
    if (op === Op.Step) break;
    const { operands, length } = OPCODES[op] as (typeof OPCODES)[number];
    for (let i = 0; i < operands.length; i++) {
      const { type } = operands[i] as (typeof operands)[number];
      const operand = code[at + 1 + i] as number;
      if (type === 'def' && operand === register && (!certain || at >= reach)) return at;
      if (type === 'target' && operand > reach) reach = operand;
    }
    if (op === Op.Jump || op === Op.Return || op === Op.ReturnUndefined || op === Op.Throw) break;
    at += length;
  }
  return -1;
}
