/** Stops and values as text for people. Used by interpret.ts and prompt.ts. */
import { inspect } from 'node:util';
import { printable } from '../recorder/trace';
import { isEnd, type End, type Evaluation, type Frame, type Recording, type Stop, type Value } from '../interpreter/replay';

export { printable };

const colours = (): boolean => process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined;

/** The text, coloured if stdout is a terminal that shows colours. */
export function paint(text: string, colour: 'cyan' | 'yellow' | 'red' | 'grey' | 'bold' | 'green'): string {
  if (!colours()) return text;
  const [on, off] = inspect.colors[colour]!;
  return `\x1b[${on}m${text}\x1b[${off}m`;
}

/** A stop with everything one wants to see first: place, source line, error, locals, evaluations. */
export function stopText(recording: Recording, stop: Stop | End): string {
  if (isEnd(stop)) return endText(stop);
  const lines = [
    `${stop.reason}${stop.hit === undefined ? '' : ` (hit ${stop.hit})`} at ${placeText(stop)}${inFunction(stop.frames[0])}   ${paint(stop.position, 'grey')}`,
    ...sourceText(recording, stop.file, stop.line, stop.column, 1),
  ];
  if (stop.error) lines.push('', paint(errorText(stop.error), 'red'));
  const locals = localsText(stop.locals);
  if (locals.length > 0) lines.push('', ...locals);
  if (stop.evaluations.length > 0) lines.push('', ...stop.evaluations.map(evaluationText));
  return lines.join('\n');
}

function endText(end: End): string {
  const how = end.truncated ? 'the recording ends here, the program was killed' : 'the program has ended';
  const status = end.signal ? ` by ${end.signal}` : end.truncated ? '' : ` with exit code ${end.exitCode}`;
  return `end: ${how}${status}   ${paint(end.position, 'grey')}`;
}

export function placeText({ file, line, column }: { file: string; line: number; column: number }): string {
  return paint(`${printable(file)}:${line}:${column}`, 'cyan');
}

function inFunction(frame: Frame | undefined): string {
  return frame?.function ? ` in ${printable(frame.function)}` : '';
}

export function errorText({ name, message }: { name: string; message: string }): string {
  return lines(name === '' ? message : `${name}: ${message}`);
}

export function localsText(locals: Record<string, Value>): string[] {
  const names = Object.keys(locals);
  const width = Math.min(24, Math.max(0, ...names.map((name) => name.length)));
  return names.map((name) => clipped(`  ${printable(name).padEnd(width)} = ${lines(locals[name]!.preview)}`));
}

export function evaluationText({ expression, preview }: Evaluation): string {
  return `  ${lines(expression)} = ${lines(preview)}`;
}

export function framesText(frames: readonly Frame[], current = 0): string[] {
  return frames.map(
    (frame, i) => `${i === current ? paint('>', 'yellow') : ' '} ${i}  ${printable(frame.function) || '(anonymous)'}  ${placeText(frame)}`,
  );
}

/** The line with a caret under the column, and `around` lines before and after. Empty when the source is not at hand. */
export function sourceText(recording: Recording, file: string, line: number, column: number, around: number): string[] {
  const text = linesOf(recording, file);
  if (!text || line > text.length) return [];
  const shown: string[] = [];
  const width = String(Math.min(text.length, line + around)).length;
  for (let i = Math.max(1, line - around); i <= Math.min(text.length, line + around); i++) {
    const content = printable(clipped(text[i - 1]!));
    const label = String(i).padStart(width);
    if (i !== line) {
      shown.push(paint(`    ${label} | ${content}`, 'grey'));
      continue;
    }
    shown.push(`  ${paint('>', 'yellow')} ${label} | ${paint(content, 'bold')}`);
    if (column - 1 <= content.length) {
      const lead = content.slice(0, column - 1).replace(/[^\t]/g, ' ');
      shown.push(`    ${' '.repeat(width)} | ${lead}${paint('^', 'yellow')}`);
    }
  }
  return shown;
}

/** A text of several lines, each of them printable. */
export function lines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

const MAX_WIDTH = 200;

function clipped(line: string): string {
  return line.length > MAX_WIDTH ? `${line.slice(0, MAX_WIDTH)}...` : line;
}

function linesOf(recording: Recording, file: string): string[] | undefined {
  return recording.shownText(file)?.split(/\r\n|\r|\n/);
}
