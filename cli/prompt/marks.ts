/**
 * The breakpoints and watchpoints that were set at the prompt. Each keeps the number it was given as long as it lives, whatever is deleted around it.
 *
 * Invariant: what the replay has set is what `list` tells; one that cannot be set leaves the others as they were.
 */
import type { Breakpoint, BreakpointOptions, Replay } from '../../interpreter/replay';
import { lines, placeText } from '../print';
import { Refused } from './command';

export interface Mark {
  number: number;
  /** As it was given, made complete. */
  text: string;
  /** Of a log point: it does not stop the program but tells these. */
  log?: readonly string[];
  /** It stops only where this is true. */
  condition?: string;
  /** It stops only at these hits: `3`, `>=3`, `%3`. */
  hit?: string;
  /** Several where `text` names several functions. */
  at: Breakpoint[];
}

/** Places of one that are told, at most. */
const SHOWN = 5;

type Asked = Omit<Mark, 'number' | 'at'>;

interface Watch {
  number: number;
  text: string;
  /** The replay's number of it. */
  id: number;
}

export class Marks {
  private marks: Mark[] = [];
  private watches: Watch[] = [];
  private next = 1;

  constructor(private readonly replay: Replay) {}

  /** Of everything there is. */
  numbers(): number[] {
    return [...this.marks, ...this.watches].map(({ number }) => number).sort((a, b) => a - b);
  }

  /** Answers the one that is there already, if there is one. Throws BadLocation. */
  async add(asked: Asked): Promise<{ mark: Mark; known: boolean }> {
    const places = await this.replay.setBreakpoints([...this.marks, asked].map(wanted));
    const at = places.filter(({ index }) => index === this.marks.length);
    const same = this.marks.find((mark) => mark.at.length === at.length && mark.at.every(({ id }, i) => id === at[i]!.id));
    if (same) {
      await this.apply();
      return { mark: same, known: true };
    }
    const mark = { number: this.next++, ...asked, at };
    this.marks.push(mark);
    return { mark, known: false };
  }

  /** Watches what an expression names in a frame. Throws BadLocation. */
  async watch(expression: string, frame: number): Promise<number> {
    const { id } = await this.replay.addWatchpoint(expression, { frame });
    this.watches.push({ number: this.next, text: expression, id });
    return this.next++;
  }

  /** Throws Refused. */
  async remove(which: string): Promise<{ text: string }> {
    const watch = this.watches.find(({ number }) => String(number) === which);
    if (watch) {
      await this.unwatch(watch);
      return watch;
    }
    const mark = this.marks.find(({ number }) => String(number) === which);
    if (!mark) throw new Refused(`There is no breakpoint ${which}. \`breakpoints\` lists them.`);
    this.marks = this.marks.filter((one) => one !== mark);
    await this.apply();
    return mark;
  }

  async clear(): Promise<number> {
    const count = this.numbers().length;
    for (const watch of this.watches) await this.unwatch(watch);
    this.marks = [];
    await this.apply();
    return count;
  }

  /** Runs something as if there were none. */
  async apart<T>(run: () => Promise<T>): Promise<T> {
    await this.replay.setBreakpoints([]);
    try {
      return await run();
    } finally {
      await this.apply();
    }
  }

  /** One line each. */
  text(): string {
    const shown = [
      ...this.marks.map((mark) => ({ number: mark.number, text: markText(mark) })),
      ...this.watches.map(({ number, text }) => ({ number, text: `watch ${lines(text)}` })),
    ];
    return shown
      .sort((a, b) => a.number - b.number)
      .map(({ number, text }) => `${number}  ${text}`)
      .join('\n');
  }

  /** Lines of a file that have breakpoints. */
  linesOf(file: string): Set<number> {
    return new Set(this.marks.flatMap(({ at }) => at.filter((one) => one.file === file).map(({ line }) => line)));
  }

  private async unwatch(watch: Watch): Promise<void> {
    this.watches = this.watches.filter((one) => one !== watch);
    await this.replay.removeWatchpoint(watch.id);
  }

  private async apply(): Promise<void> {
    await this.replay.setBreakpoints(this.marks.map(wanted));
  }
}

function wanted({ text: location, log, condition, hit }: Asked): BreakpointOptions {
  return {
    location,
    ...(log ? { log } : {}),
    ...(condition === undefined ? {} : { condition }),
    ...(hit === undefined ? {} : { hit }),
  };
}

/** `app.js:12:3`; of several functions of a name, the name and where they are. */
export function placesText({ text, at }: Pick<Mark, 'text' | 'at'>): string {
  if (at.length === 1) return placeText(at[0]!);
  const shown = at.slice(0, SHOWN).map(placeText).join(', ');
  return `${lines(text.replace(/^function:/, ''))}: ${shown}${at.length > SHOWN ? ` and ${at.length - SHOWN} more` : ''}`;
}

function markText(mark: Mark): string {
  const { condition, hit, log } = mark;
  const when = `${hit === undefined ? '' : `  hit ${hit}`}${condition === undefined ? '' : `  if ${lines(condition)}`}`;
  return log ? `log ${placesText(mark)}${when}  ${lines(log.join(', '))}` : `${placesText(mark)}${when}`;
}
