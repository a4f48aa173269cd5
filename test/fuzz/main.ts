/**
 * `npm run fuzz -- [--seconds 600] [--seed N] [--programs N] [--jobs N] [--texts names|messages|stacks] [--save FOLDER]`: random programs in V8 and in the VM until the time
 * is over; each kind of difference is shrunk and printed once, and kept in FOLDER. Exits with 1 if there was one.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Engines, type Difference } from './engines';
import { generate, type Program } from './generate';
import type { Texts } from './show';
import { shrink } from './shrink';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    seed: { type: 'string' },
    programs: { type: 'string', default: 'Infinity' },
    jobs: { type: 'string', default: '1' },
    texts: { type: 'string', default: 'stacks' },
    save: { type: 'string' },
    'no-shrink': { type: 'boolean', default: false },
  },
});

/** What shrinking may still take when the time is over, in milliseconds. */
const SHRINK_AFTER = 60_000;
const until = Date.now() + Number(values.seconds) * 1000;
const first = values.seed === undefined ? Date.now() % 1_000_000_000 : Number(values.seed);
const last = first + Number(values.programs);
let next = first;
let ran = 0;
const found = new Map<string, number>();

function tell(seed: number, program: Program, difference: Difference): void {
  const { v8, vm } = difference;
  const text = [
    `// seed ${seed}, ${program.goal}`,
    program.source,
    '',
    ...v8.map((line) => `// v8: ${line}`),
    ...vm.map((line) => `// vm: ${line}`),
  ]
    .join('\n')
    .replace(/\n {4}at /g, '\n//       at ');
  console.log(`--- ${text}\n`);
  if (values.save === undefined) return;
  mkdirSync(values.save, { recursive: true });
  writeFileSync(path.join(values.save, `${seed}.js`), `${text}\n`);
}

async function job(): Promise<void> {
  const engines = new Engines(values.texts as Texts);
  while (Date.now() < until && next < last) {
    const seed = next++;
    const program = generate(seed);
    const difference = await engines.compare(program.source, program.goal);
    ran++;
    if (difference === undefined) continue;
    const times = (found.get(difference.signature) ?? 0) + 1;
    found.set(difference.signature, times);
    if (times > 1) continue;
    if (values['no-shrink']) tell(seed, program, difference);
    else {
      const small = await shrink(engines, program, difference, until + SHRINK_AFTER);
      tell(seed, small.program, small.difference);
    }
  }
  await engines.close();
}

async function main(): Promise<void> {
  await Promise.all(Array.from({ length: Number(values.jobs) }, job));
  console.log(`${ran} programs from seed ${first} on, ${found.size} kinds of differences`);
  for (const [signature, times] of found) console.log(`${times} x ${signature}`);
  process.exitCode = found.size > 0 ? 1 : 0;
}

void main();
