/**
 * The prompt of `retrace interpret`: one command a line, forwards and backwards. A person types them on a terminal (terminal.ts), or they come
 * from --command and standard input (script.ts); the answers are the same, without colours and prompts.
 *
 * Invariant: a command that fails says why and leaves the prompt usable; a strict script ends at the first that fails.
 */
import { printable } from '../print';
import { exitCodeFor, wordsFor } from '../failure';
import { paint } from '../screen';
import { breakpointCommands } from './breakpoints';
import { findCommand, Leave, type PromptCommand } from './command';
import { complete } from './completion';
import type { Conversation } from './conversation';
import { helpText } from './help';
import { History } from './history';
import { landmarkCommands } from './landmarks';
import { lookingCommands } from './looking';
import { movementCommands } from './movements';
import { originCommands } from './origins';
import { scriptLines, type Lines } from './script';
import { Terminal } from './terminal';
import { whatIfCommands } from './what-if';

export interface PromptOptions {
  /** Commands to run first. */
  commands: readonly string[];
  /** Where further commands come from. */
  from: 'terminal' | 'stdin' | 'nowhere';
  /** Shows each command of a script before its answer. */
  echo: boolean;
  /** Ends at the first command that fails, with its exit code. */
  strict: boolean;
}

const SIGN = '(retrace) ';

export class Prompt {
  private last = 'step';
  private readonly commands: PromptCommand[];

  constructor(private readonly conversation: Conversation) {
    this.commands = [
      ...movementCommands(conversation),
      ...landmarkCommands(conversation),
      ...breakpointCommands(conversation),
      ...lookingCommands(conversation),
      ...originCommands(conversation),
      ...whatIfCommands(conversation),
      {
        names: ['help', 'h', '?'],
        usage: '[COMMAND]',
        group: 'The rest',
        help: 'this list, or more about one of them',
        takes: 'command',
        run: async (asked) => helpText(this.commands, asked),
      },
      {
        names: ['quit', 'q', 'exit', '.exit'],
        usage: '',
        group: 'The rest',
        help: 'leave',
        takes: 'none',
        run: async () => {
          throw new Leave();
        },
      },
    ];
  }

  /** Until quit or the end of the input; answers the exit code. */
  async run({ commands, from, echo, strict }: PromptOptions): Promise<number> {
    const scripted = scriptLines(commands, from === 'stdin' ? process.stdin : undefined, echo || from === 'terminal' ? SIGN : undefined);
    const code = await this.converse(scripted, strict);
    if (code !== undefined || from !== 'terminal') return code ?? 0;
    const terminal = new Terminal({
      prompt: paint(SIGN, 'bold'),
      complete: (line) => complete(this.commands, this.conversation, line),
      interrupt: () => this.conversation.interrupt(),
      history: new History(),
    });
    return (await this.converse(terminal, false)) ?? 0;
  }

  /** undefined: there are no more lines. */
  private async converse(lines: Lines, strict: boolean): Promise<number | undefined> {
    try {
      for (;;) {
        const line = await lines.next();
        if (line === undefined) return undefined;
        const failure = await this.answer(line.trim(), lines instanceof Terminal);
        if (failure instanceof Leave) return 0;
        if (failure === undefined || !strict) continue;
        process.stderr.write(`retrace: \`${printable(line.trim())}\` failed.\n`);
        return exitCodeFor(failure);
      }
    } finally {
      lines.close();
    }
  }

  /** Does a command and says what came of it; answers what it failed of, if it did. */
  async answer(line: string, repeats = false): Promise<unknown> {
    try {
      const answer = await this.execute(line, repeats);
      if (answer !== '') this.conversation.write(`${answer}\n`);
      return undefined;
    } catch (error) {
      if (!(error instanceof Leave)) this.conversation.write(`${wordsFor(error)}\n`);
      return error;
    }
  }

  /** One command. On a terminal an empty line repeats the last movement; in a script it is nothing, and `#` begins a remark. */
  private async execute(line: string, repeats: boolean): Promise<string> {
    if ((line === '' && !repeats) || line.startsWith('#')) return '';
    const [, word = '', argument = ''] = /^(\S+)\s*(.*)$/s.exec(line === '' ? this.last : line)!;
    // As in gdb. A step back has no argument that could be meant.
    const command = findCommand(this.commands, word === 'b' && argument !== '' ? 'break' : word);
    // What is done again is the movement; a listing goes on where it ended.
    if (command.repeats === true) this.last = command.names[0] === 'list' ? 'list' : line === '' ? this.last : line;
    const { progress } = this.conversation;
    progress.begin();
    try {
      return await command.run(argument.trim());
    } finally {
      progress.done();
    }
  }
}
