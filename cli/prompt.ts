/**
 * The prompt of `retrace interpret`: one command a line, forwards and backwards. On a terminal with history; from a pipe with
 * --interactive, then each command is echoed so that the transcript reads by itself.
 *
 * Invariant: a failed command says why in one line and leaves the prompt usable.
 */
import { createInterface } from 'node:readline';
import { isEnd, NotReached, type End, type Recording, type Replay, type Stop } from '../interpreter/replay';
import { lineFor } from './failure';
import { evaluationText, framesText, localsText, sourceText, stopText } from './print';
import type { Progress } from './progress';

interface PromptCommand {
  names: string[];
  usage: string;
  help: string;
  run(argument: string): Promise<string | typeof LEAVE>;
}

const LEAVE = Symbol('leave');
const LIST_AROUND = 5;

export class Prompt {
  private frame = 0;
  private breakpoints: string[] = [];
  private last = 'step';
  private readonly commands: PromptCommand[];

  constructor(
    private readonly recording: Recording,
    private readonly replay: Replay,
    private readonly progress: Progress,
  ) {
    const moves: [string[], string, () => Promise<Stop | End>][] = [
      [['step', 's'], 'to the next statement, into calls', () => replay.stepIn()],
      [['next', 'n'], 'to the next statement, over calls', () => replay.stepOver()],
      [['out', 'o'], 'out of this function', () => replay.stepOut()],
      [['back', 'b'], 'to the statement before, over calls', () => replay.stepBack()],
      [['back-in'], 'to the statement before, into calls', () => replay.stepBackIn()],
      [['back-out'], 'back to the caller', () => replay.stepBackOut()],
      [['continue', 'c'], 'to the next breakpoint or the end', () => replay.continue()],
      [['rewind', 'rc'], 'to the breakpoint before, or the start', () => replay.reverseContinue()],
    ];
    this.commands = [
      ...moves.map(([names, help, move]) => ({ names, usage: '', help, run: () => this.move(move) })),
      { names: ['goto'], usage: 'POSITION | FILE:LINE', help: 'to a position, or on to a line', run: (to) => this.goto(to) },
      { names: ['break'], usage: '[FILE:LINE]', help: 'set a breakpoint, or list them', run: (where) => this.setBreakpoint(where) },
      { names: ['delete'], usage: 'N', help: 'remove breakpoint N', run: (which) => this.deleteBreakpoint(which) },
      { names: ['where', 'bt'], usage: '', help: 'the calls on the stack', run: async () => this.where() },
      { names: ['frame'], usage: 'N', help: 'look at frame N', run: async (which) => this.selectFrame(which) },
      { names: ['locals'], usage: '', help: 'variables of the frame', run: async () => this.locals() },
      { names: ['print', 'p'], usage: 'EXPR', help: 'evaluate an expression', run: async (text) => this.print(text) },
      { names: ['list', 'l'], usage: '', help: 'source around here', run: async () => this.list() },
      { names: ['help', 'h', '?'], usage: '', help: 'this list', run: async () => this.help() },
      { names: ['quit', 'q', 'exit'], usage: '', help: 'leave', run: async () => LEAVE },
    ];
  }

  /** Until quit or the end of the input. */
  async run(): Promise<void> {
    const terminal = process.stdin.isTTY === true;
    const lines = createInterface({
      input: process.stdin,
      output: terminal ? process.stdout : undefined,
      terminal,
      prompt: '(retrace) ',
      completer: (text: string) => [this.commands.flatMap(({ names }) => names).filter((name) => name.startsWith(text)), text],
    });
    const prompt = (): void => {
      if (terminal) lines.prompt();
    };
    lines.on('SIGINT', () => lines.close());
    prompt();
    for await (const line of lines) {
      if (!terminal) process.stdout.write(`(retrace) ${line}\n`);
      const answer = await this.execute(line.trim());
      if (answer === LEAVE) break;
      if (answer !== '') process.stdout.write(`${answer}\n`);
      prompt();
    }
    lines.close();
  }

