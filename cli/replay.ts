/** `retrace replay`: the recorded run once more, to this process's stdout and stderr. */
import { Divergence, type Engine } from '../interpreter/replay';
import { DIVERGED } from './failure';
import { leaveAs } from './leave';
import { openProcess, type ProcessFlags } from './process';
import { Progress } from './progress';

export interface ReplayFlags extends ProcessFlags {
  engine: Engine;
}

export async function replayRecording(folder: string, flags: ReplayFlags): Promise<void> {
  const recording = await openProcess(folder, flags);
  const progress = new Progress(() => recording.turns());
  try {
    const { exitCode, signal } = await recording.run({
      engine: flags.engine,
      children: flags.process === undefined,
      onTurn: (turn) => progress.at(turn),
    });
    progress.done();
    leaveAs(exitCode, signal);
  } catch (error) {
    if (!(error instanceof Divergence)) throw error;
    // The replayer shares our stderr and has written the report there.
    process.exitCode = DIVERGED;
  } finally {
    progress.done();
  }
}
