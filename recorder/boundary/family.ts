/**
 * How recording spreads to the processes that a recorded process starts: variables in the environment of the new process, which
 * name the preload and the recording. The spawn hooks put them there; the preload (recorder/register.ts) takes them out again.
 *
 * Invariant: neither program sees them. What a process that is no Node makes of them is nothing.
 */
import type { StartedBy } from '../trace';

/** What a recorded process tells the processes it starts. */
export interface FamilyOrders {
  /** Absolute path of the recording's root. */
  readonly root: string;
  /** The parent: its number in the recording, its pid, and the event of its trace that started the child. */
  readonly process: number;
  readonly pid: number;
  readonly event: number;
  readonly how: StartedBy;
}

/** Holds FamilyOrders as JSON. */
export const FAMILY = 'RETRACE_FAMILY';

/** The environment of a new process, as KEY=value, with the orders in it. `preload`: absolute path of register.js. */
export function withOrders(pairs: readonly string[], preload: string, orders: FamilyOrders): string[] {
  const result: string[] = [];
  let options = '';
  for (let i = 0; i < pairs.length; i++) {
    const pair = `${pairs[i]!}`;
    if (pair.startsWith('NODE_OPTIONS=')) options = pair.slice('NODE_OPTIONS='.length);
    else if (!pair.startsWith(`${FAMILY}=`)) result[result.length] = pair;
  }
  result[result.length] = `NODE_OPTIONS=${withPreload(options, preload)}`;
  result[result.length] = `${FAMILY}=${JSON.stringify(orders)}`;
  return result;
}

/** NODE_OPTIONS with our preload, which comes first so that the recorder is there before any other. */
export function withPreload(options: string, preload: string): string {
  return `--require ${quote(preload)}${options === '' ? '' : ` ${options}`}`;
}

/** Undefined for anything that is not the work of withOrders. */
export function readOrders(text: string): FamilyOrders | undefined {
  try {
    const { root, process, pid, event, how } = JSON.parse(text) as Partial<FamilyOrders>;
    if (typeof root !== 'string' || typeof how !== 'string') return undefined;
    if (typeof process !== 'number' || typeof pid !== 'number' || typeof event !== 'number') return undefined;
    return { root, process, pid, event, how };
  } catch {
    return undefined;
  }
}

/** NODE_OPTIONS without the preloads for which `own` says yes; undefined if nothing is left of it. */
export function hidePreload(options: string, own: (path: string) => boolean): string | undefined {
  const words = wordsOf(options);
  let rest = options;
  for (let i = words.length - 1; i >= 0; i--) {
    const { text, start, end } = words[i]!;
    const inline = /^(?:--require|-r)=(.*)$/s.exec(text);
    if (inline !== null && own(inline[1]!)) rest = cut(rest, start, end);
    const next = words[i + 1];
    if ((text === '--require' || text === '-r') && next !== undefined && own(next.text)) rest = cut(rest, start, next.end);
  }
  return rest === '' && options !== '' ? undefined : rest;
}

function cut(text: string, start: number, end: number): string {
  // With the spaces that followed; at the end with those that came before.
  const after = text.slice(end).replace(/^ +/, '');
  return after === '' ? text.slice(0, start).replace(/ +$/, '') : text.slice(0, start) + after;
}

/** Words of NODE_OPTIONS: parted by spaces, double quotes keep them together, a backslash inside of quotes protects. */
export function wordsOf(options: string): { text: string; start: number; end: number }[] {
  const words: { text: string; start: number; end: number }[] = [];
  let inside = false;
  let word: { text: string; start: number } | undefined;
  for (let i = 0; i <= options.length; i++) {
    let c = options[i];
    if (c === undefined || (c === ' ' && !inside)) {
      if (word !== undefined) words.push({ ...word, end: i });
      word = undefined;
      continue;
    }
    word ??= { text: '', start: i };
    if (c === '"') inside = !inside;
    else {
      if (c === '\\' && inside) c = options[++i] ?? '';
      word.text += c;
    }
  }
  return words;
}

function quote(path: string): string {
  return /[ "\\]/.test(path) ? `"${path.replace(/["\\]/g, '\\$&')}"` : path;
}
