// The VM against other ways to run JavaScript, on six small programs. Every measurement is a process of its own (engine-process.ts).
import fs from 'node:fs';
import path from 'node:path';
import { programs } from './places.js';
import { interleave, measureNode, ratios, spread, type Spread } from './rounds.js';

export const engines = ['node', 'vm', 'jitless', 'quickjs'] as const;
export type EngineName = (typeof engines)[number];

export interface EngineTimes {
  program: string;
  /** Milliseconds of processor time a run. */
  millis: Record<EngineName, Spread>;
  /** Times as long as plain node. */
  ratio: Record<EngineName, Spread>;
}

export async function measureEngines(rounds: number): Promise<EngineTimes[]> {
  const directory = path.join(programs, 'engines');
  const times: EngineTimes[] = [];
  for (const file of fs.readdirSync(directory).sort()) {
    const answers = new Set<string>();
    const samples = await interleave(engines, rounds, async (engine) => {
      const flags = ['--single-threaded', ...(engine === 'jitless' ? ['--jitless'] : [])];
      const { millis, answer } = await measureNode<{ millis: number; answer: string }>([
        ...flags,
        path.join(__dirname, 'engine-process.js'),
        engine,
        path.join(directory, file),
      ]);
      answers.add(answer);
      return millis;
    });
    if (answers.size !== 1) throw new Error(`${file}: the engines do not agree: ${[...answers].join(' / ')}`);
    const each = <T>(of: (engine: EngineName) => T) =>
      Object.fromEntries(engines.map((engine) => [engine, of(engine)])) as Record<EngineName, T>;
    times.push({
      program: path.parse(file).name,
      millis: each((engine) => spread(samples[engine])),
      ratio: each((engine) => ratios(samples[engine], samples.node)),
    });
  }
  return times;
}
