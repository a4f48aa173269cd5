/**
 * What the recorded program wrote, shown at the prompt apart from what the debugger says: each line behind `<` (stdout) or `<!` (stderr).
 *
 * A movement forwards shows what was written on its way, again if it goes there again; one backwards shows nothing. A replay tells each
 * piece of output once, so the pieces are kept. Invariant: nothing the program wrote moves the cursor; of its control sequences only
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
  /** Set while the program moves forwards: from where, and how many of the kept pieces were shown. */
  private following: { from: Moment; shown: number } | undefined;
  private line: { stream: 'stdout' | 'stderr'; text: string } | undefined;
  private readonly decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };

  constructor(private readonly write: (text: string) => void) {}

  /** The replay tells a piece. */
  heard({ stream, bytes, position }: Piece): void {
    this.pieces.push({ stream, bytes, moment: momentOf(position) });
    this.bytes += bytes.length;
    while (this.bytes > KEPT_BYTES && this.pieces.length > 1) {
      this.bytes -= this.pieces.shift()!.bytes.length;
      if (this.following && this.following.shown > 0) this.following.shown--;
    }
    // Never told before: the program is past everything that was.
    if (this.following) this.show(undefined);
  }

  /** A movement forwards begins at a position; undefined: before the program. */
  follow(position: string | undefined): void {
    this.following = { from: position === undefined ? { turn: 0, step: 0 } : momentOf(position), shown: 0 };
  }

  /** It ended there; undefined: at the end of the program. */
  arrived(position: string | undefined): void {
    if (this.following) this.show(position === undefined ? undefined : momentOf(position));
    this.following = undefined;
    this.endLine();
  }

  private show(until: Moment | undefined): void {
    const { following } = this;
    if (!following) return;
    for (; following.shown < this.pieces.length; following.shown++) {
      const { stream, bytes, moment } = this.pieces[following.shown]!;
      if (isBefore(moment, following.from)) continue;
      if (until && !isBefore(moment, until)) break;
      this.put(stream, this.decoders[stream].write(bytes));
    }
  }

  private put(stream: 'stdout' | 'stderr', text: string): void {
    if (this.line && this.line.stream !== stream) this.endLine();
    const lines = text.split('\n');
    for (let i = 0; i < lines.length; i++) {
      this.line ??= { stream, text: '' };
      this.line.text += lines[i]!;
      if (i < lines.length - 1) this.endLine();
      else if (this.line.text === '') this.line = undefined;
    }
  }

  private endLine(): void {
    if (!this.line) return;
    const { stream, text } = this.line;
    this.line = undefined;
    const sign = stream === 'stdout' ? paint('<', 'green') : paint('<!', 'red');
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
