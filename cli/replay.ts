/** `retrace replay`: the recorded run once more, to this process's stdout and stderr. */
import { Divergence, type Engine, type Recording } from '../interpreter/replay';
import { CANNOT, DIVERGED } from './failure';
import { leaveAs } from './leave';
import { openProcess, type ProcessFlags } from './process';
import { Progress } from './progress';

export interface ReplayFlags extends ProcessFlags {
  engine: Engine;
}

export async function replayRecording(folder: string, flags: ReplayFlags): Promise<void> {
  const recording = await openProcess(folder, flags);
  const progress = new Progress(() => recording.turns());
  const leftOut: Recording[] = [];
  try {
    const { exitCode, signal } = await recording.run({
      engine: flags.engine,
      children: flags.process === undefined,
      onTurn: (turn) => progress.at(turn),
      onLeftOut: (one) => leftOut.push(one),
    });
    progress.done();
    if (leftOut.length > 0) {
      for (const one of leftOut) process.stderr.write(notice(one));
      process.exitCode = CANNOT;
      return;
    }
    leaveAs(exitCode, signal);
  } catch (error) {
    if (!(error instanceof Divergence)) throw error;
    // The replayer shares our stderr and has written the report there.
    process.exitCode = DIVERGED;
  } finally {
    progress.done();
  }
}

/** What is missing, and how to get it. The rest has been replayed, but the whole has not. */
function notice({ number, manifest: { node } }: Recording): string {
  const major = /\d+/.exec(node)![0];
  return `retrace: what process ${number} wrote is left out: it was recorded with Node ${node}, this is ${process.version}. Replay it alone with Node ${major}: retrace replay FOLDER --process ${number}\n`;
}
