/**
 * The breakpoints of a session: which there are, which one a pause has hit, how often.
 *
 * Owned by the session. Invariant: a statement is marked in the VM as long as a breakpoint there still wants to know of it.
 */
import type { DebuggedVm } from './debugged';
import type { Evaluator } from './evaluation';
import type { BreakpointSpec, HitInfo } from './protocol';

export interface Breakpoint extends BreakpointSpec {
  hits: number;
}

const NONE: Breakpoint[] = [];

export class Breakpoints<F> {
  /** By file and statement. */
  private set = new Map<string, Map<number, Breakpoint[]>>();

  constructor(
    private readonly vm: DebuggedVm<F>,
    /** Takes the hits of breakpoints that only log. */
    private readonly tell: (hit: HitInfo) => void,
    private readonly evaluator: Evaluator<F>,
  ) {}

  /** Counts a pause at the frame's statement; answers the breakpoints there that stop the program. */
  hitsAt(frame: F): Breakpoint[] {
    if (this.set.size === 0) return NONE;
    const { file, statementId } = this.vm.locationOf(frame);
    const found = this.set.get(file)?.get(statementId);
    if (!found) return NONE;
    let again = false;
    let logs = 0;
    for (let i = 0; i < found.length; i++) {
      const breakpoint = found[i]!;
      breakpoint.hits++;
      again ||= breakpoint.once !== true;
      if (!breakpoint.log) continue;
      logs++;
      const { turn, step } = this.vm;
      this.tell({ id: breakpoint.id, hit: breakpoint.hits, turn, step, values: this.evaluator.evaluateAll(frame, breakpoint.log) });
    }
    if (!again) this.vm.setBreakpoint(file, statementId, false);
    return logs === 0 ? found : found.filter(({ log }) => !log);
  }

  /** Hit counts of breakpoints that stay are kept. */
  replace(set: BreakpointSpec[]): void {
    const hits = new Map<number, number>();
    for (const [file, statements] of this.set) {
      for (const [statement, list] of statements) {
        this.vm.setBreakpoint(file, statement, false);
        for (const { id, hits: count } of list) hits.set(id, count);
      }
    }
    this.set = new Map();
    for (const { id, file, statement, once, log } of set) {
      let statements = this.set.get(file);
      if (!statements) this.set.set(file, (statements = new Map()));
      let list = statements.get(statement);
      if (!list) statements.set(statement, (list = []));
      list.push({ id, file, statement, once: once === true, ...(log ? { log } : {}), hits: hits.get(id) ?? 0 });
      this.vm.setBreakpoint(file, statement, true);
    }
  }

  /** How often each was hit. */
  counts(): { id: number; hit: number }[] {
    const counts: { id: number; hit: number }[] = [];
    for (const statements of this.set.values()) {
      for (const list of statements.values()) for (const { id, hits: hit } of list) counts.push({ id, hit });
    }
    return counts;
  }
}
