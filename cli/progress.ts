/**
 * One line on a terminal that says how far a long replay is. Used by replay, interpret, log and verify.
 *
 * Invariant: nothing is ever written to a pipe or a file, and nothing to a terminal that the program's own output shares.
 */
import { canRewrite } from './screen';

const QUIET_MS = 700;
const EVERY_MS = 100;

export class Progress {
  private since = Date.now();
  private last = 0;
  private turn = -1;
  private total: number | undefined;
  private shown = false;
  private readonly wanted = canRewrite(process.stderr);

  /** totalTurns: asked once, when the first line is shown. hint: said behind it, such as how to stop. */
  constructor(
    private readonly totalTurns: () => number,
    private readonly shared = process.stdout.isTTY === true,
    private readonly doing = 'replaying',
    private readonly hint = '',
  ) {}

  /** A new piece of work: short ones show nothing. */
  begin(): void {
    this.since = Date.now();
  }

  /** step: within the turn, where it is known; 0: not yet. */
  at(turn: number, step?: number): void {
    const now = Date.now();
    if (!this.wanted || this.shared || now - this.since < QUIET_MS || now - this.last < EVERY_MS) return;
    this.last = now;
    this.total ??= this.totalTurns();
    if (this.total === 0) return;
    this.shown = true;
    const share = this.total > 1 ? ` (${Math.min(100, Math.floor((100 * turn) / this.total))} %)` : '';
    // A turn that lasts shows that it moves by its steps.
    const where = !step || turn !== this.turn ? '' : `, step ${step.toLocaleString('en')}`;
    this.turn = turn;
    const hint = this.hint === '' ? '' : `  ${this.hint}`;
    process.stderr.write(
      `\r\x1b[K${this.doing}: turn ${turn} of ${this.total}${share}${where}${hint}`.slice(0, (process.stderr.columns || 80) + 3),
    );
  }

  /** Takes the line away, so that something else can be written. It comes back when there is more to say. */
  done(): void {
    if (this.shown) process.stderr.write('\r\x1b[K');
    this.shown = false;
  }
}
