/**
 * Expressions evaluated in the frames of a paused program, for the session: asked for one by one, or told at each hit of a place.
 *
 * Where it can be proved that an expression runs none of the program's code (`pure.ts`) it is answered in place. Else the program's code
 * runs, with clocks standing still and crossings refused. Invariant: an answer that says `clean` has changed nothing that
 * the program could see.
 */
import { errorHead, previewOf, type InspectionKit } from './preview';
import { evaluatePure } from './pure';
import type { Evaluated, EvaluatedValue } from './protocol';

/** The part of the VM that evaluates; `F` is its frame type. */
export interface EvaluatingVm<F> {
  /** The value of a name or of `this`; undefined where only running code could tell. */
  lookup(frame: F, name: string): { value: unknown } | undefined;
  evaluate(frame: F, expression: string): unknown;
}

export interface EvaluationHost {
  kit: InspectionKit;
  /** Runs something during which output is dropped and no event of the trace is used up. */
  apart<T>(run: () => T): T;
}

export class Evaluator<F> {
  /** Something of the program's runs for an evaluation: no pause, no throw and no output of it is part of the replay. */
  running = false;

  constructor(
    private readonly vm: EvaluatingVm<F>,
    private readonly host: EvaluationHost,
  ) {}

  /** The value as a direct eval in the frame would have it. */
  evaluate(frame: F, expression: string): Evaluated {
    const proved = this.prove(frame, expression);
    if (proved) return { kind: 'evaluated', clean: true, ...previewOf(this.host.kit, proved.value) };
    return { kind: 'evaluated', clean: false, ...this.run(frame, expression) };
  }

  /** The values of those that can be proved to change nothing; null for the others. */
  provable(frame: F, expressions: readonly string[]): (EvaluatedValue | null)[] {
    const { kit } = this.host;
    const values: (EvaluatedValue | null)[] = [];
    for (let i = 0; i < expressions.length; i++) {
      const proved = this.prove(frame, expressions[i]!);
      values[i] = proved ? previewOf(kit, proved.value) : null;
    }
    return values;
  }

  private prove(frame: F, expression: string): { value: unknown } | undefined {
    return evaluatePure(this.host.kit, expression, { lookup: (name) => this.vm.lookup(frame, name) });
  }

  private run(frame: F, expression: string): EvaluatedValue {
    const { apart, kit } = this.host;
    this.running = true;
    try {
      return previewOf(
        kit,
        apart(() => this.vm.evaluate(frame, expression)),
      );
    } catch (error) {
      const head = errorHead(kit, error);
      return { type: 'error', preview: head.name ? `${head.name}: ${head.message}` : head.message, error: { ...head, stack: '' } };
    } finally {
      this.running = false;
    }
  }
}
