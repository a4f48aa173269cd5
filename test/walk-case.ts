// One fixture case, recorded and walked through in every way. Used by walk.test.ts and walk-fixtures.ts.
import fs from 'node:fs';
import { open } from '../interpreter/replay/index.js';
import { compareCommands } from './commands.js';
import type { Fixture, FixtureCase } from './fixture.js';
import type { NodeUnderTest } from './nodes.js';
import { walk, type Walk } from './walk.js';
import { Workbench } from './workbench.js';

export interface WalkCaseOptions {
  steps: number;
  seed: number;
}

export async function walkCase(fixture: Fixture, one: FixtureCase, node: NodeUnderTest, { steps, seed }: WalkCaseOptions): Promise<Walk> {
  const bench = new Workbench(fixture, one, node);
  try {
    const outcome = await bench.record();
    const total: Walk = { positions: 0, compared: 0, differences: [] };
    if (!fs.existsSync(bench.recording)) {
      total.differences.push(`nothing was recorded: ${outcome.stderr.toString()}`);
      return total;
    }
    bench.moveAway();
    const recording = await open(bench.copy);
    const add = (name: string, { positions, compared, differences }: Walk): void => {
      total.positions += positions;
      total.compared += compared;
      total.differences.push(...differences.map((text) => `${name}: ${text}`));
    };
    add('dense', await walk(recording, { steps, stretches: 2, jumps: steps >> 1, seed, checkpoints: 'dense' }));
    add('auto', await walk(recording, { steps, stretches: 2, jumps: steps >> 1, seed, checkpoints: 'auto' }));
    // each step back runs the program again from its start
    add('off', await walk(recording, { steps: Math.min(steps, 6), stretches: 0, jumps: 3, seed, checkpoints: 'off' }));
    add('commands', await compareCommands(recording, { commands: Math.min(steps >> 1, 30), seed }));
    return total;
  } finally {
    await bench.dispose();
  }
}
