/** `retrace events`: what crossed the boundary, one line an event. */
import { CommanderError } from 'commander';
import { inspect } from 'node:util';
import { describeEvent, type EventFilter, type RecordedEvent } from '../interpreter/replay';
import { CANNOT } from './failure';
import { printable } from './print';
import { openProcess, type ProcessFlags } from './process';

export interface EventFlags extends ProcessFlags {
  json?: boolean;
  binding: string[];
  from?: string;
  to?: string;
  grep?: string;
  limit?: number;
  thread?: string;
}

export async function showEvents(folder: string, flags: EventFlags): Promise<void> {
  const recording = await openProcess(folder, flags);
  const thread = flags.thread ?? 'main';
  const filter: EventFilter = {
    ...(flags.binding.length > 0 ? { bindings: flags.binding } : {}),
    ...(flags.from === undefined ? {} : { from: border(flags.from, 'from') }),
    ...(flags.to === undefined ? {} : { to: border(flags.to, 'to') }),
  };
  const wanted = flags.grep?.toLowerCase();
  let left = flags.limit ?? Infinity;
  for (const event of recording.events(thread, filter)) {
    const line = flags.json ? jsonOf(event, thread) : textOf(event);
    if (wanted !== undefined && !line.toLowerCase().includes(wanted)) continue;
    if (left-- <= 0) return;
    if (!process.stdout.write(`${line}\n`)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
}

/** An event's number, or a position of which thread and turn count. */
function border(text: string, flag: string): number | { turn: number } {
  if (/^\d+$/.test(text)) return Number(text);
  const [, turn] = /^\w+:(\d+)(?::\d+)?$/.exec(text) ?? [];
  if (turn !== undefined) return { turn: Number(turn) };
  throw new CommanderError(
    CANNOT,
    'retrace.argument',
    `retrace: --${flag} ${printable(text)} is neither the number of an event nor a position. Examples: --${flag} 120, --${flag} main:9`,
  );
}

function jsonOf({ value, ...event }: RecordedEvent, thread: string): string {
  const description = describeEvent({ ...event, value });
  return JSON.stringify({ ...event, position: `${thread}:${event.turn}`, description, preview: preview(value) });
}

/** One line. */
export function textOf({ index, kind, name, handle, turn, size, value }: RecordedEvent): string {
  const what = `${kind === 'call' ? '' : `${kind} `}${name}${handle === 0 ? '' : ` #${handle}`}`;
  const arrow = kind === 'entry' ? '<-' : kind === 'throw' ? '!!' : '->';
  // The async ids of a callback go before its arguments: they say little.
  const told: unknown = kind === 'entry' && Array.isArray(value) ? value.slice(2) : value;
  const shown = describeEvent({ kind, name, value }) || (told === undefined ? '' : preview(told));
  const line = `${String(index).padStart(6)}  turn ${String(turn).padEnd(5)} ${String(size).padStart(6)} B  ${what.padEnd(34)}`;
  return printable(shown === '' ? line.trimEnd() : `${line} ${arrow} ${shown}`);
}

function preview(value: unknown): string {
  const text = inspect(value, { depth: 2, breakLength: Infinity, compact: true, maxArrayLength: 16, maxStringLength: 120 });
  return printable(text.length > 200 ? `${text.slice(0, 200)}...` : text);
}
