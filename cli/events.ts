/** `retrace events`: what crossed the boundary, one line an event. */
import { inspect } from 'node:util';
import { type RecordedEvent } from '../interpreter/replay';
import { openProcess, type ProcessFlags } from './process';

export async function showEvents(folder: string, flags: ProcessFlags & { json?: boolean }): Promise<void> {
  const recording = await openProcess(folder, flags);
  for (const event of recording.events()) {
    const line = flags.json ? JSON.stringify({ ...event, value: undefined, preview: preview(event.value) }) : textOf(event);
    if (!process.stdout.write(`${line}\n`)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
}

function textOf({ index, kind, name, handle, turn, size, value }: RecordedEvent): string {
  const what = `${kind === 'call' ? '' : `${kind} `}${name}${handle === 0 ? '' : ` #${handle}`}`;
  const arrow = kind === 'entry' ? '<-' : kind === 'throw' ? '!!' : '->';
  const shown = value === undefined ? '' : `${arrow} ${preview(value)}`;
  return `${String(index).padStart(6)}  turn ${String(turn).padEnd(5)} ${String(size).padStart(6)} B  ${what.padEnd(34)} ${shown}`.trimEnd();
}

function preview(value: unknown): string {
  const text = inspect(value, { depth: 2, breakLength: Infinity, compact: true, maxArrayLength: 16, maxStringLength: 120 });
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
