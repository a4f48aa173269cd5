// Time travel in a recording of 50 million statements and in one of 10,000 turns: steps back, searches back, the first stop, a checkpoint. Each
// measurement is a process of its own (time-travel-process.ts), which leads a process group. Beside what the clock says stands the processor
// time of all processes together, which others on the machine disturb less.
import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { commandFor, programs } from './places.js';
import type { Cost } from './processor-time.js';
import { interleave, percentile, spread } from './rounds.js';
import type { ForksFound, StepsFound, StretchesFound } from './time-travel-process.js';

interface Middle {
  median: number;
  p99: number;
}

export interface Measure {
  name: string;
  unit: string;
  wall: Middle;
  /** Undefined where processor time says nothing. */
  cpu?: Middle;
  /** What is asked for. */
  wanted: string;
}

const MILLIONS = 50;
const TURNS = 10_000;
const POSITIONS = 100;
/** Millions of statements between the place and the last hit before it. */
const STRETCH = 10;
const MEGABYTES = 100;
const FORKS = 30;

/** size: 1 for the recordings that are asked for, less for smaller ones. */
export async function measureTimeTravel(rounds: number, size: number): Promise<Measure[]> {
  const scaled = (count: number): number => Math.max(1, Math.round(count * size));
  const long = await record('long.js', scaled(MILLIONS), scaled(STRETCH));
  const turns = await record('turns.js', scaled(TURNS));
  const short = await record('long.js', 1, 1);
  const heap = await record('heap.js', MEGABYTES);
  const positions = scaled(POSITIONS);
  const mark = await lineOf('long.js', 'return million;');

  const measures: Measure[] = [];
  for (const [what, folder, entered] of [
    ['long turn', long, 0],
    ['many turns', turns, scaled(TURNS)],
  ] as const) {
    const found = await measured<StepsFound>('steps', folder, positions, entered);
    measures.push(
      millis(`${what}: jump to a random place`, found.jumps, ''),
      millis(`${what}: step back there`, found.steps, '<= 20, 99 % <= 100'),
      millis(`${what}: further steps back`, found.more, ''),
      plain(`${what}: processes in the end`, 'count', found.processes, ''),
      plain(`${what}: their memory`, 'MB', found.bytes / 1e6, '<= 25 % of what is free'),
    );
  }

  const pairs: StretchesFound[] = [];
  for (let round = 0; round < rounds; round++) {
    pairs.push(await measured<StretchesFound>('stretches', long, mark, Math.max(1, Math.ceil(scaled(MILLIONS) / scaled(STRETCH)) - 1)));
  }
  const all = pairs.flatMap(({ back, forward }) => back.map((one, i) => [one, forward[i]!] as const));
  measures.push(
    plain('reverseContinue: statements to the hit', 'millions', spread(pairs.flatMap(({ lengths }) => lengths)).median / 1e6, ''),
    millis(
      'reverseContinue to the hit',
      all.map(([back]) => back),
      '',
    ),
    quotient('reverseContinue / continue over the same', all, '<= 2'),
  );

  const first = await interleave(['stop', 'run'] as const, rounds, (what) =>
    what === 'stop' ? measured<Cost>('stop', long, mark) : measured<Cost>('run', short),
  );
  measures.push(
    millis('first stop, after a million statements', first.stop, ''),
    quotient(
      'first stop / plain replay of as much',
      first.stop.map((one, i) => [one, first.run[i]!] as const),
      '<= 1.5',
    ),
  );

  const forks = await measured<ForksFound>('forks', heap, FORKS);
  measures.push(
    millis(`checkpoint with ${MEGABYTES} MB of heap`, forks.costs, '<= 10'),
    plain('the same: memory of the process', 'MB', forks.bytes / 1e6, ''),
  );
  return measures;
}

/** The location of a statement. */
async function lineOf(program: string, statement: string): Promise<string> {
  const lines = (await readFile(path.join(programs, 'time-travel', program), 'utf8')).split('\n');
  return `${program}:${lines.findIndex((line) => line.includes(statement)) + 1}`;
}

async function record(program: string, ...sizes: number[]): Promise<string> {
  const { words, recording } = commandFor('recorded', [path.join(programs, 'time-travel', program), ...sizes.map(String)]);
  await promisify(execFile)(process.execPath, words);
  return recording;
}

async function measured<T>(...words: (string | number)[]): Promise<T> {
  const script = path.join(__dirname, 'time-travel-process.js');
  const child = spawn(process.execPath, [script, ...words.map(String)], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(await text(child.stdout)) as T;
}

function middle(values: readonly number[]): Middle {
  return { median: spread(values).median, p99: percentile(values, 99) };
}

function millis(name: string, costs: readonly Cost[], wanted: string): Measure {
  return { name, unit: 'ms', wall: middle(costs.map(({ wall }) => wall)), cpu: middle(costs.map(({ cpu }) => cpu)), wanted };
}

function quotient(name: string, pairs: readonly (readonly [Cost, Cost])[], wanted: string): Measure {
  return {
    name,
    unit: 'ratio',
    wall: middle(pairs.map(([one, other]) => one.wall / other.wall)),
    cpu: middle(pairs.map(([one, other]) => one.cpu / other.cpu)),
    wanted,
  };
}

function plain(name: string, unit: string, value: number, wanted: string): Measure {
  return { name, unit, wall: { median: value, p99: value }, wanted };
}
