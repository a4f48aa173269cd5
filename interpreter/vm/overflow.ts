// Where the guest's stack overflows: at the frames at which V8's did when the program was recorded. Asked by the run loop as frames are pushed.
// V8's own end of the stack depends on what it had compiled by then, and the VM's frames are not on the native stack: without what was
// recorded there would be no telling.
// Invariant: what was recorded is used in order, each overflow once, and between the two events where it was met only.
import { offsetOf, positionOf, type CodeBlock } from '../bytecode';
import type { Frame } from './frame';
import type { StackFrame } from './stack-frames';
import type { VmState } from './state';

/** An overflow that was recorded: see RecordedOverflow in recorder/boundary/overflows.ts. */
export interface ExpectedOverflow {
  readonly at: number;
  readonly depth: number;
  readonly line: number;
  readonly column: number;
  readonly script: string;
}

/** Guest frames where nothing was recorded: somewhat more than V8's usual stack holds, so that what ran there runs here. */
const USUAL = 15_000;
/** Guest frames where all overflows are known: V8's optimised frames are small, and its stack may have been made larger. */
const FAR = 400_000;
/** Fewer frames than this, and it was native code that used the stack up: JSON.stringify of a deep structure, say. */
const FEW = 64;
/** Bytes of stack before the program's first frame, and for a frame of it, as V8's interpreter makes them. */
const BEFORE = 3200;
const FRAME = 112;
/** In the place of an instruction at which the stack overflows. */
export const TRAP = -1;

export class Overflows {
  /** The stack is not looked at before it has more frames than this. */
  limit = USUAL;
  private next = 0;
  /** By code with a trap: what it is for, and the instruction it replaced. */
  private readonly traps = new WeakMap<Int32Array, { readonly index: number; readonly op: number }>();
  /** Built-ins or Node's library overflow where the program has called them, at an event to come. */
  isInHost = false;
  private expected: readonly ExpectedOverflow[] | undefined;
  private event: () => number = () => 0;

  /** stack: bytes that V8 had. */
  constructor(private readonly stack: number) {}

  /** Bytes of stack that V8 has left at a depth. */
  left(depth: number): number {
    return Math.max(0, this.stack - BEFORE - depth * FRAME);
  }

  /** Bytes of stack for a host function that the guest calls here; 0 for as much as there is. */
  leftInHost(depth: number, frame: StackFrame, pc: number): number {
    const { expected } = this;
    if (expected === undefined) return 0;
    const at = this.event();
    for (let i = this.next; i < expected.length && expected[i]!.at <= at; i++) {
      const one = expected[i]!;
      if (one.at === at && one.depth === depth && one.depth < FEW && isAt(frame, pc, one)) return this.left(depth);
    }
    return 0;
  }

  /** expected: all of them, in order; event: index of the next event of the trace. */
  expect(expected: readonly ExpectedOverflow[], event: () => number): void {
    this.expected = expected;
    this.event = event;
    this.look();
  }

  /** Whether the stack overflows as `frame` is entered, which is on it already. May give the frame other code. */
  isDue(S: VmState, frame: Frame): boolean {
    const { expected } = this;
    // What a debugger evaluates is none of the recorded run's.
    if (expected === undefined || S.quiet !== 0) return S.depth > USUAL;
    const at = this.event();
    while (this.next < expected.length && expected[this.next]!.at < at) this.next++;
    for (let i = this.next; i < expected.length; i++) {
      const one = expected[i]!;
      if (one.depth < FEW) continue;
      if (one.at > at) {
        // Between two events to come, in this very frame perhaps.
        if (S.depth === one.depth && holds(frame, one)) this.setTrap(frame, i);
        break;
      }
      // It comes first. Those that are passed by without being met happen in native code only, such as the rejection of a promise.
      if (one.depth > S.depth) break;
      if (S.depth === one.depth && !isAt(frame, 0, one)) {
        if (!this.setTrap(frame, i)) continue;
        break;
      }
      // One frame further it must have been in between, at an instruction that the VM does not know.
      if (S.depth !== one.depth && (S.depth !== one.depth + 1 || !holds(callerOf(S, frame), one))) continue;
      this.use(i);
      return true;
    }
    this.look();
    return S.depth > FAR;
  }

  /**
   * Makes this one frame overflow at the instruction that was recorded. V8 looks for the end of the stack not at calls only: where it makes
   * an array, for one. False if the function has no such instruction.
   */
  private setTrap(frame: Frame, index: number): boolean {
    const { line, column } = this.expected![index]!;
    const { code: block } = frame;
    const { positions } = block;
    for (let i = 0; i < positions.length; i += 2) {
      const place = positionOf(block.file, positions[i + 1] as number);
      if (place.line !== line || place.column !== column) continue;
      const code = (block.code as Int32Array).slice();
      const pc = positions[i] as number;
      this.traps.set(code, { index, op: code[pc] as number });
      code[pc] = TRAP;
      (frame as { code: CodeBlock }).code = Object.create(block, { code: { value: code } }) as CodeBlock;
      return true;
    }
    return false;
  }

  /** A trap was met in this code. If it was for a moment that has not come, the instruction is put back, and this is false. */
  met(code: Int32Array, pc: number): boolean {
    const { index, op } = this.traps.get(code)!;
    const one = this.expected![index];
    if (index >= this.next && one !== undefined && one.at === this.event()) {
      this.use(index);
      return true;
    }
    code[pc] = op;
    return false;
  }

  private use(i: number): void {
    this.next = i + 1;
    this.look();
  }

  private look(): void {
    this.limit = USUAL;
    this.isInHost = false;
    const { expected } = this;
    if (expected === undefined) return;
    for (let i = this.next; i < expected.length; i++) {
      const { depth } = expected[i]!;
      if (depth < FEW) this.isInHost = true;
      else if (depth <= this.limit) this.limit = depth - 1;
    }
  }
}

function callerOf(S: VmState, frame: Frame): StackFrame | null {
  return S.activation?.frame === frame ? S.activation.parentFrame : frame.caller;
}

/** Whether the place is in the frame's function. */
function holds(frame: StackFrame | null, { line, column, script }: ExpectedOverflow): boolean {
  if (frame === null) return true;
  const { file, start, end } = frame.code;
  const offset = (file.lineStarts[line - 1] ?? Infinity) + column - 1;
  return offset >= start && offset <= end && (script === '' || script === file.path);
}

function isAt(frame: StackFrame, pc: number, { line, column }: ExpectedOverflow): boolean {
  const place = positionOf(frame.code.file, offsetOf(frame.code, pc));
  return place.line === line && place.column === column;
}
