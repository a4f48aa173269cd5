/**
 * The copies of a replayer, and its pulse while it runs: now and then a run pauses for a moment, looks whether it is to stop, tells
 * how far it has come, and leaves a copy of itself behind.
 *
 * Owned by the session. Invariant: a pulse changes nothing that the program could see and no count of the session's; a copy serves
 * requests at the place where it was made before it does anything else.
 */
import type { DebuggedVm } from './debugged';
import type { Lay, ReplayerEvent, Request, Orders, Standing } from './protocol';

export interface BranchingHost {
  send(message: ReplayerEvent): void;
  receive(): Request | Orders;
  /** fork(2), with a control socket for the copy: its process id; 0 in the copy; a negative number if it cannot be made. */
  branch(): number;
  /** This process's. */
  pid(): number;
  /** Orders.rendezvous.key */
  readonly key: string;
  /** Milliseconds of processor time that this process has had: what others do on the machine is no reason to make more copies. */
  processorTime(): number;
  /** Whether a message of the controller's waits to be received. */
  messageWaits(): boolean;
}

/** Processor time between two pulses, in milliseconds, and the statements that may pass between them. */
const PULSE = 5;
const FIRST_PULSE = 2000;
const LONGEST_PULSE = 1_000_000;
/** The same between two messages of progress. */
const PROGRESS = 100;
/** Milliseconds that say something of a program's pace. */
const SHORT = 3;

export class Branching<F> {
  /** `output` events told so far. */
  outputs = 0;
  lastEvent: Standing['lastEvent'];
  private interval = FIRST_PULSE;
  /** Number of statements, from the program's start, at which the next pulse is due. */
  private pulseAt = FIRST_PULSE;
  private pulsedAt = 0;
  private pulsedTotal = 0;
  private toldAt = 0;
  private lay: Lay = {};
  private laidAt = 0;
  /** Of this run: where it began, and the processor time it has taken without its copies up to the last pulse. */
  private beganTotal = 0;
  private busy = 0;
  /** Index of the next one of lay.at. */
  private nextAt = 0;

  constructor(
    private readonly vm: DebuggedVm<F>,
    private readonly host: BranchingHost,
  ) {}

  /** A run begins. */
  begin(lay: Lay | undefined): void {
    const now = this.host.processorTime();
    this.pulsedAt = now;
    this.laidAt = now;
    this.toldAt = now;
    this.pulsedTotal = this.vm.steps;
    this.beganTotal = this.vm.steps;
    this.busy = 0;
    this.lay = lay ?? {};
    this.nextAt = 0;
    while ((this.lay.at?.[this.nextAt] ?? Infinity) <= this.vm.steps) this.nextAt++;
    this.plan();
  }

  /** Lets the VM pause for the next pulse, if it would not pause before. */
  aim(): void {
    const { vm } = this;
    const at = Math.max(this.pulseAt, vm.steps + 1);
    if (vm.pauseAt === 0 || vm.pauseAt > at) vm.pauseAt = at;
  }

  /** The next statement is a good moment: many turns of few statements should not go without a pulse. */
  hurry(): void {
    this.pulseAt = Math.min(this.pulseAt, this.vm.steps + 1);
  }

  get isDue(): boolean {
    return this.vm.steps >= this.pulseAt;
  }

  /** The pulse. `interrupt`: the run is to stop here. `copy`: this is a copy that the run has left behind. */
  pulse(standing: () => Standing): 'interrupt' | 'copy' | undefined {
    const { host } = this;
    const total = this.vm.steps;
    const now = host.processorTime();
    const elapsed = now - this.pulsedAt;
    this.busy += elapsed;
    // a machine that did something else in between says nothing
    if (elapsed > 0.1 && total > this.pulsedTotal) {
      const wanted = ((total - this.pulsedTotal) * PULSE) / elapsed;
      this.interval = Math.max(FIRST_PULSE / 4, Math.min(wanted, this.interval * 4, LONGEST_PULSE)) | 0;
    } else {
      this.interval = Math.min(this.interval * 4, LONGEST_PULSE);
    }
    this.pulsedTotal = total;
    if (host.messageWaits() && (host.receive() as Request).do === 'interrupt') {
      this.plan();
      return 'interrupt';
    }
    if (now - this.toldAt >= PROGRESS) {
      this.toldAt = now;
      host.send({ kind: 'progress', turn: this.vm.turn, step: this.vm.step, total });
    }
    let due = now - this.laidAt >= (this.lay.every ?? Infinity);
    while ((this.lay.at?.[this.nextAt] ?? Infinity) <= total) {
      this.nextAt++;
      due = true;
    }
    if (due && this.fork(0, standing) === 0) return 'copy';
    const after = due ? host.processorTime() : now;
    if (due) this.laidAt = after;
    this.pulsedAt = after;
    this.plan();
    return undefined;
  }

  /** Statements in a millisecond of processor time, in this run; undefined if it has been too short to tell. */
  pace(): number | undefined {
    const busy = this.busy + this.host.processorTime() - this.pulsedAt;
    return busy < SHORT ? undefined : (this.vm.steps - this.beganTotal) / busy;
  }

  /** Makes a copy, which says hello with that number. Answers as BranchingHost.branch. */
  fork(branch: number, standing: () => Standing): number {
    const { host } = this;
    const pid = host.branch();
    if (pid === 0) host.send({ kind: 'hello', key: host.key, branch, pid: host.pid(), standing: standing() });
    return pid;
  }

  private plan(): void {
    this.pulseAt = Math.min(this.vm.steps + this.interval, this.lay.at?.[this.nextAt] ?? Infinity);
  }
}
