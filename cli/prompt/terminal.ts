/**
 * The lines of a person at a terminal: editing, completion, history, Ctrl-C. Used by prompt.ts.
 *
 * While a command runs, nothing that is typed is shown, so that it does not mix with what the command writes; lines typed meanwhile are taken
 * afterwards. Ctrl-C interrupts the command that runs; at the prompt it drops the line, and twice on an empty line it leaves. The terminal is in
 * raw mode all the time: a Ctrl-C is a byte, not a signal that would reach replayers too. Invariant: the terminal is left as it was found.
 */
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Completions } from './completion';
import type { History } from './history';
import { KEPT } from './history';

export interface TerminalOptions {
  prompt: string;
  complete: (line: string) => Promise<Completions>;
  /** A command is running and the person wants it to stop. */
  interrupt: () => void;
  history: History;
}

/** The terminal's output, which can be closed for a while. */
class Curtain extends Writable {
  down = false;
  readonly isTTY = true;

  constructor(private readonly terminal: NodeJS.WriteStream) {
    super({ decodeStrings: false });
    terminal.on('resize', () => this.emit('resize'));
  }

  get columns(): number {
    return this.terminal.columns;
  }

  get rows(): number {
    return this.terminal.rows;
  }

  override _write(text: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.down) this.terminal.write(text);
    done();
  }
}

export class Terminal {
  private readonly lines: string[] = [];
  private readonly curtain = new Curtain(process.stdout);
  private readonly readline: Interface;
  private waiting: ((line: string | undefined) => void) | undefined;
  private over = false;
  /** Ctrl-C was just pressed on an empty line. */
  private leaving = false;

  constructor(private readonly options: TerminalOptions) {
    this.readline = createInterface({
      input: process.stdin,
      output: this.curtain,
      terminal: true,
      prompt: options.prompt,
      history: options.history.load(),
      historySize: KEPT,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: null, completions: Completions) => void) => {
        options.complete(line).then(
          (completions) => done(null, completions),
          () => done(null, [[], line]),
        );
      },
    });
    this.readline.on('line', (line) => this.take(line));
    this.readline.on('SIGINT', () => this.interrupted());
    this.readline.on('close', () => this.ended());
    this.curtain.down = true;
  }

  /** The next line; undefined when the person leaves. Until it is asked for, a command is running. */
  async next(): Promise<string | undefined> {
    this.curtain.down = false;
    const early = this.lines.shift();
    if (early !== undefined) {
      process.stdout.write(`${this.options.prompt}${early}\n`);
      this.curtain.down = true;
      return early;
    }
    if (this.over) return undefined;
    this.readline.prompt(true);
    const line = await new Promise<string | undefined>((resolve) => (this.waiting = resolve));
    this.curtain.down = true;
    if (line !== undefined) this.options.history.add(line);
    return line;
  }

  close(): void {
    this.waiting = undefined;
    this.readline.close();
  }

  private take(line: string): void {
    this.leaving = false;
    const { waiting } = this;
    this.waiting = undefined;
    if (waiting) waiting(line);
    else this.lines.push(line);
  }

  private interrupted(): void {
    if (!this.waiting) {
      this.lines.length = 0;
      this.options.interrupt();
      return;
    }
    const { line } = this.readline;
    if (line === '' && this.leaving) {
      process.stdout.write('\n');
      this.readline.close();
      return;
    }
    this.leaving = line === '';
    process.stdout.write(line === '' ? '\n(once more, or Ctrl-D, to leave)\n' : '^C\n');
    // The line is dropped without being taken: from its end, so that all of it goes.
    this.readline.write(null, { ctrl: true, name: 'e' });
    this.readline.write(null, { ctrl: true, name: 'u' });
    this.readline.prompt();
  }

  private ended(): void {
    this.over = true;
    const { waiting } = this;
    this.waiting = undefined;
    if (!waiting) return this.options.interrupt();
    process.stdout.write('\n');
    waiting(undefined);
  }
}
