/**
 * What the command line knows of the place its text goes to: whether it is a terminal, whether it shows colours, how wide it is.
 * Asked by everything that prints. Invariant: a pipe or a file gets neither colours nor anything that depends on a width.
 */
import { inspect } from 'node:util';

export type Colour = 'cyan' | 'yellow' | 'red' | 'grey' | 'bold' | 'green' | 'blue' | 'magenta' | 'underline';

/** Texts in pipes are cut too: a minified bundle is one line of a megabyte. */
const PIPE_WIDTH = 200;
const LEAST_WIDTH = 30;

/** NO_COLOR (no-color.org) counts when it is set and not empty. */
export function showsColours(stream: NodeJS.WriteStream = process.stdout): boolean {
  return stream.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
}

/** Can lines be written over? Not on a dumb terminal. */
export function canRewrite(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && process.env['TERM'] !== 'dumb';
}

/** Columns that a line may have. */
export function width(): number {
  const { isTTY, columns } = process.stdout;
  return isTTY === true && columns > 0 ? Math.max(LEAST_WIDTH, columns) : PIPE_WIDTH;
}

/** The text, coloured if stdout shows colours. */
export function paint(text: string, ...colours: Colour[]): string {
  if (text === '' || !showsColours()) return text;
  let painted = text;
  for (const colour of colours) {
    const [on, off] = inspect.colors[colour]!;
    painted = `\x1b[${on}m${painted}\x1b[${off}m`;
  }
  return painted;
}

/** The line, cut to a width with a sign that it was. */
export function clipped(line: string, columns = width()): string {
  if (line.length <= columns) return line;
  // Half of a surrogate pair would be no character.
  const end = columns - 3;
  return `${line.slice(0, isLead(line.charCodeAt(end - 1)) ? end - 1 : end)}...`;
}

function isLead(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}
