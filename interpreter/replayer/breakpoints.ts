/**
 * The breakpoints of a session: which there are, which one a pause has hit.
 *
 * Owned by the session. Invariant: a statement is marked in the VM as long as a breakpoint there may stop the program or log; how often it was reached is the
 * VM's own knowledge, from the program's start.
 */
import type { DebuggedVm } from './debugged';
import type { Evaluator } from './evaluation';
import type { BreakpointSpec, HitInfo } from './protocol';

export interface Breakpoint extends BreakpointSpec {
  /** How often its statement was reached, when it was hit last. */
  hits: number;
}

const NONE: Breakpoint[] = [];

export class Breakpoints<F> {
  /** By file and statement. */
  private set = new Map<string, Map<number, Breakpoint[]>>();
  private silent: BreakpointSpec[] = [];
  private atThrows: BreakpointSpec[] = [];

  constructor(
    private readonly vm: DebuggedVm<F>,
    /** Takes the hits of breakpoints that only log. */
    private readonly tell: (hit: HitInfo) => void,
    private readonly evaluator: Evaluator<F>,
  ) {}

  /** Those at the frame's statement that stop there; nothing is told. */
  at(frame: F): Breakpoint[] {
    const { file, statementId } = this.vm.locationOf(frame);
    const found = this.set.get(file)?.get(statementId) ?? NONE;
    return found.filter(({ log }) => !log).map((breakpoint) => ({ ...breakpoint, hits: this.countOf(breakpoint) }));
  }

  /** At a pause before the frame's statement: answers the breakpoints there that stop the program. */
  hitsAt(frame: F): Breakpoint[] {
    if (this.set.size === 0) return NONE;
    const { file, statementId } = this.vm.locationOf(frame);
    const found = this.set.get(file)?.get(statementId);
    if (!found) return NONE;
    const stopping: Breakpoint[] = [];
    for (let i = 0; i < found.length; i++) {
      const breakpoint = found[i]!;
      const hits = (breakpoint.hits = this.countOf(breakpoint));
      if (!this.applies(breakpoint, frame)) continue;
      if (!breakpoint.log) {
        stopping[stopping.length] = breakpoint;
        continue;
      }
      const { turn, step } = this.vm;
      this.tell({ id: breakpoint.id, hit: hits, turn, step, values: this.evaluator.evaluateAll(frame, breakpoint.log) });
    }
    return stopping;
  }

  /** Whether one of them stops the program at the throw of that index. */
  stopsAtThrow(index: number): boolean {
    return this.atThrows.some(({ throws }) => (throws!.only ?? index) === index && throws!.except !== index);
  }

  private applies({ condition, entry, hitCondition, hits }: Breakpoint, frame: F): boolean {
    if (entry === true && this.vm.stepsIn(frame).previous !== 0) return false;
    if (hitCondition) {
      const { count, how } = hitCondition;
      if (how === '=' ? hits !== count : how === '>=' ? hits < count : hits % count !== 0) return false;
    }
    if (condition === undefined) return true;
    // a condition that throws is not met
    return this.evaluator.evaluateAll(frame, [`!!(${condition}\n)`])[0]?.value === true;
  }

  replace(set: BreakpointSpec[]): void {
    for (const [file, statements] of this.set) for (const statement of statements.keys()) this.vm.setBreakpoint(file, statement, false);
    this.set = new Map();
    this.silent = [];
    this.atThrows = set.filter(({ throws }) => throws !== undefined);
    for (const spec of set) {
      const { file, statement } = spec;
      if (spec.throws) continue;
      if (spec.countOnly === true) {
        this.silent.push(spec);
        continue;
      }
      let statements = this.set.get(file);
      if (!statements) this.set.set(file, (statements = new Map()));
      let list = statements.get(statement);
      if (!list) statements.set(statement, (list = []));
      list.push({ ...spec, hits: 0 });
      this.vm.setBreakpoint(file, statement, true);
    }
  }

  private countOf({ file, statement, counted }: BreakpointSpec): number {
    return this.vm.countOf(file, counted ?? statement);
  }

  /** How often the statement of each was reached since the program began. */
  counts(): { id: number; hit: number }[] {
    const counts: { id: number; hit: number }[] = [];
    const note = (spec: BreakpointSpec): void => void counts.push({ id: spec.id, hit: this.countOf(spec) });
    for (const statements of this.set.values()) for (const list of statements.values()) list.forEach(note);
    this.silent.forEach(note);
    return counts;
  }
}
