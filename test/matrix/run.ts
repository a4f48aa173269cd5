// Runs one row on one Node version: recorded, then replayed natively and in the VM from a copy of the recording, the program, its packages,
// its servers and the network gone. Called by the command and by the test of the quick part.
import path from 'node:path';
import { assertSameRun, assertExpected, ending } from '../compare.js';
import fs from 'node:fs';
import { missing } from '../databases.js';
import type { NodeUnderTest } from '../nodes.js';
import { Workbench } from '../workbench.js';
import { install, majorOf } from './install.js';
import { fixtureOf, type Row } from './row.js';

export type Column = 'recorded' | 'native' | 'vm';
export const columns: readonly Column[] = ['recorded', 'native', 'vm'];

/** What came of a row on a Node version: for each column `true`, or what went wrong. */
export interface Result {
  version: string;
  /** Why it was not run. */
  skipped?: string;
  columns: Partial<Record<Column, true | string>>;
}

export async function runRow(row: Row, node: NodeUnderTest, engines: readonly ('native' | 'vm')[] = ['native', 'vm']): Promise<Result> {
  const skipped = row.never[majorOf(node)] ?? missing(row.description.needs ?? []);
  if (skipped) return { version: '', skipped, columns: {} };
  const { directory, version } = install(row, node);
  const result: Result = { version, columns: {} };
  const fixture = fixtureOf(row, directory);
  for (const one of fixture.cases) {
    // A column is green when it is in every case.
    const attempt = async (column: Column, run: () => Promise<void>) => {
      try {
        await run();
        result.columns[column] ??= true;
      } catch (error) {
        const where = fixture.cases.length > 1 ? `${one.name}: ` : '';
        if (typeof result.columns[column] !== 'string') result.columns[column] = where + (error as Error).message;
        return false;
      }
      return true;
    };
    const bench = new Workbench(fixture, one, node);
    try {
      const plain = one.deterministic ? await bench.runPlainly() : undefined;
      let recorded = plain;
      const ran = await attempt('recorded', async () => {
        recorded = await bench.record();
        const wanted = one.endsBySignal ?? `exit code ${one.exitCode ?? 0}`;
        if (ending(recorded) !== wanted) {
          const said = plain && ending(plain) === ending(recorded) ? ', which it does unrecorded too' : '';
          throw new Error(`ended by ${ending(recorded)} instead of ${wanted}${said}\n${recorded.stdout}\n${recorded.stderr}`);
        }
        if (plain) assertSameRun(recorded, plain, 'recorded run');
        if (one.stdout) {
          const expectation = fs.readFileSync(path.join(directory, one.stdout), 'utf8');
          assertExpected(recorded.stdout.toString(), expectation, one.anyOrder ?? false);
        }
      });
      if (!recorded || !fs.existsSync(bench.recording)) continue;
      const wanted = recorded;
      if (!ran && ending(wanted) !== `exit code ${one.exitCode ?? 0}`) continue;
      bench.moveAway();
      for (const engine of engines) {
        await attempt(engine, async () =>
          assertSameRun(await bench.replay(engine), wanted, engine === 'vm' ? 'replay in the VM' : 'native replay'),
        );
      }
    } finally {
      await bench.dispose();
    }
  }
  return result;
}
