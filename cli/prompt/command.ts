/**
 * What a command of the prompt is, and how a line finds one: by name, by abbreviation, or by an unambiguous beginning of its name.
 *
 * The command files (movements.ts, marks.ts, looking.ts, ...) make them, prompt.ts runs them, help.ts and completion.ts read them.
 * Invariant: names and abbreviations belong to one command each.
 */

/** What an argument is made of, for completion. */
export type ArgumentKind = 'location' | 'expression' | 'location then expression' | 'command' | 'frame' | 'mark' | 'topic' | 'none';

export const GROUPS = [
  'Forwards',
  'Backwards',
  'Anywhere',
  'Breakpoints',
  'Looking around',
  'Where it came from',
  'What if',
  'The rest',
] as const;

export interface PromptCommand {
  /** The name first, then its abbreviations. */
  names: readonly string[];
  /** The arguments, in capitals; '' for none. */
  usage: string;
  group: (typeof GROUPS)[number];
  /** One line. */
  help: string;
  /** More for `help COMMAND`. */
  details?: readonly string[];
  /** What one types, and what it does. */
  examples?: readonly (readonly [string, string])[];
  takes?: ArgumentKind;
  /** An empty line does it again. */
  repeats?: boolean;
  /** Answers what to show, '' for nothing. Throws Refused for what the person can put right, and what the API throws. */
  run(argument: string): Promise<string>;
}

/** A command that cannot be done as it was given; the message says what would work. */
export class Refused extends Error {}

/** The prompt is to be left. */
export class Leave extends Error {}

/** Throws Refused with the nearest commands. */
export function findCommand(commands: readonly PromptCommand[], word: string): PromptCommand {
  const exact = commands.find(({ names }) => names.includes(word));
  if (exact) return exact;
  const begun = commands.filter(({ names }) => names.some((name) => name.length > 2 && name.startsWith(word)));
  if (begun.length === 1) return begun[0]!;
  if (begun.length > 1) {
    const list = begun.map(({ names }) => names.find((name) => name.startsWith(word)));
    throw new Refused(`"${word}" could be ${list.slice(0, -1).join(', ')} or ${list.at(-1)}.`);
  }
  const near = nearest(
    commands.flatMap(({ names }) => names).filter((name) => name.length > 2),
    word,
  );
  if (near !== undefined) throw new Refused(`There is no command "${word}". Did you mean ${near}? \`help\` lists all.`);
  throw new Refused(`There is no command "${word}". \`help\` lists them; \`print EXPRESSION\` shows a value.`);
}

/** The name with the least changes, if they are few. */
function nearest(names: readonly string[], word: string): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const name of names) {
    const changes = distance(name, word);
    if (changes < least) {
      least = changes;
      best = name;
    }
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2]! + 1);
      next[j] = cost;
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
