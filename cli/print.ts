/** Stops and values as text for people. Used by interpret.ts, log.ts and the prompt. */
import { printable } from '../recorder/trace';
import { isEnd, type End, type Evaluation, type Frame, type Hit, type Replay, type Stop, type Value } from '../interpreter/replay';
import { listingText, type Range } from './listing';
import { clipped, paint } from './screen';

export { printable, paint };

/** A stop with everything one wants to see first: place, source line, error, locals, evaluations. */
export function stopText(replay: Replay, stop: Stop | End): string {
  if (isEnd(stop)) return [endText(stop), ...stop.evaluations.map(evaluationText)].join('\n');
  const lines = [bannerText(stop), ...sourceText(replay, stop, 1)];
  if (stop.error) lines.push('', paint(errorText(stop.error), 'red'));
  const locals = localsText(stop.locals);
  if (locals.length > 0) lines.push('', ...locals);
  if (stop.evaluations.length > 0) lines.push('', ...stop.evaluations.map(evaluationText));
  return lines.join('\n');
}

/** The first line of a stop: why, where, in which function, when. */
export function bannerText(stop: Stop): string {
  const whatIf = stop.whatIf ? `${paint('what if:', 'magenta')} ` : '';
  const hit = stop.hit === undefined ? '' : ` (hit ${stop.hit})`;
  return `${whatIf}${stop.reason}${hit} at ${placeText(stop)}${inFunction(stop.frames[0])}   ${paint(stop.position, 'grey')}`;
}

export function endText(end: End): string {
  const how = end.truncated ? 'the recording ends here, the program was killed' : 'the program has ended';
  const status = end.signal ? ` by ${end.signal}` : end.truncated ? '' : ` with exit code ${end.exitCode}`;
  return `${end.whatIf ? `${paint('what if:', 'magenta')} ` : ''}end: ${how}${status}   ${paint(end.position, 'grey')}`;
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

/** One line a variable, cut to the width. */
export function localsText(locals: Record<string, Value>): string[] {
  const names = Object.keys(locals);
  const width = Math.min(24, Math.max(0, ...names.map((name) => name.length)));
  return names.map((name) => clipped(`  ${printable(name).padEnd(width)} = ${lines(locals[name]!.preview).replaceAll('\n', ' ')}`));
}

export function evaluationText({ expression, preview, output = [], settled }: Evaluation): string {
  const shown = output.map(({ text }) => lines(text.replace(/\n$/, '')).replace(/^/gm, '  it wrote: '));
  const when = settled === undefined ? '' : `   ${paint(`settled at ${settled}`, 'grey')}`;
  return [...shown, `  ${lines(expression)} = ${lines(preview)}${when}`].join('\n');
}

/** One line a hit: when, where, the values. */
export function hitText(hit: Hit): string {
  const values = hit.evaluations.map(({ expression, preview }) => printable(`${expression} = ${preview}`)).join('  ');
  return `${paint(hit.position.padEnd(14), 'grey')} ${placeText(hit)}  ${values}`;
}

/** Those on the stack by number; behind them, with what they did, those that led here. */
export function framesText(frames: readonly Frame[], current = 0): string[] {
  const digits = String(frames.length - 1).length;
  return frames.map((frame, i) => {
    const mark = i === current ? paint('>', 'yellow') : ' ';
    const what = `${mark} ${String(i).padStart(digits)}  ${printable(frame.function) || '(anonymous)'}  ${placeText(frame)}`;
    if (!frame.async) return what;
    const when = frame.position === undefined ? '' : `  ${paint(frame.position, 'grey')}`;
    return `${what}  ${paint(`async${frame.by === undefined ? '' : `: ${printable(frame.by)}`}`, 'magenta')}${when}`;
  });
}

/** The line of a place with its statement marked, and `around` lines before and after. Empty when the source is not at hand. */
export function sourceText(replay: Replay, place: { file: string; line: number; column: number }, around: number): string[] {
  const { file, line } = place;
  return listingText(replay.recording, { file, from: line - around, to: line + around, at: rangeAt(replay, place) });
}

/** From a place to the end of the statement that it lies in. */
export function rangeAt(replay: Replay, place: { file: string; line: number; column: number }): Range {
  const { line, column } = place;
  const statement = replay.places.statementAt(place);
  return statement
    ? { line, column, endLine: statement.endLine, endColumn: statement.endColumn }
    : { line, column, endLine: line, endColumn: column + 1 };
}

/** A text of several lines, each of them printable. */
export function lines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
