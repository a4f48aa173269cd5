/**
 * Every hit of some places in one run from the program's start, without stopping: what `Replay.hits` hands on.
 *
 * Invariant: at most about WAITING hits wait for the caller; while he takes his time the replayer stands still.
 */
import type { BreakpointSpec, HitInfo, ReplayerEvent } from '../replayer/protocol';
import { failed, ReplayerProcess } from './replayer-process';

/** Hits that may wait for the caller before the replayer has to. */
const WAITING = 4000;

export interface HitSearch {
  /** Starts a replayer that tells its events. */
  start: (onEvent: (event: ReplayerEvent) => void) => ReplayerProcess;
  /** The places, each with `log`. */
  places: readonly BreakpointSpec[];
  onTurn?: ((turn: number) => void) | undefined;
  onProgress?: ((progress: { turn: number; step: number }) => void) | undefined;
  /** Ends the search. */
  signal?: AbortSignal | undefined;
}

/** Blocks of hits, in order, until the program ends. Throws Divergence, ReplayerFailed. */
export async function* findHits({ start, places, onTurn, onProgress, signal }: HitSearch): AsyncGenerator<readonly HitInfo[]> {
  let blocks: HitInfo[][] = [];
  let waiting = 0;
  let ended = false;
  let over = false;
  let fault: unknown;
  let wake = (): void => undefined;
  const replayer = start((event) => {
    if (event.kind === 'turn' || event.kind === 'progress') {
      onTurn?.(event.turn);
      onProgress?.({ turn: event.turn, step: event.kind === 'turn' ? 0 : event.step });
    } else if (event.kind === 'ended') ended = true;
    else if (event.kind === 'hits') {
      blocks.push(event.hits);
      waiting += event.hits.length;
      if (waiting >= WAITING) replayer.hold();
      wake();
    }
  });
  const finish = (): void => {
    over = true;
    wake();
  };
  const run = async (): Promise<void> => {
    const ready = await replayer.request({ do: 'breakpoints', set: [...places] });
    const exit = ready.kind === 'exit' ? ready : await replayer.request({ do: 'run', goals: [] });
    if (!ended && exit.kind === 'exit') throw failed(replayer, exit);
  };
  signal?.addEventListener('abort', finish);
  void run()
    .catch((error: unknown) => (fault = error))
    .finally(finish);
  try {
    for (;;) {
      if (signal?.aborted) return;
      const ready = blocks;
      if (ready.length > 0) {
        blocks = [];
        for (const block of ready) {
          yield block;
          waiting -= block.length;
        }
        replayer.release();
      } else if (over) {
        if (fault !== undefined) throw fault;
        return;
      } else {
        await new Promise<void>((resolve) => (wake = resolve));
      }
    }
  } finally {
    signal?.removeEventListener('abort', finish);
    await replayer.kill();
  }
}
