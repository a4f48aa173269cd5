// Where things are: the programs that are measured, the command line that records them.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const root = path.resolve(__dirname, '../..');
export const programs = path.join(root, 'bench/programs');
export const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'retrace-bench-'));

let recordings = 0;

/** The words that run a program: plainly, or recorded into a folder of its own. */
export function commandFor(variant: 'plain' | 'recorded', program: string[]): { words: string[]; recording: string } {
  const recording = path.join(scratch, `recording-${++recordings}`);
  if (variant === 'plain') return { words: program, recording };
  return { words: [path.join(root, 'dist/cli/main.js'), 'record', '-o', recording, '--', ...program], recording };
}

/** Bytes of the event streams of a recording; sources and what the module loader was told are not counted. */
export function traceBytes(recording: string): number {
  const threads = path.join(recording, 'threads');
  const traces = fs.readdirSync(threads).filter((name) => name.endsWith('.trace'));
  return traces.reduce((sum, name) => sum + fs.statSync(path.join(threads, name)).size, 0);
}
