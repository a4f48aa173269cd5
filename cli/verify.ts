/** `retrace verify`: replays in every engine, compares, and tells what is known about the first divergence. */
import { type Engine, type EngineResult, type Problem, type VerifyResult } from '../interpreter/replay';
import { DIVERGED } from './failure';
import { printable } from './print';
import { openProcess, type ProcessFlags } from './process';
import { Progress } from './progress';

export interface VerifyFlags extends ProcessFlags {
  json?: boolean;
  engine?: Engine;
  thread?: string;
}

export async function verifyRecording(folder: string, flags: VerifyFlags): Promise<void> {
  const recording = await openProcess(folder, flags);
  const bars = new Map<string, Progress>();
  const progressOf = (number: number, thread: string, engine: Engine): Progress => {
    const what = `verifying ${nameOf(number, thread)}, ${engine}`;
    let bar = bars.get(what);
    if (bar === undefined) bars.set(what, (bar = new Progress(() => recording.process(number).turns(thread), false, what)));
    return bar;
  };
  const result = await recording.verify({
    ...(flags.engine ? { engines: [flags.engine] } : {}),
    ...(flags.thread ? { threads: [flags.thread] } : {}),
    ...(flags.process === undefined ? {} : { alone: true }),
    onProgress: ({ process: number, thread, engine, turn }) => progressOf(number, thread, engine).at(turn),
  });
  for (const bar of bars.values()) bar.done();
  process.stdout.write(flags.json ? `${JSON.stringify(result, null, 2)}\n` : `${textOf(result).map(printable).join('\n')}\n`);
  if (!result.ok) process.exitCode = DIVERGED;
}

function textOf(result: VerifyResult): string[] {
  const lines: string[] = [];
  for (const one of result.engines) {
    lines.push(`${one.ok ? 'ok      ' : 'differs '} ${nameOf(one.process, one.thread)}, ${one.engine.padEnd(6)}  ${summary(one)}`);
    if (one.problem) lines.push(...problemText(one.problem).map((line) => `  ${line}`));
  }
  if (result.node.recorded !== result.node.here)
    lines.push(`Recorded with Node ${result.node.recorded}, replayed with ${result.node.here}.`);
  if (!result.isolated) lines.push('This machine grants no empty network namespace: the replays could have reached the network.');
  return lines;
}

function nameOf(number: number, thread: string): string {
  return number === 0 ? thread : `process ${number} ${thread}`;
}

function summary({ events, of, turns, exitCode, signal, stdout, stderr, seconds }: EngineResult): string {
  const how = signal !== null ? `, ended by ${signal}` : exitCode !== null ? `, exit code ${exitCode}` : '';
  return `${events} of ${of} events, ${turns} turns${how}, ${stdout.bytes} B stdout, ${stderr.bytes} B stderr, ${seconds.toFixed(1)} s`;
}

function problemText(problem: Problem): string[] {
  if (problem.kind !== 'divergence') return [problem.message, `likely: ${problem.category}`];
  const { expected, actual, position, event, stack, recorded, agreed, category, because } = problem;
  return [
    `diverged at ${position}, event ${event}`,
    `expected  ${expected}`,
    ...(recorded
      ? [`          at ${recorded.position} in the engine that agrees${recorded.stack === '' ? ', from the event loop' : ':'}`]
      : []),
    ...(recorded ? stackLines(recorded.stack) : []),
    `actual    ${actual}`,
    ...stackLines(stack),
    'last events that agreed',
    ...agreed.map((line) => `          ${line}`),
    `likely: ${category}, because ${because}`,
  ];
}

function stackLines(stack: string): string[] {
  return stack
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => `          ${line.trim()}`);
}
