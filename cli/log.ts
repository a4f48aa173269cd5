/**
 * `retrace log`: expressions at every hit of a line or function, as if somebody had logged them at the time.
 *
 * Lines are written in blocks, and no faster than the reader takes them. Ctrl-C ends the search and says how far it came.
 */
import { once } from 'node:events';
import { hitText } from './print';
import { openProcess, type ProcessFlags } from './process';
import { checkpointsWanted } from './checkpoints';
import { Progress } from './progress';
import type { Hit } from '../interpreter/replay';

export interface LogFlags extends ProcessFlags {
  json?: boolean;
  limit?: number;
}

/** Units of text that are written at once. */
const BLOCK = 32_768;
/** The shell's code for a command that Ctrl-C ended. */
const INTERRUPTED = 130;

export async function logHits(folder: string, location: string, expressions: string[], flags: LogFlags): Promise<void> {
  const recording = await openProcess(folder, flags);
  const progress = new Progress(() => recording.turns(), false, 'looking');
  const replay = await recording.replay({
    onProgress: ({ turn, step }) => progress.at(turn, step),
    ...checkpointsWanted(),
  });
  const search = new AbortController();
  const stop = (): void => search.abort();
  process.once('SIGINT', stop);
  const lines = new Lines(progress);
  const options = { signal: search.signal, ...(flags.limit === undefined ? {} : { limit: flags.limit }) };
  let last: Hit | undefined;
  try {
    for await (const hit of replay.hits(location, expressions, options)) {
      last = hit;
      await lines.write(flags.json ? JSON.stringify(hit) : hitText(hit));
    }
  } finally {
    await lines.flush();
    progress.done();
    process.removeListener('SIGINT', stop);
    await replay.close();
  }
  if (!search.signal.aborted) return;
  process.stderr.write(last ? `Stopped after hit ${last.hit} at ${last.position}.\n` : 'Stopped before the first hit.\n');
  process.exitCode = INTERRUPTED;
}

class Lines {
  private text = '';
  private soon: NodeJS.Immediate | undefined;
  private drained: Promise<unknown> | undefined;

  constructor(private readonly progress: Progress) {}

  /** Waits while the reader is behind. */
  async write(line: string): Promise<void> {
    this.text += `${line}\n`;
    // as soon as the search has nothing at hand, what there is is shown
    this.soon ??= setImmediate(() => void this.flush());
    if (this.text.length >= BLOCK) await this.flush();
  }

  async flush(): Promise<void> {
    clearImmediate(this.soon);
    this.soon = undefined;
    if (this.text === '') return;
    const { text } = this;
    this.text = '';
    this.progress.done();
    // one wait for all who write meanwhile
    if (!process.stdout.write(text)) this.drained ??= once(process.stdout, 'drain').finally(() => (this.drained = undefined));
    await this.drained;
  }
}
