// What recording costs a single crossing of the boundary, kind by kind.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { commandFor, programs, root, traceBytes } from './places.js';
import { interleave, measureNode, ratios, spread, type Spread } from './rounds.js';

export interface CrossingCost {
  kind: string;
  /** Microseconds of processor time each. */
  plain: Spread;
  recorded: Spread;
  ratio: Spread;
  traceBytes: number;
}

const program = path.join(programs, 'crossings.js');

// Enough of them that what the compiler spends on the recorder's code does not count, few enough for patience.
const FAST = 1_000_000;
const SLOW = 4_000;
const MIDDLING = 100_000;
const fast = /^(no crossing|Date|new Date|Math|performance|process\.hrtime)/;
const middling = /^set(Immediate|Timeout)|^addon: (function|getter|new)/;

export async function measureCrossings(rounds: number): Promise<CrossingCost[]> {
  execFileSync(process.execPath, [path.join(root, 'scripts/build-native.mjs'), '--test']);
  const kinds = await measureNode<string[]>([program]);
  const costs: CrossingCost[] = [];
  for (const kind of kinds) {
    const count = fast.test(kind) ? FAST : middling.test(kind) ? MIDDLING : SLOW;
    let bytes = 0;
    const samples = await interleave(['plain', 'recorded'] as const, rounds, async (variant) => {
      const { words, recording } = commandFor(variant, [program, kind, String(count)]);
      const { micros } = await measureNode<{ micros: number }>(words);
      if (variant === 'recorded') {
        bytes = traceBytes(recording) / (count * 1.2);
        fs.rmSync(recording, { recursive: true, force: true });
      }
      return micros;
    });
    costs.push({
      kind,
      plain: spread(samples.plain),
      recorded: spread(samples.recorded),
      ratio: ratios(samples.recorded, samples.plain),
      traceBytes: bytes,
    });
  }
  return costs;
}
