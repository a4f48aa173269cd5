// The bytecode's face: opcode table, code block layout, verifier, disassembler.
export { OPCODE_TABLE, type OpcodeRow, type OperandType } from './opcodes';
export { Op, OP_LENGTH } from './opcodes.generated';
export * from './code-block';
export { OPCODES, type OpcodeInfo, type Operand } from './operands';
export { verify } from './verify';
export { disassemble } from './disassemble';
