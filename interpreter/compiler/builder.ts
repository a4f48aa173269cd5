// Writes one code block: instructions, labels, constants, registers, exception table, positions. Used by the code generator only.
// Invariant: registers are a stack; whoever takes a temporary gives it back by `release`, and labels are all bound at the end.
import { Op, OP_LENGTH, type CodeBlock } from '../bytecode';
import type { Node } from './ast';
import type { Scope } from './scope';

export class Label {
  pc = -1;
  readonly uses: number[] = [];
}

/** The string as V8's parser makes it: what V8 compares by identity, as `length` in Object.defineProperty, it does not know in a slice. */
function internalized(text: string): string {
  return Reflect.ownKeys({ __proto__: null, [text]: 0 })[0] as string;
}

export class Builder {
  readonly code: number[] = [];
  /** Constant 0 is not used: it keeps the array one of objects for the host's compiler, whatever the constants are. */
  readonly constants: unknown[] = [undefined];
  private readonly constantIndex = new Map<unknown, number>();
  readonly nested: CodeBlock[] = [];
  readonly handlers: number[] = [];
  readonly positions: number[] = [];
  readonly scopeRanges: number[] = [];
  readonly scopes: Scope[] = [];
  readonly sites = new Map<number, unknown>();
  nextRegister = 0;
  maxRegister = 0;
  /** Environments pushed since the function was entered, at this point of the code. */
  envDepth = 0;
  private lastOffset = -1;
  /** A statement has begun and no instruction of it been emitted: the first one keeps the statement's position. */
  private fresh = false;

  /** The source offset of what has been emitted last. */
  get offset(): number {
    return this.positions[this.positions.length - 1] ?? 0;
  }

  get pc(): number {
    return this.code.length;
  }

  emit(op: Op, a?: number, b?: number, c?: number, d?: number, e?: number): number {
    this.fresh = false;
    const pc = this.code.length;
    const length = OP_LENGTH[op] as number;
    this.code.push(op);
    if (length > 1) this.code.push(a as number);
    if (length > 2) this.code.push(b as number);
    if (length > 3) this.code.push(c as number);
    if (length > 4) this.code.push(d as number);
    if (length > 5) this.code.push(e as number);
    return pc;
  }

  /** Emits a jump-like instruction whose last operand is the label. */
  jump(op: Op, label: Label, a?: number, b?: number, c?: number): void {
    this.fresh = false;
    const length = OP_LENGTH[op] as number;
    this.code.push(op);
    if (length > 2) this.code.push(a as number);
    if (length > 3) this.code.push(b as number);
    if (length > 4) this.code.push(c as number);
    label.uses.push(this.code.length);
    this.code.push(label.pc);
  }

  bind(label: Label): void {
    label.pc = this.code.length;
    this.lastOffset = -1;
  }

  /** The next instruction is at this source offset, for stacks. */
  at(offset: number): void {
    if (this.fresh || offset === this.lastOffset) return;
    this.lastOffset = offset;
    this.positions.push(this.code.length, offset);
  }

  /** The instruction at pc, which is the last one, is at this offset while it waits: stacks look for that one past its beginning. */
  atWaiting(pc: number, offset: number): void {
    this.lastOffset = offset;
    this.positions.push(pc + 1, offset);
  }

  /** A statement begins; V8 keeps its position for the first instruction, whatever expression that belongs to. */
  statementAt(offset: number): void {
    this.fresh = false;
    this.at(offset);
    this.fresh = true;
  }

  /** V8 emits something here for which nothing is emitted: the statement's position is used up. */
  loaded(): void {
    this.fresh = false;
  }

  /** V8 loads a variable here for which nothing is emitted: what follows without a position of its own is placed there. */
  loadedAt(offset: number): void {
    this.at(offset);
    this.fresh = false;
  }

  /** Emits what V8 does not: a statement's position stays for what follows. */
  unseen(emit: () => void): void {
    const { fresh } = this;
    emit();
    this.fresh = fresh;
    if (fresh) this.positions.push(this.code.length, this.lastOffset);
  }

  /** The next instruction may fail with a message that quotes this tree. */
  site(node: Node): void {
    this.sites.set(this.code.length, node);
  }

  constant(value: unknown): number {
    // Numbers apart: Map would merge 0 and -0.
    if (typeof value === 'number' || typeof value === 'object') return this.constants.push(value) - 1;
    let index = this.constantIndex.get(value);
    if (index === undefined) {
      index = this.constants.push(typeof value === 'string' ? internalized(value) : value) - 1;
      this.constantIndex.set(value, index);
    }
    return index;
  }

  temp(): number {
    const r = this.nextRegister++;
    if (this.nextRegister > this.maxRegister) this.maxRegister = this.nextRegister;
    return r;
  }

  release(mark: number): void {
    this.nextRegister = mark;
  }

  handler(start: number, end: number, target: Label, kind: number, kindRegister: number, valueRegister: number): void {
    if (start === end) return;
    target.uses.push(-(this.handlers.length + 2) - 1);
    this.handlers.push(start, end, -1, kind, kindRegister, valueRegister);
  }
  private readonly labels: Label[] = [];

  label(): Label {
    const label = new Label();
    this.labels.push(label);
    return label;
  }

  finish(block: CodeBlock): void {
    for (const label of this.labels) {
      for (const use of label.uses) {
        if (use >= 0) this.code[use] = label.pc;
        else this.handlers[-use - 1] = label.pc;
      }
    }
    block.code = Int32Array.from(this.code);
    block.constants = this.constants;
    block.nested = this.nested;
    block.handlers = Int32Array.from(this.handlers);
    block.positions = Int32Array.from(this.positions);
    block.scopeRanges = Int32Array.from(this.scopeRanges);
    block.scopes = this.scopes;
    block.sites = this.sites;
    block.registerCount = this.maxRegister;
  }
}
