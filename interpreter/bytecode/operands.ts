// The opcode table, decoded once: what the verifier and the disassembler work from.
import { OPCODE_TABLE, type OperandType } from './opcodes';

export interface Operand {
  readonly name: string;
  readonly type: OperandType;
}

export interface OpcodeInfo {
  readonly name: string;
  readonly operands: readonly Operand[];
  readonly sentence: string;
  /** Ints that the instruction takes, opcode included. */
  readonly length: number;
}

/** By opcode number. */
export const OPCODES: readonly OpcodeInfo[] = OPCODE_TABLE.map(([name, text, sentence]) => {
  const operands =
    text === '' ? [] : text.split(' ').map((o) => ({ name: o.slice(0, o.indexOf(':')), type: o.slice(o.indexOf(':') + 1) as OperandType }));
  return { name, operands, sentence, length: operands.length + 1 };
});
