// Writes what is derived from the opcode table: interpreter/bytecode/opcodes.generated.ts and docs/OPCODES.md.
// Run after a build; with --check it compares with the committed files and fails when they are stale.
import { readFileSync, writeFileSync, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { dirname, join } from 'node:path';
import { spawnSync } from 'node:child_process';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const { OPCODE_TABLE } = require(join(root, 'dist/interpreter/bytecode/opcodes.js'));

const rows = OPCODE_TABLE.map(([name, operands, sentence]) => ({
  name,
  sentence,
  operands: operands === '' ? [] : operands.split(' ').map((text) => ({ name: text.split(':')[0], type: text.split(':')[1] })),
}));

let source = '// Generated from opcodes.ts by scripts/generate-opcodes.mjs; do not edit.\n\nexport const enum Op {\n';
rows.forEach((row, index) => (source += `  /** ${row.sentence} */\n  ${row.name} = ${index},\n`));
source += '}\n\n/** Instruction length in ints, opcode included, by opcode. */\nexport const OP_LENGTH: readonly number[] = [\n';
for (const row of rows) source += `  ${row.operands.length + 1}, // ${row.name}\n`;
source += '];\n';

let docs = '# Opcodes\n\nGenerated from `interpreter/bytecode/opcodes.ts`, where the operand types are explained.\n\n';
docs += '| # | name | operands | |\n| --- | --- | --- | --- |\n';
const escape = (text) => text.replace(/\|/g, '\\|').replace(/_/g, '\\_').replace(/\*\*/g, '\\*\\*');
rows.forEach((row, index) => {
  docs += `| ${index} | ${row.name} | ${row.operands.map((o) => `${o.name}:${o.type}`).join(' ')} | ${escape(row.sentence)} |\n`;
});

const prettier = join(root, 'node_modules/prettier/bin/prettier.cjs');
const format = (file, text) => {
  const result = spawnSync(process.execPath, [prettier, '--stdin-filepath', file], { input: text, encoding: 'utf8', cwd: root });
  if (result.status !== 0) throw new Error(`prettier: ${result.stderr}`);
  return result.stdout;
};

let stale = false;
for (const [name, text] of [
  ['interpreter/bytecode/opcodes.generated.ts', source],
  ['docs/OPCODES.md', docs],
]) {
  const file = join(root, name);
  const wanted = format(file, text);
  const current = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (current === wanted) continue;
  if (process.argv.includes('--check')) {
    console.error(`${name} is stale: run node scripts/generate-opcodes.mjs`);
    stale = true;
  } else {
    writeFileSync(file, wanted);
  }
}
process.exit(stale ? 1 : 0);
