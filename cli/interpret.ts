/**
 * `retrace interpret`: stops at a place and shows it; then takes commands, from a terminal, from a pipe or from --command.
 *
 * With --json exactly one JSON document goes to stdout. The program's own output is shown between commands only.
 */
import { fstatSync } from 'node:fs';
import { CommanderError } from 'commander';
import type { End, Logged, Replay, Stop } from '../interpreter/replay';
import { CANNOT } from './failure';
import { stopText } from './print';
import { openProcess, type ProcessFlags } from './process';
import { checkpointsWanted } from './checkpoints';
import { Progress } from './progress';
import { Conversation } from './prompt/conversation';
import { Prompt, type PromptOptions } from './prompt/prompt';

export interface InterpretFlags extends ProcessFlags {
  stopAt?: string;
  hit?: number;
  eval: string[];
  command: string[];
  json?: boolean;
  interactive?: boolean;
  strict?: boolean;
  echo?: boolean;
}

export async function interpret(folder: string, flags: InterpretFlags): Promise<void> {
  if (flags.json && (flags.interactive || flags.command.length > 0)) {
    const message = 'retrace: --json prints the stop and takes no commands: leave out --interactive and --command.';
    throw new CommanderError(CANNOT, 'retrace.argument', message);
  }
  const recording = await openProcess(folder, flags);
  const from = commandsFrom(flags);
  const talks = from !== 'nowhere' || flags.command.length > 0;
  const progress = new Progress(() => recording.turns(), false, 'replaying', from === 'terminal' ? '(Ctrl-C stops)' : '');
  let conversation: Conversation | undefined;
  const replay = await recording.replay({
    onProgress: ({ turn, step }) => progress.at(turn, step),
    ...checkpointsWanted(),
    ...(talks ? { onOutput: (output) => conversation?.output.heard(output), onLog: (logged: Logged) => conversation?.logged(logged) } : {}),
  });
  try {
    if (talks) conversation = new Conversation(recording, replay, progress);
    const move = (): Promise<Stop | End> => firstStop(replay, flags);
    // Without a place to stop at, the program may run to its end first to see whether it crashed.
    const stop = await (conversation && flags.stopAt !== undefined ? conversation.along('forwards', move) : move()).finally(() =>
      progress.done(),
    );
    for (const expression of flags.eval) stop.evaluations.push(await replay.evaluate(expression));
    if (flags.json) process.stdout.write(`${JSON.stringify(stop, null, 2)}\n`);
    else process.stdout.write(`${stopText(replay, stop)}\n`);
    if (conversation) {
      process.exitCode = await new Prompt(conversation).run({
        commands: flags.command,
        from,
        echo: flags.echo === true,
        strict: flags.strict === true,
      });
    }
  } finally {
    await replay.close();
  }
}

/**
 * On a terminal there is a prompt. A pipe or a file as standard input holds commands, unless the questions were asked by flags already. Anything
 * else (a socket, as Node's child_process gives, /dev/null) is left alone, because it may never end: --interactive reads it all the same.
 */
function commandsFrom(flags: InterpretFlags): PromptOptions['from'] {
  if (flags.json) return 'nowhere';
  const terminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  if (flags.interactive) return terminal ? 'terminal' : 'stdin';
  if (flags.command.length > 0) return 'nowhere';
  if (terminal) return 'terminal';
  return flags.eval.length === 0 && holdsCommands() ? 'stdin' : 'nowhere';
}

function holdsCommands(): boolean {
  try {
    const input = fstatSync(0);
    return input.isFIFO() || input.isFile();
  } catch {
    return false;
  }
}

function firstStop(replay: Replay, flags: InterpretFlags): Promise<Stop | End> {
  if (flags.stopAt === undefined) return replay.crash();
  return replay.runTo(flags.stopAt, flags.hit === undefined ? { hit: 1 } : { hit: flags.hit });
}
