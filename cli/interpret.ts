/**
 * `retrace interpret`: stops at a place and shows it; on a terminal, opens the prompt there.
 *
 * With --json exactly one JSON document goes to stdout. The program's own output is shown at the prompt only.
 */
import { type Replay, type Stop, type End } from '../interpreter/replay';
import { stopText } from './print';
import { openProcess, type ProcessFlags } from './process';
import { Progress } from './progress';
import { Prompt } from './prompt';

export interface InterpretFlags extends ProcessFlags {
  stopAt?: string;
  hit?: number;
  eval: string[];
  json?: boolean;
  interactive?: boolean;
}

export async function interpret(folder: string, flags: InterpretFlags): Promise<void> {
  const recording = await openProcess(folder, flags);
  const interactive = !flags.json && (flags.interactive === true || (process.stdin.isTTY === true && process.stdout.isTTY === true));
  const progress = new Progress(() => recording.turns(), false);
  const replay = await recording.replay({
    onTurn: (turn) => progress.at(turn),
    ...(interactive ? { onOutput: ({ stream, bytes }) => void process[stream].write(bytes) } : {}),
  });
  try {
    const stop = await firstStop(replay, flags).finally(() => progress.done());
    for (const expression of flags.eval) stop.evaluations.push(await replay.evaluate(expression));
    if (flags.json) process.stdout.write(`${JSON.stringify(stop, null, 2)}\n`);
    else process.stdout.write(`${stopText(recording, stop)}\n`);
    if (interactive) await new Prompt(recording, replay, progress).run();
  } finally {
    await replay.close();
  }
}

function firstStop(replay: Replay, flags: InterpretFlags): Promise<Stop | End> {
  if (flags.stopAt === undefined) return replay.crash();
  return replay.runTo(flags.stopAt, flags.hit === undefined ? { hit: 1 } : { hit: flags.hit });
}
