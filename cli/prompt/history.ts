/**
 * Commands of earlier sessions, for the terminal's arrow keys: one a line in a file of the person's own, readable by nobody else.
 *
 * Used by terminal.ts. The file is $XDG_STATE_HOME/retrace/history (or ~/.local/state/...); RETRACE_HISTORY names another one, and switches it
 * off when it is empty, `off` or `0`. Invariant: a history that cannot be read or written is none, and nobody is told.
 */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** Lines that are kept, and how many more the file may have before it is cut. */
export const KEPT = 1000;
const SLACK = 1000;

export class History {
  private readonly file = historyFile();

  /** The newest first, as readline wants it, each once. */
  load(): string[] {
    if (this.file === undefined) return [];
    let lines: string[];
    try {
      lines = readFileSync(this.file, 'utf8')
        .split('\n')
        .filter((line) => line !== '');
      if (lines.length > KEPT + SLACK) writeFileSync(this.file, `${lines.slice(-KEPT).join('\n')}\n`, { mode: 0o600 });
    } catch {
      return [];
    }
    return [...new Set(lines.reverse())].slice(0, KEPT);
  }

  /** A line that begins with a space is nobody's business. */
  add(line: string): void {
    if (this.file === undefined || line.trim() === '' || line.startsWith(' ')) return;
    try {
      mkdirSync(dirname(this.file), { recursive: true, mode: 0o700 });
      appendFileSync(this.file, `${line.replaceAll('\n', ' ')}\n`, { mode: 0o600 });
    } catch {
      // A read-only home: the session goes on without.
    }
  }
}

function historyFile(): string | undefined {
  const asked = process.env['RETRACE_HISTORY'];
  if (asked !== undefined) return ['', '0', 'off'].includes(asked) ? undefined : asked;
  const state = process.env['XDG_STATE_HOME'] || join(homedir(), '.local/state');
  return join(state, 'retrace/history');
}
