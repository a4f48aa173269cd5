/** `retrace log`: expressions at every hit of a line, as if somebody had logged them at the time. */
import { paint, placeText, printable } from './print';
import { openProcess, type ProcessFlags } from './process';
import { Progress } from './progress';

export async function logHits(
  folder: string,
  location: string,
  expressions: string[],
  flags: ProcessFlags & { json?: boolean },
): Promise<void> {
  const recording = await openProcess(folder, flags);
  const progress = new Progress(() => recording.turns());
  const replay = await recording.replay({ onTurn: (turn) => progress.at(turn) });
  try {
    for await (const hit of replay.hits(location, expressions)) {
      progress.done();
      const values = hit.evaluations.map(({ expression, preview }) => printable(`${expression} = ${preview}`)).join('  ');
      const line = flags.json ? JSON.stringify(hit) : `${paint(hit.position.padEnd(14), 'grey')} ${placeText(hit)}  ${values}`;
      process.stdout.write(`${line}\n`);
    }
  } finally {
    progress.done();
    await replay.close();
  }
}
