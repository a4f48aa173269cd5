/**
 * Source around a place, as the prompt and the stops of `retrace interpret` show it: numbered lines, the statement marked, breakpoints told.
 *
 * Invariant: what is marked is where the program stands; a source that is not at hand or does not parse is shown without what is missing.
 */
import type { Recording } from '../interpreter/replay';
import { Highlighter } from './highlight';
import { clipped, paint, width } from './screen';
import { printable } from '../recorder/trace';

/** 1-based; the end is exclusive. */
export interface Range {
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
}

export interface Listing {
  file: string;
  /** Lines to show, both included. */
  from: number;
  to: number;
  /** The statement the program stands before, if it is in this file. */
  at?: Range | undefined;
  /** Lines with breakpoints. */
  breakpoints?: ReadonlySet<number>;
}

const highlighters = new WeakMap<Recording, Map<string, Highlighter | undefined>>();

/** Empty when the source is not at hand or has no such lines. */
export function listingText(recording: Recording, { file, from, to, at, breakpoints }: Listing): string[] {
  const source = sourceOf(recording, file);
  if (!source) return [];
  const last = Math.min(to, source.lines.length);
  const digits = String(last).length;
  const room = width() - digits - 7;
  const shown: string[] = [];
  for (let number = Math.max(1, from); number <= last; number++) {
    const text = source.lines[number - 1]!;
    // Minified code is one long line: show the part with the statement.
    const start = number === at?.line && at.column > room - 10 ? at.column - 1 - (room >> 2) : 0;
    const mark = breakpoints?.has(number) === true ? paint('b', 'red') : ' ';
    const here = number === at?.line;
    const label = String(number).padStart(digits);
    const cut = start > 0 ? clipped(`...${text.slice(start)}`, room) : clipped(text, room);
    const plain = printable(cut);
    const painted = start === 0 && cut === text && plain === text ? source.line(number) : plain;
    shown.push(
      `${mark} ${here ? paint('>', 'yellow') : ' '} ${here ? label : paint(label, 'grey')} | ${here ? paint(painted, 'bold') : painted}`.trimEnd(),
    );
    if (here) {
      const carets = caretsUnder(plain, at, start === 0 ? 0 : start - 3);
      if (carets !== '') shown.push(`    ${' '.repeat(digits)} | ${carets}`);
    }
  }
  return shown;
}

/** Number of lines of a source; 0 when it is not at hand. */
export function lineCount(recording: Recording, file: string): number {
  return sourceOf(recording, file)?.lines.length ?? 0;
}

/** The line that a statement starts on is underlined from its first column to its last on that line. */
function caretsUnder(shown: string, at: Range, cut: number): string {
  const from = at.column - 1 - cut;
  if (from < 0 || from > shown.length) return '';
  const end = at.endLine === at.line ? at.endColumn - 1 - cut : shown.trimEnd().length;
  const length = Math.max(1, Math.min(end, shown.length) - from);
  return `${shown.slice(0, from).replace(/[^\t]/g, ' ')}${paint('^'.repeat(length), 'yellow')}`;
}

function sourceOf(recording: Recording, file: string): Highlighter | undefined {
  let known = highlighters.get(recording);
  if (!known) highlighters.set(recording, (known = new Map()));
  if (!known.has(file)) {
    const text = recording.shownText(file);
    known.set(file, text === undefined ? undefined : new Highlighter(text));
  }
  return known.get(file);
}
