/**
 * Colours for the lines of a source, by the parser's own tokens, so that templates, regular expressions and comments over several lines come
 * out right. Used by listing.ts. Invariant: the text of a line is never changed; what does not parse has no colours.
 */
import { parse, type Token } from 'acorn';
import { paint, showsColours, type Colour } from './screen';

/** Parsing a source takes a moment: one of more than this stays without colours. */
const LARGEST = 2_000_000;

interface Span {
  start: number;
  end: number;
  colour: Colour;
}

export class Highlighter {
  readonly lines: string[];
  /** Offset of the first character of each line. */
  private readonly starts: number[] = [0];
  /** In order of their starts; made when first asked for. */
  private spans: Span[] | undefined;

  constructor(private readonly text: string) {
    this.lines = text.split(/\r\n|[\r\n\u2028\u2029]/);
    // A line break ends the last line: there is no empty one behind it.
    if (this.lines.length > 1 && this.lines.at(-1) === '') this.lines.pop();
    for (const { index, 0: end } of text.matchAll(/\r\n|[\r\n\u2028\u2029]/g)) this.starts.push(index + end.length);
  }

  /** A line (1-based) with colours, if stdout shows them. */
  line(number: number): string {
    const text = this.lines[number - 1] ?? '';
    if (!showsColours()) return text;
    this.spans ??= this.text.length > LARGEST ? [] : spansOf(this.text);
    const from = this.starts[number - 1]!;
    const to = from + text.length;
    let shown = '';
    let done = from;
    for (const { start, end, colour } of this.spans) {
      if (end <= from) continue;
      if (start >= to) break;
      const begin = Math.max(start, from);
      const stop = Math.min(end, to);
      shown += this.text.slice(done, begin) + paint(this.text.slice(begin, stop), colour);
      done = stop;
    }
    return shown + this.text.slice(done, to);
  }
}

function spansOf(text: string): Span[] {
  const spans: Span[] = [];
  const onToken = (token: Token): void => {
    const colour = colourOf(token);
    if (colour) spans.push({ start: token.start, end: token.end, colour });
  };
  const onComment = (_block: boolean, _text: string, start: number, end: number): void => void spans.push({ start, end, colour: 'grey' });
  for (const sourceType of ['script', 'module'] as const) {
    spans.length = 0;
    try {
      parse(text, {
        ecmaVersion: 'latest',
        sourceType,
        allowHashBang: true,
        allowReturnOutsideFunction: true,
        allowAwaitOutsideFunction: sourceType === 'module',
        onToken,
        onComment: onComment as (block: boolean, text: string, start: number, end: number) => void,
      });
      return spans.sort((a, b) => a.start - b.start);
    } catch {
      continue;
    }
  }
  // TypeScript and the like.
  return [];
}

function colourOf({ type }: Token): Colour | undefined {
  const { label, keyword } = type as { label: string; keyword?: string };
  if (keyword !== undefined) return 'magenta';
  if (label === 'string' || label === 'template' || label === '`') return 'green';
  if (label === 'num' || label === 'bigint') return 'yellow';
  if (label === 'regexp') return 'red';
  return undefined;
}