  /** One command; an empty line repeats the last movement. */
  async execute(line: string): Promise<string | typeof LEAVE> {
    if (line === '' && process.stdin.isTTY !== true) return '';
    const [word = '', argument = ''] = (line === '' ? this.last : line).split(/\s+(.*)/s);
    const command = this.commands.find(({ names }) => names.includes(word));
    if (!command) return `There is no command "${word}". \`help\` lists them.`;
    this.progress.begin();
    try {
      return await command.run(argument.trim());
    } catch (error) {
      if (error instanceof NotReached) return error.message;
      return lineFor(error);
    } finally {
      this.progress.done();
    }
  }

  private async move(move: () => Promise<Stop | End>): Promise<string> {
    const before = this.replay.current;
    const stop = await move();
    this.frame = 0;
    if (before && !isEnd(stop) && before.position === stop.position && before.reason === stop.reason)
      return 'This is the start of the program.';
    return this.shortly(stop);
  }

  /** A movement shows where it led, not every variable again. */
  private shortly(stop: Stop | End): string {
    return stopText(this.recording, isEnd(stop) ? stop : { ...stop, locals: {} });
  }

  private async goto(target: string): Promise<string> {
    if (target === '') return 'Where to? goto POSITION, such as main:9:132, or goto FILE:LINE.';
    return this.move(() => this.replay.runTo(target));
  }

  private async setBreakpoint(where: string): Promise<string> {
    if (where !== '') {
      const set = await this.replay.setBreakpoints([...this.breakpoints, where]);
      this.breakpoints.push(where);
      const { file, line } = set.at(-1)!;
      return `Breakpoint ${this.breakpoints.length} at ${file}:${line}.`;
    }
    return this.breakpoints.map((text, i) => `${i + 1}  ${text}`).join('\n') || 'There are none. break FILE:LINE sets one.';
  }

  private async deleteBreakpoint(which: string): Promise<string> {
    const index = Number(which) - 1;
    if (this.breakpoints[index] === undefined) return `There is no breakpoint ${which}. \`break\` lists them.`;
    const [removed] = this.breakpoints.splice(index, 1);
    await this.replay.setBreakpoints(this.breakpoints);
    return `Removed ${removed}.`;
  }

  private async where(): Promise<string> {
    return framesText(await this.replay.frames(), this.frame).join('\n');
  }

  private async selectFrame(which: string): Promise<string> {
    const frames = await this.replay.frames();
    const frame = frames[Number(which)];
    if (!frame || which === '') return `There are frames 0 to ${frames.length - 1}.`;
    this.frame = Number(which);
    return [framesText(frames, this.frame)[this.frame]!, ...sourceText(this.recording, frame.file, frame.line, frame.column, 1)].join('\n');
  }

  private async locals(): Promise<string> {
    const { current } = this.replay;
    if (this.frame === 0 && current && !isEnd(current)) return localsText(current.locals).join('\n') || 'There are none.';
    const text: string[] = [];
    for (const { kind, names } of await this.replay.scopes(this.frame)) {
      if (Object.keys(names).length > 0) text.push(`${kind}:`, ...localsText(names));
      if (kind === 'local' || kind === 'module') break;
    }
    return text.join('\n') || 'There are none.';
  }

  private async print(expression: string): Promise<string> {
    if (expression === '') return 'Print what? print EXPR.';
    return evaluationText(await this.replay.evaluate(expression, { frame: this.frame })).trimStart();
  }

  private async list(): Promise<string> {
    const frame = (await this.replay.frames())[this.frame];
    return frame ? sourceText(this.recording, frame.file, frame.line, frame.column, LIST_AROUND).join('\n') : 'There is no source here.';
  }

  private help(): string {
    const rows = this.commands.map(({ names, usage, help }) => [`${names.join(', ')}${usage === '' ? '' : ` ${usage}`}`, help]);
    const width = Math.max(...rows.map(([left]) => left!.length));
    return rows.map(([left, right]) => `  ${left!.padEnd(width)}  ${right}`).join('\n');
  }
}
