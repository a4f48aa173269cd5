// A code block as text: one instruction a line, with source lines where statements begin. For people, golden tests and bug reports.
import { HANDLER_SIZE, HandlerKind, positionOf, type CodeBlock } from './code-block';
import { OPCODES } from './operands';

function constantText(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'object' && value !== null) {
    if ('keys' in value && Array.isArray(value.keys)) return `{${value.keys.join(', ')}}`;
    return '<data>';
  }
  return String(value);
}

/** Text of a block and, if they have been compiled, of the blocks nested in it. */
export function disassemble(block: CodeBlock): string {
  const code = block.code;
  const title = `${block.name || '<anonymous>'} (${block.registerCount} registers, ${block.paramCount} parameters)`;
  if (code === null) return `${title}: not compiled\n`;
  const lines: string[] = [title];
  const targets = new Set<number>();
  for (let pc = 0; pc < code.length;) {
    const info = OPCODES[code[pc] as number];
    if (!info) break;
    info.operands.forEach((o, i) => {
      if (o.type === 'target') targets.add(code[pc + 1 + i] as number);
    });
    pc += info.length;
  }
  for (let i = 0; i < block.handlers.length; i += HANDLER_SIZE) targets.add(block.handlers[i + 2] as number);
  for (let pc = 0; pc < code.length;) {
    const info = OPCODES[code[pc] as number];
    if (!info) {
      lines.push(`  ${pc}  ??? ${code[pc]}`);
      break;
    }
    const operands = info.operands.map((o, i) => {
      const v = code[pc + 1 + i] as number;
      switch (o.type) {
        case 'def':
        case 'reg':
        case 'args':
          return `r${v}`;
        case 'const':
        case 'shape':
          return constantText(block.constants[v]);
        case 'code':
          return `#${v} ${block.nested[v]?.name || '<anonymous>'}`;
        case 'target':
          return `@${v}`;
        case 'stmt': {
          const start = block.file.statements[v * 2];
          if (start === undefined) return `s${v}`;
          const { line, column } = positionOf(block.file, start);
          return `s${v} (${line}:${column})`;
        }
        default:
          return String(v);
      }
    });
    lines.push(`${targets.has(pc) ? '>' : ' '} ${String(pc).padStart(4)}  ${info.name.padEnd(16)} ${operands.join(', ')}`.trimEnd());
    pc += info.length;
  }
  for (let i = 0; i < block.handlers.length; i += HANDLER_SIZE) {
    const h = block.handlers;
    const kind = h[i + 3] === HandlerKind.Finally ? `finally r${h[i + 4]} r${h[i + 5]}` : `catch r${h[i + 5]}`;
    lines.push(`  handler ${h[i]}..${h[i + 1]} -> @${h[i + 2]} ${kind}`);
  }
  let text = lines.join('\n') + '\n';
  for (const nested of block.nested) if (nested.code !== null) text += '\n' + disassemble(nested);
  return text;
}
