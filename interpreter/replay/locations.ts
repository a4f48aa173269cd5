/**
 * FILE:LINE[:COL] as a person writes it, turned into a statement of a recorded source.
 *
 * Called by Replay for every location it is given. Invariant: the answer is one statement or a BadLocation that names what would
 * have been understood; nothing is guessed.
 */
import { BadLocation } from './errors';

/** Where a statement stands in its file. Lines and columns are 1-based; the end is exclusive. */
export interface Statement {
  id: number;
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
}

export interface LocationText {
  file: string;
  /** 1-based. */
  line: number;
  /** 1-based; undefined: the first statement of the line. */
  column: number | undefined;
}

/** Splits `FILE:LINE` or `FILE:LINE:COL`. Throws BadLocation. */
export function parseLocation(text: string): LocationText {
  const found = /^(.+?):(\d+)(?::(\d+))?$/.exec(text);
  if (!found || Number(found[2]) < 1 || found[3] === '0') {
    throw new BadLocation(`"${text}" is not a location. Write FILE:LINE or FILE:LINE:COL, such as app.js:12.`);
  }
  return { file: found[1]!, line: Number(found[2]), column: found[3] === undefined ? undefined : Number(found[3]) };
}

/** The path as it is shown: relative to `base` where it lies inside of it. Paths are as recorded, either separator. */
export function shownPath(path: string, base: string): string {
  const root = base.replace(/[\\/]$/, '');
  return path.startsWith(root) && /^[\\/]./.test(path.slice(root.length)) ? path.slice(root.length + 1) : path;
}

/**
 * The one file that `text` names, by suffix on path boundaries. `./x` and absolute paths name exactly one. A file of the program goes
 * before files of the same name under node_modules, which would make every `index.js` ambiguous.
 */
export function resolveFile(text: string, files: readonly string[], base: string): string {
  const wanted = text.replace(/\\/g, '/');
  const slashed = (path: string): string => path.replace(/\\/g, '/');
  const suffix = wanted.replace(/^(\.\/)+/, '');
  if (wanted.startsWith('./')) {
    const exact = files.filter((file) => slashed(shownPath(file, base)) === wanted.slice(2));
    if (exact.length === 1) return exact[0]!;
  }
  const matches = files.filter((file) => slashed(file) === suffix || slashed(file).endsWith(`/${suffix}`));
  if (matches.length === 1) return matches[0]!;
  const own = matches.filter((file) => !inNodeModules(file));
  if (own.length === 1) return own[0]!;
  if (matches.length > 1) {
    const list = (own.length > 0 ? own : matches).map((file) => distinct(shownPath(file, base)));
    throw new BadLocation(`${text} could be ${list.length} files: ${enumerate(list, 'or')}. Write more of its path.`, list);
  }
  const near = nearNames(suffix, files).map((file) => shownPath(file, base));
  throw new BadLocation(
    `${text} is not in the recording: the program never loaded it. ${near.length > 0 ? `There is ${enumerate(near, 'and')}.` : '`retrace info` lists the files that are.'}`,
    near,
  );
}

/**
 * The statement at a line: the first that starts on it; with a column, the innermost one that starts on the line and covers the
 * column, else the first after it. Throws BadLocation naming the nearest lines that have code.
 */
export function resolveStatement(statements: readonly Statement[], line: number, column: number | undefined, shown: string): Statement {
  const onLine = statements.filter((statement) => statement.line === line).sort((a, b) => a.column - b.column || b.id - a.id);
  if (onLine.length > 0) {
    if (column === undefined) return onLine[0]!;
    const covering = onLine.filter((one) => one.column <= column && (one.endLine > line || one.endColumn > column));
    return covering.at(-1) ?? onLine.find((one) => one.column >= column) ?? onLine.at(-1)!;
  }
  const lines = [...new Set(statements.map((statement) => statement.line))];
  const near = nearestLines(lines, line, 2);
  const hint = near.length > 0 ? `The nearest lines that do are ${enumerate(near.map(String), 'and')}.` : 'The file has none at all.';
  throw new BadLocation(
    `${shown}:${line} has no statement to stop at. ${hint}`,
    near.map((one) => `${shown}:${one}`),
  );
}

/** Up to `count` lines nearest to `line` on each side, in order. */
export function nearestLines(lines: readonly number[], line: number, count: number): number[] {
  const sorted = [...new Set(lines)].sort((a, b) => a - b);
  const before = sorted.filter((one) => one < line).slice(-count);
  const after = sorted.filter((one) => one > line).slice(0, count);
  return [...before, ...after]
    .sort((a, b) => Math.abs(a - line) - Math.abs(b - line))
    .slice(0, count)
    .sort((a, b) => a - b);
}

/** "a", "a and b", "a, b and c". */
export function enumerate(items: readonly string[], word: 'and' | 'or'): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} ${word} ${items.at(-1)}`;
}

export function inNodeModules(path: string): boolean {
  return /[\\/]node_modules[\\/]/.test(path);
}

/** A relative path that is itself a suffix of others is only exact with `./` in front. */
function distinct(shown: string): string {
  return /^([\\/]|[A-Za-z]:)/.test(shown) || shown.includes('/') ? shown : `./${shown}`;
}

function nearNames(wanted: string, files: readonly string[]): string[] {
  const base = (path: string): string => path.split(/[\\/]/).at(-1)!.toLowerCase();
  const stem = (path: string): string => base(path).replace(/\.[^.]*$/, '');
  const scored = files
    .map((file) => ({ file, distance: editDistance(base(file), base(wanted)), sameStem: stem(file) === stem(wanted) }))
    .filter(({ distance, sameStem }) => sameStem || distance <= Math.max(1, Math.floor(base(wanted).length / 3)))
    .sort((a, b) => Number(inNodeModules(a.file)) - Number(inNodeModules(b.file)) || a.distance - b.distance);
  if (scored.length > 0) return scored.slice(0, 3).map(({ file }) => file);
  return files.filter((file) => !inNodeModules(file)).slice(0, 3);
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}
