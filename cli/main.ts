#!/usr/bin/env node
/**
 * The `retrace` command: reads the command line and hands over to one file per command.
 *
 * Invariant: every failure ends in one line on stderr and an exit code of the contract (see failure.ts); results go to stdout.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { showEvents, type EventFlags } from './events';
import { CANNOT, report } from './failure';
import { showInfo } from './info';
import { interpret, type InterpretFlags } from './interpret';
import { logHits, type LogFlags } from './log';
import { processOption, type ProcessFlags } from './process';
import { recordProgram, type RecordFlags } from './record';
import { replayRecording, type ReplayFlags } from './replay';
import { verifyRecording, type VerifyFlags } from './verify';

const { version } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as { version: string };

function build(): Command {
  const program = new Command('retrace')
    .description('Records a run of a Node.js program and replays it: same output, any statement, both directions.')
    .version(version)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      outputError: (text, write) =>
        write(
          `${text
            .trim()
            .replace(/^error: /, 'retrace: ')
            .replace(/\s*\n\s*/g, ' ')
            .replace(/\.$/, '')}. \`retrace help\` shows how.\n`,
        ),
    })
    .addHelpText('after', examples(['retrace record app.js', 'retrace interpret ./recording --stop-at app.js:12']));

  program
    .command('record')
    .description('run a program and record it')
    .argument('<script>', 'the program, as you would give it to node')
    .argument('[args...]', 'everything after the script belongs to the program')
    .option('-o, --output <dir>', 'folder of the recording; must not exist (default: recording, or the next free recording-2, ...)')
    .option('--force', 'replace the recording in that folder')
    .option('--no-children', 'record this process only, not the Node processes it starts')
    .option('--overrides <file>', 'rules for packages with native addons (docs/ADDONS.md)')
    .option('--node-flag <flag>', 'flag for node, such as --max-old-space-size=4096 (may be repeated)', collect, [])
    .passThroughOptions()
    .addHelpText('after', examples(['retrace record app.js', 'retrace record -o /tmp/run1 -- server.js --port 8080']))
    .action((script: string, args: string[], flags: RecordFlags) => recordProgram(script, args, flags));

  program
    .command('replay')
    .description('run it again from the recording: same stdout, stderr and exit code')
    .argument('<recording>', 'folder of the recording')
    .addOption(
      new Option('--engine <engine>', 'vm runs the program in the interpreter, native runs it in V8 (checks the recorder alone)')
        .choices(['vm', 'native'])
        .default('vm'),
    )
    .addOption(processOption())
    .addHelpText('after', examples(['retrace replay ./recording', 'retrace replay ./recording --engine native']))
    .action((recording: string, flags: ReplayFlags) => replayRecording(recording, flags));

  program
    .command('interpret')
    .description('stop at a place, look around, step both ways: a prompt on a terminal, a script from a pipe (docs/PROMPT.md)')
    .argument('<recording>', 'folder of the recording')
    .option('--stop-at <location>', 'FILE:LINE[:COL], or a position such as main:9:132 (default: where it crashed, or its first statement)')
    .option('--hit <n>', 'stop at the n-th time the location is reached', count)
    .addOption(processOption())
    .option('--eval <expression>', 'evaluate there (may be repeated)', collect, [])
    .option('--json', 'print the stop as one JSON document')
    .option('-c, --command <command>', 'a command of the prompt to run there (may be repeated)', collect, [])
    .option('--interactive', 'read commands from stdin, whatever it is, and after those of --command')
    .option('--strict', 'end at the first command that fails, with its exit code')
    .option('--echo', 'show each command of a script before its answer')
    .addHelpText(
      'after',
      examples([
        'retrace interpret ./recording',
        'retrace interpret ./recording --stop-at app.js:12 --eval response.length --json',
        "printf 'back\\nlocals\\n' | retrace interpret ./recording --stop-at app.js:12",
        "retrace interpret ./recording -c 'break app.js:12' -c continue -c 'print response' --strict",
      ]),
    )
    .addHelpText(
      'after',
      environment([
        ['RETRACE_CHECKPOINTS', 'copies of the replayer that make ways back short: auto, dense, sparse or off (same answers, slower)'],
        ['RETRACE_HISTORY', 'file that keeps the commands typed, or off'],
        ['NO_COLOR', 'no colours'],
      ]),
    )
    .action((recording: string, flags: InterpretFlags) => interpret(recording, flags));

  program
    .command('log')
    .description('print expressions at every hit of a line or function, after the fact')
    .argument('<recording>', 'folder of the recording')
    .argument('<location>', 'FILE:LINE[:COL], or function:NAME for each call of a function')
    .argument('<expression...>', 'evaluated at each hit')
    .addOption(processOption())
    .option('--limit <n>', 'at most so many hits', limit)
    .option('--json', 'one JSON document a hit, one a line')
    .addHelpText(
      'after',
      examples([
        'retrace log ./recording app.js:21 message.id result.intent',
        "retrace log ./recording function:classify 'message.text.slice(0, 40)' --limit 20",
      ]),
    )
    .action((recording: string, location: string, expressions: string[], flags: LogFlags) =>
      logHits(recording, location, expressions, flags),
    );

  program
    .command('verify')
    .description('replay in both engines, compare, and name the first divergence')
    .argument('<recording>', 'folder of the recording')
    .addOption(new Option('--engine <engine>', 'only this one (default: both)').choices(['vm', 'native']))
    .addOption(processOption().default(undefined, 'all'))
    .option('--thread <name>', 'only this one (default: all)')
    .option('--json', 'print it as one JSON document')
    .addHelpText('after', examples(['retrace verify ./recording', 'retrace verify ./recording --json --engine native']))
    .action((recording: string, flags: VerifyFlags) => verifyRecording(recording, flags));

  program
    .command('events')
    .description('list what crossed the boundary: calls, answers, sizes, turns')
    .argument('<recording>', 'folder of the recording')
    .addOption(processOption())
    .option('--thread <name>', 'a thread of it (default: main)')
    .option('--binding <name>', 'only those of a binding (fs) or crossing (fs.open) (may be repeated)', collect, [])
    .option('--from <event>', 'begin at an event, by number, or at the turn of a position such as main:9')
    .option('--to <event>', 'end there, the same ways')
    .option('--grep <text>', 'only lines with this text, in either case')
    .option('--limit <n>', 'at most so many', limit)
    .option('--json', 'one JSON document an event, one a line')
    .addHelpText(
      'after',
      examples([
        'retrace events ./recording',
        'retrace events ./recording --binding fs --binding http --limit 20',
        'retrace events ./recording --from main:9 --to main:12 --json',
      ]),
    )
    .action((recording: string, flags: EventFlags) => showEvents(recording, flags));

  program
    .command('info')
    .description('what was recorded: program, Node version, processes, threads, how it ended')
    .argument('<recording>', 'folder of the recording')
    .addOption(processOption())
    .option('--json', 'print it as one JSON document')
    .addHelpText('after', examples(['retrace info ./recording']))
    .action((recording: string, flags: ProcessFlags & { json?: boolean }) => showInfo(recording, flags));

  return program;
}

function examples(lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
}

function environment(variables: [name: string, what: string][]): string {
  const width = Math.max(...variables.map(([name]) => name.length));
  return `\nEnvironment:\n${variables.map(([name, what]) => `  ${name.padEnd(width)}  ${what}`).join('\n')}\n`;
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function limit(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(number)) return number;
  throw new CommanderError(CANNOT, 'retrace.argument', `retrace: --limit ${text} is not a number. Example: --limit 20`);
}

function count(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new CommanderError(CANNOT, 'retrace.hit', `retrace: --hit ${text} is not a number from 1. Example: --hit 2`);
}

async function main(): Promise<void> {
  // a reader that stops early (head) is no failure
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  try {
    await build().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.code === 'retrace.hit' || error.code === 'retrace.argument') process.stderr.write(`${error.message}\n`);
      process.exitCode = error.exitCode === 0 ? 0 : CANNOT;
      return;
    }
    process.exitCode = report(error);
  }
}

void main();
