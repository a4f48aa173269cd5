/**
 * Where errors were thrown, for the lines that Node prints above a fatal one. Lives beside the VM; told by its hooks.
 *
 * Invariant: holds errors weakly; a replay with a million throws keeps none of them alive.
 */
import { offsetOf, Op, positionOf } from '../bytecode';
import { scriptNameOf, type GuestFrame } from '../vm';

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
  private latest: Thrown | undefined;

  note(error: unknown, frame: GuestFrame): void {
    this.latest = { code: frame.code, pc: frame.pc };
    if ((typeof error === 'object' && error !== null) || typeof error === 'function') this.last.set(error, this.latest);
  }

  /** Where something was thrown last, whatever it was. */
  get lastPlace(): ThrowPlace | undefined {
    return this.latest && place(this.latest);
  }

  /** Where the error was thrown last; undefined if guest code never saw it thrown. */
  placeOf(error: unknown): ThrowPlace | undefined {
    const isObject = (typeof error === 'object' && error !== null) || typeof error === 'function';
    const thrown = isObject ? this.last.get(error) : undefined;
    return thrown && place(thrown);
  }
}

/** Where a frame is. */
export function place(thrown: Thrown): ThrowPlace {
  const { file } = thrown.code;
  const { line, column } = positionOf(file, offsetOf(thrown.code, thrown.pc));
  const start = file.lineStarts[line - 1]!;
  const text = file.text.slice(start, file.lineStarts[line] ?? file.text.length).replace(/[\r\n\u2028\u2029]+$/, '');
  return { file: scriptNameOf(file), line, column, text, byStatement: thrown.code.code?.[thrown.pc] === (Op.Throw as number) };
}
