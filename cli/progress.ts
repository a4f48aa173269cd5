/**
 * One line on a terminal that says how far a long replay is. Used by replay and interpret.
 *
 * Invariant: nothing is ever written to a pipe or a file, and nothing to a terminal that the program's own output shares.
 */
const QUIET_MS = 700;
const EVERY_MS = 100;

export class Progress {
  private since = Date.now();
  private last = 0;
  private total: number | undefined;
  private shown = false;
  private readonly wanted = process.stderr.isTTY === true;

  /** totalTurns: asked once, when the first line is shown. */
  constructor(
    private readonly totalTurns: () => number,
    private readonly shared = process.stdout.isTTY === true,
    private readonly doing = 'replaying',
  ) {}

  /** A new piece of work: short ones show nothing. */
  begin(): void {
    this.since = Date.now();
  }

  at(turn: number): void {
    const now = Date.now();
    if (!this.wanted || this.shared || now - this.since < QUIET_MS || now - this.last < EVERY_MS) return;
    this.last = now;
    this.total ??= this.totalTurns();
    if (this.total === 0) return;
    this.shown = true;
    const share = Math.min(100, Math.floor((100 * turn) / this.total));
    process.stderr.write(`\r\x1b[K${this.doing}: turn ${turn} of ${this.total} (${share} %)`);
  }

  done(): void {
    if (this.shown) process.stderr.write('\r\x1b[K');
    this.shown = false;
  }
}
