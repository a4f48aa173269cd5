// Random commands given to two replays of one recording: one with checkpoints, one that runs the program again from its start for every movement
// backwards. Both must stop at the same places and show the same. Used by walk-case.ts.
import { isEnd, type End, type Recording, type Replay, type Stop } from '../interpreter/replay/index.js';
import { chance, view, type Walk } from './walk.js';

interface Command {
  readonly name: string;
  readonly run: (replay: Replay) => Promise<unknown>;
}

const EXPRESSIONS = ['this', 'typeof require', '1 + 1', 'Object.keys(globalThis).length', 'nothingOfThatName', '[3, 1, 2].sort()'];

/** A movement or a question; `places` are positions and lines that were seen. */
function draw(random: (below: number) => number, positions: readonly string[], lines: readonly string[]): Command {
  const line = lines[random(lines.length)]!;
  const commands: Command[] = [
    { name: 'stepIn', run: (r) => r.stepIn() },
    { name: 'stepIn', run: (r) => r.stepIn() },
    { name: 'stepOver', run: (r) => r.stepOver() },
    { name: 'stepOver', run: (r) => r.stepOver() },
    { name: 'stepOut', run: (r) => r.stepOut() },
    { name: 'stepBack', run: (r) => r.stepBack() },
    { name: 'stepBack', run: (r) => r.stepBack() },
    { name: 'stepBackIn', run: (r) => r.stepBackIn() },
    { name: 'stepBackOut', run: (r) => r.stepBackOut() },
    { name: `goto ${positions.at(-1)}`, run: (r) => r.goto(positions.at(-1)!) },
    { name: `break ${line}`, run: (r) => r.setBreakpoints([line]) },
    { name: 'no breakpoints', run: (r) => r.setBreakpoints([]) },
    { name: 'continue', run: (r) => r.continue() },
    { name: 'reverseContinue', run: (r) => r.reverseContinue() },
    { name: `runTo ${line}`, run: (r) => r.runTo(line) },
    { name: `runTo ${line}, hit 1`, run: (r) => r.runTo(line, { hit: 1 }) },
    ...EXPRESSIONS.map((text) => ({ name: `evaluate ${text}`, run: (r: Replay) => r.evaluate(text) })),
  ];
  const command = commands[random(commands.length)]!;
  if (!command.name.startsWith('goto')) return command;
  const position = positions[random(positions.length)]!;
  return { name: `goto ${position}`, run: (r) => r.goto(position) };
}

export async function compareCommands(recording: Recording, options: { commands: number; seed: number }): Promise<Walk> {
  const replays = [await recording.replay({ checkpoints: 'auto' }), await recording.replay({ checkpoints: 'off' })];
  const walk: Walk = { positions: 0, compared: 0, differences: [] };
  try {
    const [first] = await Promise.all(replays.map((replay) => replay.start()));
    const random = chance(options.seed);
    const positions = [first!.position];
    const lines: string[] = [];
    const note = (at: Stop | End): void => {
      positions.push(at.position);
      if (!isEnd(at)) lines.push(`${at.file}:${at.line}`);
    };
    note(first!);
    if (lines.length === 0) return walk;
    const history: string[] = [];
    for (let i = 0; i < options.commands; i++) {
      const command = draw(random, positions, lines);
      history.push(command.name);
      const [now, oracle] = await Promise.all(replays.map((replay) => outcome(replay, command)));
      walk.compared++;
      if (now !== oracle) {
        walk.differences.push(`after ${history.join(', ')}:\n  - ${oracle}\n  + ${now}`);
        break;
      }
      const { current } = replays[0]!;
      if (current) note(current);
    }
    walk.positions = new Set(positions).size;
    return walk;
  } finally {
    await Promise.all(replays.map((replay) => replay.close()));
  }
}

/** What the command answered and what can be seen after it. */
async function outcome(replay: Replay, command: Command): Promise<string> {
  let said: unknown;
  try {
    said = await command.run(replay);
  } catch (error) {
    said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
  const { current } = replay;
  return `${JSON.stringify(said)}\n${current && !isEnd(current) ? await view(replay, current) : ''}`;
}
