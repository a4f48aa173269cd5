/**
 * Where errors were thrown: the order of throws for the session, and the place of the last throw of each error for the lines that Node
 * prints above a fatal one. Lives beside the VM; told by its hooks.
 *
 * Invariant: holds errors weakly; a replay with a million throws keeps none of them alive.
 */
import { offsetOf, Op, positionOf } from '../bytecode';
import type { GuestFrame } from '../vm';

/** 1-based line and column; text: the whole line. */
export interface ThrowPlace {
  file: string;
  line: number;
  column: number;
  text: string;
  /** By a throw statement of the program, not by the interpreter or native code below it. */
  byStatement: boolean;
}

interface Thrown {
  code: GuestFrame['code'];
  pc: number;
}

export class Throws {
  private readonly last = new WeakMap<object, Thrown>();

  note(error: unknown, frame: GuestFrame): void {
    if ((typeof error === 'object' && error !== null) || typeof error === 'function')
      this.last.set(error, { code: frame.code, pc: frame.pc });
  }

  /** Where the error was thrown last; undefined if guest code never saw it thrown. */
  placeOf(error: unknown): ThrowPlace | undefined {
    const thrown = typeof error === 'object' && error !== null ? this.last.get(error) : undefined;
    if (!thrown) return undefined;
    const { file } = thrown.code;
    const { line, column } = positionOf(file, offsetOf(thrown.code, thrown.pc));
    const start = file.lineStarts[line - 1]!;
    const text = file.text.slice(start, file.lineStarts[line] ?? file.text.length).replace(/[\r\n\u2028\u2029]+$/, '');
    return { file: file.path, line, column, text, byStatement: thrown.code.code?.[thrown.pc] === (Op.Throw as number) };
  }
}
