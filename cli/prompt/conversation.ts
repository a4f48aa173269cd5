/**
 * What the commands of the prompt share: the replay, the frame one looks at, the part of the source one has listed, the breakpoints.
 *
 * Invariant: after every movement the frame is the innermost one, the listing is around it, and what the program wrote on its way stands
 * before the words about where it stopped.
 */
import { isEnd, type End, type Frame, type Logged, type Recording, type Replay, type Stop } from '../../interpreter/replay';
import { bannerText, endText, errorText, evaluationText, hitText, lines, printable, sourceText } from '../print';
import type { Progress } from '../progress';
import { paint } from '../screen';
import { Refused } from './command';
import { Marks } from './marks';
import { ProgramOutput } from './program-output';

/** Lines shown around the place of a stop. */
const AROUND = 1;

export type Direction = 'forwards' | 'backwards';

export class Conversation {
  /** Index of the frame one looks at. */
  frame = 0;
  /** The next line that `list` shows, and of which file. */
  listed: { file: string; from: number; to: number } | undefined;
  /** Expressions shown at every stop, by their numbers. */
  readonly displays = new Map<number, string>();
  private searching: AbortController | undefined;
  readonly marks: Marks;
  readonly output: ProgramOutput;

  constructor(
    readonly recording: Recording,
    readonly replay: Replay,
    readonly progress: Progress,
    private readonly sink: (text: string) => void = (text) => void process.stdout.write(text),
  ) {
    this.marks = new Marks(replay);
    this.output = new ProgramOutput((text) => this.write(text));
  }

  /** Straight to the person, before the answer of the command that is running. */
  write(text: string): void {
    this.progress.done();
    this.sink(text);
  }

  /** Where the program stands. Throws Refused when that is its end. */
  stop(): Stop {
    const { current } = this.replay;
    if (!current) throw new Refused('The program has not been started. `step` goes to its first statement.');
    if (isEnd(current)) throw new Refused('The program has ended: there is nothing to look at. `back` or `rewind` goes back into it.');
    return current;
  }

  /** The frame one looks at. */
  selected(): Frame {
    const { frames } = this.stop();
    return frames[this.frame] ?? frames[0]!;
  }

  /** Runs a movement and tells where it led. */
  async move(direction: Direction, movement: () => Promise<Stop | End>): Promise<string> {
    const before = this.replay.current;
    const stop = await this.along(direction, movement);
    if (before && !isEnd(before) && !isEnd(stop) && before.position === stop.position && before.reason === stop.reason && !stop.error) {
      return direction === 'backwards' ? 'This is the start of the program.' : 'The program stands where it stood.';
    }
    return this.told(stop);
  }

  /** A movement without words: shows what the program wrote on its way. */
  async along(direction: Direction, movement: () => Promise<Stop | End>): Promise<Stop | End> {
    const { current } = this.replay;
    const stop = await movement();
    this.output.showSupposed();
    const hasMoved = !current || !isEnd(current) || !isEnd(stop);
    if (direction === 'forwards' && !stop.whatIf && hasMoved) {
      const from = current && !isEnd(current) ? current.position : undefined;
      this.output.show(from, isEnd(stop) ? undefined : stop.position);
    }
    this.frame = 0;
    this.listed = undefined;
    return stop;
  }

  /** A movement shows where it led, not every variable again. */
  async told(stop: Stop | End): Promise<string> {
    const shown = isEnd(stop) ? [endText(stop)] : [bannerText(stop), ...sourceText(this.replay, stop, AROUND)];
    if (stop.error) shown.push(paint(errorText(stop.error), 'red'));
    if (stop.watch) {
      const { expression, old, new: fresh } = stop.watch;
      const values = `${old ? lines(old.preview) : 'nothing'} -> ${fresh ? lines(fresh.preview) : 'nothing'}`;
      shown.push(paint(`${lines(expression)}: ${values}`, 'yellow'));
    }
    if (isEnd(stop)) return shown.join('\n');
    if (stop.divergence) {
      const { details } = stop.divergence;
      shown.push(
        paint('What if: the program asks for something that was not recorded, and cannot go on.', 'magenta'),
        `  recorded: ${printable(details.expected)}`,
        `  asked:    ${printable(details.actual)}`,
      );
    }
    for (const [number, expression] of this.displays) {
      shown.push(`  ${number}:${evaluationText(await this.replay.evaluate(expression)).slice(1)}`);
    }
    return shown.join('\n');
  }

  /** The program passes a log point. */
  logged(hit: Logged): void {
    const line = hitText(hit);
    if (hit.whatIf) this.write(`${paint('what if:', 'magenta')} ${line}\n`);
    else this.output.note(line, hit.position);
  }

  /** A search that `interrupt` ends. */
  search(): AbortController {
    return (this.searching = new AbortController());
  }

  /** Stops what is running. */
  interrupt(): void {
    this.searching?.abort();
    this.replay.interrupt();
  }
}
