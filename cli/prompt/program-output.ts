/**
 * What the recorded program wrote, shown at the prompt apart from what the debugger says: each line behind `<` (stdout) or `<!` (stderr); what a
 * what-if wrote behind `<?`.
 *
 * A movement forwards shows, when it has arrived, what was written on its way, again if it goes there again; one backwards, or one that led
 * nowhere, shows nothing. A replay tells each piece of output once, so the pieces are kept. Invariant: nothing the program wrote moves the cursor; of its control sequences only
 * colours come through, and only to a terminal that shows colours.
 */
import { StringDecoder } from 'node:string_decoder';
import type { ProgramOutput as Piece } from '../../interpreter/replay';
import { printable } from '../print';
import { paint, showsColours } from '../screen';

/** The oldest pieces go when there is more than this. */
const KEPT_BYTES = 16 << 20;

interface Moment {
  turn: number;
  step: number;
}

export class ProgramOutput {
  private readonly pieces: { stream: 'stdout' | 'stderr'; bytes: Buffer; moment: Moment }[] = [];
  private bytes = 0;
  /** Of a what-if, since the last movement: shown once. */
  private supposed: { stream: 'stdout' | 'stderr'; bytes: Buffer }[] = [];
  /** Lines of log points since the last movement, in the order of their moments. */
  private notes: { line: string; moment: Moment }[] = [];
  private line: { stream: 'stdout' | 'stderr'; text: string } | undefined;
  private readonly decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };

  constructor(private readonly write: (text: string) => void) {}

  /** The replay tells a piece. */
  heard({ stream, bytes, position, whatIf }: Piece): void {
    if (whatIf) {
      this.supposed.push({ stream, bytes });
      return;
    }
    this.pieces.push({ stream, bytes, moment: momentOf(position) });
    this.bytes += bytes.length;
    while (this.bytes > KEPT_BYTES && this.pieces.length > 1) {
      this.bytes -= this.pieces.shift()!.bytes.length;
    }
  }

  /** A movement forwards went from one position to another; undefined: the program's start, its end. */
  show(from: string | undefined, to: string | undefined): void {
    const begin = from === undefined ? { turn: 0, step: 0 } : momentOf(from);
    const end = to === undefined ? undefined : momentOf(to);
    for (const { stream, bytes, moment } of this.pieces) {
      if (isBefore(moment, begin)) continue;
      if (end && !isBefore(moment, end)) break;
      this.showNotes(moment);
      this.put(stream, this.decoders[stream].write(bytes));
    }
    this.endLine();
    this.showNotes(undefined);
  }

  /** A log point was passed: its line goes between what was written before and after it. */
  note(line: string, position: string): void {
    this.notes.push({ line, moment: momentOf(position) });
  }

  private showNotes(until: Moment | undefined): void {
    while (this.notes.length > 0 && (!until || isBefore(this.notes[0]!.moment, until))) {
      this.endLine();
      this.write(`${this.notes.shift()!.line}\n`);
    }
  }

  /** What a what-if wrote since it was asked last. */
  showSupposed(): void {
    for (const { stream, bytes } of this.supposed) this.put(stream, this.decoders[stream].write(bytes), '<?');
    this.supposed = [];
    this.endLine('<?');
  }

  private put(stream: 'stdout' | 'stderr', text: string, mark?: string): void {
    if (this.line && this.line.stream !== stream) this.endLine(mark);
    const lines = text.split('\n');
    for (let i = 0; i < lines.length; i++) {
      this.line ??= { stream, text: '' };
      this.line.text += lines[i]!;
      if (i < lines.length - 1) this.endLine(mark);
      else if (this.line.text === '') this.line = undefined;
    }
  }

  private endLine(mark?: string): void {
    if (!this.line) return;
    const { stream, text } = this.line;
    this.line = undefined;
    const sign = mark ? paint(mark, 'magenta') : stream === 'stdout' ? paint('<', 'green') : paint('<!', 'red');
    this.write(`${sign} ${shown(text.replace(/\r$/, ''))}\n`);
  }
}

/** position: thread:turn:step. */
export function momentOf(position: string): Moment {
  const [turn, step] = position.split(':').slice(-2);
  return { turn: Number(turn), step: Number(step) };
}

export function isBefore(a: Moment, b: Moment): boolean {
  return a.turn < b.turn || (a.turn === b.turn && a.step < b.step);
}

// eslint-disable-next-line no-control-regex
const COLOURS = /\x1b\[[\d;:]*m/;

function shown(text: string): string {
  if (!showsColours() || !COLOURS.test(text)) return printable(text);
  let result = '';
  let rest = text;
  for (let found = COLOURS.exec(rest); found; found = COLOURS.exec(rest)) {
    result += printable(rest.slice(0, found.index)) + found[0];
    rest = rest.slice(found.index + found[0].length);
  }
  return `${result}${printable(rest)}\x1b[0m`;
}
