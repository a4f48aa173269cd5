/**
 * The breakpoints of one replay: what was asked for, as statements the replayer knows, under ids that last while they are set.
 *
 * Used by Replay. Invariant: what is armed in the timeline is the list, the breakpoint at throws, and what a movement under way adds.
 */
import type { BreakpointSpec, HitInfo } from '../replayer/protocol';
import type { Breakpoint, Logged } from './asked';
import { parseHitCondition, type BreakpointOptions } from './landmarks';
import { FUNCTION, type Places } from './places';
import type { Timeline } from './timeline';
import { NOT_HERE, valueOf } from './values';

interface SetBreakpoint {
  spec: BreakpointSpec;
  /** All that tells it from others. */
  key: string;
  /** As in Resolved. */
  path: string;
  line: number;
  column: number;
  /** As in Breakpoint. */
  index: number;
}

export class BreakpointList {
  private list: SetBreakpoint[] = [];
  private throwBreakpoint: BreakpointSpec | undefined;

  constructor(
    private readonly timeline: Timeline,
    private readonly places: Places,
  ) {}

  /** Replaces all. Throws BadLocation and leaves them as they were. */
  async set(wanted: readonly (string | BreakpointOptions)[]): Promise<Breakpoint[]> {
    const set = wanted.flatMap((asked, index) => {
      const { location, log, condition, hit }: BreakpointOptions = typeof asked === 'string' ? { location: asked } : asked;
      return this.places.resolveAll(location).map(({ file, path, id, counted, line, column }): SetBreakpoint => {
        const spec: Omit<BreakpointSpec, 'id'> = {
          file,
          statement: id,
          ...(counted === undefined ? {} : { counted }),
          ...(location.startsWith(FUNCTION) ? { entry: true } : {}),
          ...(log ? { log: [...log] } : {}),
          ...(condition === undefined ? {} : { condition }),
          ...(hit === undefined ? {} : { hitCondition: parseHitCondition(hit) }),
        };
        const key = JSON.stringify(spec);
        const same = this.list.find((old) => old.key === key);
        return { spec: { id: same?.spec.id ?? this.timeline.newBreakpointId(), ...spec }, key, path, line, column, index };
      });
    });
    this.list = set;
    await this.arm();
    return set.map(({ spec: { id }, path, line, column, index }) => ({ id, file: this.places.shown(path), line, column, index }));
  }

  async breakOnThrows(which: 'all' | 'caught' | 'uncaught' | 'none'): Promise<void> {
    this.throwBreakpoint = undefined;
    if (which === 'caught' || which === 'uncaught') {
      const fatal = await this.fatalThrow();
      if (which === 'uncaught' && fatal === 0) return this.arm();
      this.throwBreakpoint = this.atThrows(which === 'uncaught' ? { only: fatal } : { except: fatal });
    } else if (which === 'all') this.throwBreakpoint = this.atThrows({});
    await this.arm();
  }

  private atThrows(throws: NonNullable<BreakpointSpec['throws']>): BreakpointSpec {
    return { id: this.timeline.newBreakpointId(), file: '', statement: -1, throws };
  }

  /** Index of the throw that the program died of; 0 if there is none. */
  private async fatalThrow(): Promise<number> {
    const { current, crash } = this.timeline;
    if (!crash && current?.kind !== 'ended') {
      await this.timeline.setBreakpoints([]);
      await this.timeline.forward([]);
      this.timeline.returnTo(current);
    }
    return this.timeline.crash?.throws ?? 0;
  }

  arm(...more: BreakpointSpec[]): Promise<void> {
    return this.timeline.setBreakpoints([
      ...this.list.map(({ spec }) => spec),
      ...(this.throwBreakpoint ? [this.throwBreakpoint] : []),
      ...more,
    ]);
  }

  /** Breakpoints of one id at the place, or at the first statements of every function of that name. */
  temporaries(landmark: { location: string } | { call: string }, id: number): BreakpointSpec[] {
    const entry = 'call' in landmark;
    const places = this.places.resolveAll(entry ? `${FUNCTION}${landmark.call}` : landmark.location);
    return places.map(({ file, id: statement }) => ({ id, file, statement, entry }));
  }

  logged({ id, turn, step, hit, values }: HitInfo, whatIf: boolean, onLog: (logged: Logged) => void): void {
    const point = this.list.find(({ spec }) => spec.id === id);
    if (!point?.spec.log) return;
    const evaluations = point.spec.log.map((expression, i) => ({ expression, ...valueOf(values[i] ?? NOT_HERE) }));
    const { line, column } = point;
    const position = this.places.position({ turn, step });
    onLog({ id, position, file: this.places.shown(point.path), line, column, hit, evaluations, ...(whatIf ? { whatIf: true } : {}) });
  }
}
