/**
 * Texts of a recording on their way to a terminal. Used by everything that prints: divergence reports and the command line.
 *
 * Invariant: what comes out moves no cursor, sets no colour or title and turns no reading direction around, whoever made the recording.
 */

/** The text in one line, with control characters and marks of reading direction as escape sequences. Tabs stay. */
export function printable(text: string): string {
  let shown = '';
  let done = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (!steers(code)) continue;
    shown += text.slice(done, i) + (code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`);
    done = i + 1;
  }
  return done === 0 ? text : shown + text.slice(done);
}

function steers(code: number): boolean {
  if (code < 0xa0) return (code < 0x20 && code !== 9) || code >= 0x7f;
  return code >= 0x200e && (code <= 0x200f || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069));
}
