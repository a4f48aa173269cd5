// One measurement of time travel: `time-travel-process.js WHAT RECORDING [...]` prints what it found as JSON. Leads a process group of its own, so that
// what replayers and their copies take can be told.
import { open, isEnd, type Replay } from '../interpreter/replay';
import { Branches } from '../interpreter/replay/branches';
import type { ReplayerLink } from '../interpreter/replay/replayer-link';
import { cost, memoryOf, population, type Cost } from './processor-time.js';

/** Steps back in a row, after the first. */
const MORE_STEPS = 4;

export interface StepsFound {
  statements: number;
  /** To a random position; back from there; and on from there. */
  jumps: Cost[];
  steps: Cost[];
  more: Cost[];
  /** At the end of it all. */
  processes: number;
  bytes: number;
}

export interface StretchesFound {
  /** reverseContinue over a stretch, last stretch first. */
  back: Cost[];
  /** continue over the same ones. */
  forward: Cost[];
  /** Statements of each. */
  lengths: number[];
}

export interface ForksFound {
  costs: Cost[];
  /** Of the process that was copied. */
  bytes: number;
}

const [, , what, folder, ...words] = process.argv;

async function main(): Promise<unknown> {
  switch (what) {
    case 'steps':
      return steps(Number(words[0]), Number(words[1]));
    case 'stretches':
      return stretches(words[0]!, Number(words[1]));
    case 'stop':
      return cost(async () => {
        const replay = await (await open(folder!)).replay();
        await replay.runTo(words[0]!, { hit: 1 });
      }, true);
    case 'run':
      return cost(async () => (await open(folder!)).begin({}, () => undefined).exited);
    case 'forks':
      return forks(Number(words[0]));
    default:
      throw new Error(`nobody measures ${what}`);
  }
}

/** Numbers that are the same in every run. */
function lots(limit: number): () => number {
  let seed = 42;
  return () => {
    seed = (seed * 16807) % 2147483647;
    return (seed % limit) + 1;
  };
}

/** turns: random turns of a program that has many; 0: random statements of its main script. */
async function steps(count: number, turns: number): Promise<StepsFound> {
  const replay = await (await open(folder!)).replay();
  const last = await lastStatement(replay);
  const next = lots(turns || last);
  const found: StepsFound = { statements: last, jumps: [], steps: [], more: [], processes: 0, bytes: 0 };
  for (let i = 0; i < count; i++) {
    const position = turns ? `main:${next()}:5` : `main:0:${next()}`;
    found.jumps.push(await cost(() => replay.goto(position)));
    found.steps.push(await cost(() => replay.stepBack()));
    for (let j = 0; j < MORE_STEPS; j++) found.more.push(await cost(() => replay.stepBack()));
  }
  Object.assign(found, population());
  return found;
}

/** Statements of the main script. */
async function lastStatement(replay: Replay): Promise<number> {
  const end = await replay.continue();
  if (!isEnd(end)) throw new Error('the program has a breakpoint');
  const stop = await replay.stepBackIn();
  return Number(stop.position.split(':')[2]);
}

async function stretches(location: string, count: number): Promise<StretchesFound> {
  const replay = await (await open(folder!)).replay();
  await replay.setBreakpoints([location]);
  const found: StretchesFound = { back: [], forward: [], lengths: [] };
  for (let i = 0; i <= count; i++) await replay.continue();
  const at = (): number => Number(replay.current!.position.split(':')[2]);
  for (let i = 0; i < count; i++) {
    const from = at();
    found.back.push(await cost(() => replay.reverseContinue(), true));
    found.lengths.push(from - at());
  }
  for (let i = 0; i < count; i++) found.forward.unshift(await cost(() => replay.continue(), true));
  return found;
}

/** A checkpoint: from the request to the moment at which the copy has said that it is there. The program stands where it first writes something. */
async function forks(count: number): Promise<ForksFound> {
  const replay = await (await open(folder!)).replay();
  const { command, orders } = replay['setup'];
  const branches = new Branches({ command, orders, copies: true, onEvent: () => undefined, onLaid: () => undefined });
  const link = await branches.begin();
  await link.request({ do: 'run', goals: [{ kind: 'output' }] });
  const costs: Cost[] = [];
  for (let i = 0; i < count; i++) {
    let copy: ReplayerLink | undefined;
    costs.push(await cost(async () => void (copy = await branches.copy(link))));
    await copy?.kill();
  }
  return { costs, bytes: link.pid === undefined ? 0 : memoryOf(link.pid) };
}

main().then(
  (found) => {
    // replayers end with their controller
    process.stdout.write(`${JSON.stringify(found)}\n`, () => process.exit(0));
  },
  (error: Error) => {
    console.error(error);
    process.exit(1);
  },
);
