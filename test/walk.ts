// Walks through a replay and compares what it shows at a position whenever it comes there: forwards, backwards and by jumps. The first visit
// of a position is by walking forward; every later one must show the same frames and variables. Used by walk.test.ts and walk-fixtures.ts.
import { createHash } from 'node:crypto';
import { isEnd, NotReached, type End, type Recording, type Replay, type ReplayOptions, type Stop } from '../interpreter/replay/index.js';

export interface WalkOptions {
  /** Statements walked in the first stretch; each later stretch is half as long. */
  steps: number;
  /** Stretches that begin somewhere in the recording. */
  stretches: number;
  jumps: number;
  seed: number;
  checkpoints: NonNullable<ReplayOptions['checkpoints']>;
}

export interface Walk {
  /** Positions that were visited once at least, and visits that were compared with the first. */
  positions: number;
  compared: number;
  /** How each comparison that failed differs; empty if the walk is as it must be. */
  differences: string[];
}

/** Whole numbers below `below`, always the same for a seed. */
export function chance(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

/** Everything that can be seen without running the program's code. */
export async function view(replay: Replay, at: Stop): Promise<string> {
  const lines: string[] = [];
  const frames = await replay.frames();
  for (let i = 0; i < Math.min(frames.length, 12); i++) {
    const frame = frames[i]!;
    lines.push(`${frame.function} ${frame.file}:${frame.line}:${frame.column}`);
    if (frame.async === true) continue;
    for (const scope of await replay.scopes(i)) lines.push(`  ${scope.kind} ${JSON.stringify(scope.names)}`);
  }
  return [at.position, ...lines].join('\n');
}

export async function walk(recording: Recording, options: WalkOptions): Promise<Walk> {
  const replay = await recording.replay({ checkpoints: options.checkpoints });
  const walker = new Walker(replay);
  try {
    await walker.forward(await replay.start(), options.steps);
    await walker.back();
    const random = chance(options.seed);
    const turns = recording.turns(replay.thread);
    for (let stretch = 0, tries = 0; stretch < options.stretches && tries < 8 * options.stretches && turns > 1; tries++) {
      const at = await startOf(replay, 1 + random(turns));
      if (at === undefined) continue;
      stretch++;
      await walker.forward(at, options.steps >> 1);
      await walker.back();
    }
    for (let i = 0; i < options.jumps; i++) await walker.jump(random);
  } finally {
    await replay.close();
  }
  return { positions: walker.order.length, compared: walker.compared, differences: walker.differences };
}

/** The first statement of a turn; undefined if none of the program runs in it. */
async function startOf(replay: Replay, turn: number): Promise<Stop | undefined> {
  try {
    const at = await replay.goto(`${replay.thread}:${turn}:1`);
    return isEnd(at) ? undefined : at;
  } catch (error) {
    if (error instanceof NotReached) return undefined;
    throw error;
  }
}

class Walker {
  readonly order: string[] = [];
  compared = 0;
  readonly differences: string[] = [];
  private readonly first = new Map<string, { digest: string; text: string }>();
  private stretch: string[] = [];

  constructor(private readonly replay: Replay) {}

  async forward(from: Stop | End, steps: number): Promise<void> {
    this.stretch = [];
    let at = from;
    for (let i = 0; i < steps && !isEnd(at); i++) {
      await this.visit(at);
      this.stretch.push(at.position);
      at = await this.replay.stepIn();
    }
    if (!isEnd(at)) await this.visit(at);
    else if (this.stretch.length > 0) await this.expect(await this.replay.stepBackIn(), this.stretch.at(-1)!);
  }

  /** To where the stretch began, step by step. */
  async back(): Promise<void> {
    for (let i = this.stretch.length - 1; i >= 0; i--) {
      const wanted = this.stretch[i]!;
      const { current } = this.replay;
      if (current?.position === wanted) continue;
      await this.expect(await this.replay.stepBackIn(), wanted);
    }
  }

  async jump(random: (below: number) => number): Promise<void> {
    // A program with a syntax error has no statement.
    if (this.order.length === 0) return;
    const wanted = this.order[random(this.order.length)]!;
    await this.expect(await this.replay.goto(wanted), wanted);
  }

  private async expect(at: Stop | End, position: string): Promise<void> {
    if (at.position !== position || isEnd(at)) this.differences.push(`arrived at ${at.position} (${at.reason}) instead of ${position}`);
    else await this.visit(at);
  }

  private async visit(at: Stop): Promise<void> {
    const text = await view(this.replay, at);
    const digest = createHash('sha256').update(text).digest('hex');
    const before = this.first.get(at.position);
    if (before === undefined) {
      this.first.set(at.position, { digest, text });
      this.order.push(at.position);
      return;
    }
    this.compared++;
    if (before.digest === digest) return;
    const [old, now] = [before.text.split('\n'), text.split('\n')];
    const line = old.findIndex((one, i) => one !== now[i]);
    this.differences.push(`${at.position} shows\n  - ${old[line]}\n  + ${now[line] ?? '(nothing)'}`);
  }
}
