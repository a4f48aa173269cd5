// Checks a code block against the opcode table: called by tests, and by whoever reads code that it did not just compile.
// Invariant: a block that passes cannot make the run loop read outside its registers, constants, nested blocks or code.
import { HANDLER_SIZE, type CodeBlock } from './code-block';
import { OPCODES } from './operands';

/** What is wrong with a block, one line each; empty if it is sound. */
export function verify(block: CodeBlock): string[] {
  const problems: string[] = [];
  const code = block.code;
  if (code === null) return ['the block is not compiled'];
  const starts = new Set<number>();
  for (let pc = 0; pc < code.length;) {
    const info = OPCODES[code[pc] as number];
    if (!info) return [`${pc}: no opcode ${code[pc]}`];
    if (pc + info.length > code.length) return [`${pc}: ${info.name} is cut off`];
    starts.add(pc);
    pc += info.length;
  }
  const register = (pc: number, r: number): void => {
    if (r < 0 || r >= block.registerCount) problems.push(`${pc}: register ${r} of ${block.registerCount}`);
  };
  const target = (pc: number, t: number): void => {
    if (!starts.has(t)) problems.push(`${pc}: ${t} is not the start of an instruction`);
  };
  for (const pc of starts) {
    const info = OPCODES[code[pc] as number] as (typeof OPCODES)[number];
    info.operands.forEach((operand, i) => {
      const v = code[pc + 1 + i] as number;
      switch (operand.type) {
        case 'def':
        case 'reg':
          register(pc, v);
          break;
        case 'const':
        case 'shape':
          if (v < 0 || v >= block.constants.length) problems.push(`${pc}: constant ${v} of ${block.constants.length}`);
          break;
        case 'code':
          if (v < 0 || v >= block.nested.length) problems.push(`${pc}: nested block ${v} of ${block.nested.length}`);
          break;
        case 'target':
          target(pc, v);
          break;
        case 'hops':
          if (v < 0) problems.push(`${pc}: ${v} hops`);
          break;
        case 'slot':
          if (v < 1) problems.push(`${pc}: slot ${v}`);
          break;
        case 'argc': {
          const first = code[pc + i] as number;
          if (v > 0) {
            register(pc, first);
            register(pc, first + v - 1);
          }
          break;
        }
        case 'stmt':
          if (v < 0 || v * 2 >= block.file.statements.length) problems.push(`${pc}: statement ${v}`);
          break;
        case 'counter':
          if (v * 2 < block.file.statements.length || v >= block.file.marks.length) problems.push(`${pc}: counter ${v}`);
          break;
      }
    });
  }
  const handlers = block.handlers;
  for (let i = 0; i < handlers.length; i += HANDLER_SIZE) {
    const [start, end, to] = [handlers[i] as number, handlers[i + 1] as number, handlers[i + 2] as number];
    if (start >= end) problems.push(`handler ${i / HANDLER_SIZE}: empty range ${start}..${end}`);
    target(i, to);
    if ((handlers[i + 4] as number) >= 0) register(i, handlers[i + 4] as number);
    register(i, handlers[i + 5] as number);
  }
  const last = [...starts].at(-1);
  const ending = last === undefined ? undefined : OPCODES[code[last] as number]?.name;
  if (!ending || !/^(Return|ReturnUndefined|Jump|Throw|Rethrow|ThrowError)$/.test(ending))
    problems.push(`the code runs off its end after ${ending ?? 'nothing'}`);
  return problems;
}
