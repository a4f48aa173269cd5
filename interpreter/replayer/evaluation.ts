/**
 * Expressions evaluated in the frames of a paused program, for the session: asked for one by one, or told at each hit of a place.
 *
 * Where it can be proved that an expression runs none of the program's code (`pure.ts`) it is answered in place. Else the program's
 * code runs, with clocks standing still and crossings refused, in a copy of the process that ends right after it. Where the system has
 * no such copies it runs here. Invariant: an answer that says `clean` has changed nothing that the program could see.
 */
import { asAsyncCall, syntaxErrorPlace } from './awaiting';
import type { Harmless } from './harmless';
import { errorHead, previewOf, type InspectionKit } from './preview';
import { asciiJson, decode, type Evaluated, type EvaluatedValue } from './protocol';
import { evaluatePure } from './pure';

/** The part of the VM that evaluates; `F` is its frame type. */
export interface EvaluatingVm<F> {
  /** The value of a name or of `this`; undefined where only running code could tell. */
  lookup(frame: F, name: string): { value: unknown } | undefined;
  evaluate(frame: F, expression: string): unknown;
}

export interface EvaluationHost {
  kit: InspectionKit;
  harmless?: Harmless | undefined;
  /** Runs something for which the world is as it was last seen: no event of the trace is used up. */
  apart<T>(run: () => T): T;
  /** Runs something in a copy of the process and gives the bytes it returns, or why there are none. Absent where copies cannot be made. */
  scratch?: ((milliseconds: number, run: () => Uint8Array) => Uint8Array | ScratchLoss) | undefined;
}

/** Its time was up; it ended; the controller wants something; there is no room for a copy. */
export type ScratchLoss = 'late' | 'died' | 'interrupted' | 'failed';

const { then } = Promise.prototype;
/** How long an evaluation may take that somebody waits for, and one at a place that the program runs past. */
const PATIENCE_MS = 20_000;
const PATIENCE_IN_PASSING_MS = 2_000;
/** Bytes kept of what an evaluation writes. */
const MAX_OUTPUT = 100_000;

export class Evaluator<F> {
  /** Something of the program's runs for an evaluation: no pause, no throw and no output of it is part of the replay. */
  running = false;
  private output: NonNullable<EvaluatedValue['output']> = [];
  private written = 0;

  constructor(
    private readonly vm: EvaluatingVm<F>,
    private readonly host: EvaluationHost,
  ) {}

  /** The value as a direct eval in the frame would have it. */
  evaluate(frame: F, expression: string, milliseconds = PATIENCE_MS): Evaluated {
    const [value] = this.provable(frame, [expression]);
    if (value) return { kind: 'evaluated', clean: true, ...value };
    if (asAsyncCall(expression) !== undefined)
      return { kind: 'evaluated', clean: true, awaits: true, ...failure('what it awaits is not settled here.') };
    const apart = this.inScratch(milliseconds, () => [this.run(frame, expression)]);
    if (apart) return { kind: 'evaluated', clean: true, ...apart[0]! };
    return { kind: 'evaluated', clean: false, ...this.run(frame, expression) };
  }

  /** Evaluates in the program itself. */
  change(frame: F, expression: string): Evaluated {
    return { kind: 'evaluated', clean: false, ...this.run(frame, expression) };
  }

  /**
   * Begins an evaluation with an `await` at its top, in the program itself. It is told when the promise is settled, as a microtask,
   * or at once if there is none.
   */
  begin(frame: F, expression: string, told: (value: EvaluatedValue) => void): void {
    const text = asAsyncCall(expression) ?? expression;
    const { kit } = this.host;
    let promise: unknown;
    const result = this.run(frame, text, (value) => (promise = value));
    if (typeof promise !== 'object' || promise === null || kit.isProxy(promise) || !kit.isPromise(promise)) return told(result);
    const { output } = result;
    const tell = (value: EvaluatedValue): void => told(output ? { ...value, output } : value);
    void then.call(
      promise as Promise<unknown>,
      (value) => tell(previewOf(kit, value)),
      (error: unknown) => tell(this.thrown(error)),
    );
  }

  /**
   * Several values at once, in passing; a later one may see what an earlier one did. Null for those that could not be had without
   * changing the program.
   */
  evaluateAll(frame: F, expressions: readonly string[]): (EvaluatedValue | null)[] {
    const values = this.provable(frame, expressions);
    const rest: number[] = [];
    for (let i = 0; i < values.length; i++) if (values[i] === null) rest.push(i);
    if (rest.length === 0) return values;
    const told = this.inScratch(PATIENCE_IN_PASSING_MS, () => rest.map((i) => this.run(frame, expressions[i]!)));
    if (!told) return values;
    for (let k = 0; k < rest.length; k++) {
      const i = rest[k]!;
      // One that ends the copy must not take the others with it.
      values[i] =
        told.length === rest.length ? told[k]! : this.inScratch(PATIENCE_IN_PASSING_MS, () => [this.run(frame, expressions[i]!)])![0]!;
    }
    return values;
  }

  /** What the program writes while an evaluation runs. */
  onOutput(fd: 1 | 2, bytes: string): void {
    const kept = bytes.slice(0, MAX_OUTPUT - this.written);
    this.written += kept.length;
    const last = this.output[this.output.length - 1];
    if (last?.fd === fd) last.bytes += kept;
    else if (kept !== '') this.output.push({ fd, bytes: kept });
  }

  private provable(frame: F, expressions: readonly string[]): (EvaluatedValue | null)[] {
    const { kit } = this.host;
    const scope = { lookup: (name: string) => this.vm.lookup(frame, name), harmless: this.host.harmless };
    const values: (EvaluatedValue | null)[] = [];
    for (let i = 0; i < expressions.length; i++) {
      const proved = evaluatePure(kit, expressions[i]!, scope);
      values[i] = proved ? previewOf(kit, proved.value) : null;
    }
    return values;
  }

  /** One value that says why, if the copy was lost; undefined where there can be no copy. */
  private inScratch(milliseconds: number, run: () => EvaluatedValue[]): EvaluatedValue[] | undefined {
    const told = this.host.scratch?.(milliseconds, () => asciiJson(run()));
    switch (told) {
      case undefined:
      case 'failed':
        return undefined;
      case 'late':
        return [failure(`the evaluation took longer than ${milliseconds / 1000} s.`)];
      case 'died':
        return [failure('the evaluation ended the program.')];
      case 'interrupted':
        return [failure('the evaluation was interrupted.')];
    }
    return decode(told) as EvaluatedValue[];
  }

  private run(frame: F, expression: string, take?: (value: unknown) => void): EvaluatedValue {
    const { apart, kit } = this.host;
    this.running = true;
    this.output = [];
    this.written = 0;
    let result: EvaluatedValue;
    try {
      const value = apart(() => this.vm.evaluate(frame, expression));
      take?.(value);
      result = previewOf(kit, value);
    } catch (error) {
      result = this.thrown(error);
      const place = result.error!.name === 'SyntaxError' ? syntaxErrorPlace(expression) : undefined;
      if (place !== undefined) result.error!.stack = `${place}\n${result.preview}`;
    } finally {
      this.running = false;
    }
    if (this.output.length > 0) result.output = this.output;
    return result;
  }

  /** What code of the program's threw while it ran for us, with its stack, since reading that may run code too. */
  private thrown(error: unknown): EvaluatedValue {
    const { apart, kit } = this.host;
    const head = errorHead(kit, error);
    let stack: unknown = '';
    try {
      if (!kit.isProxy(error) && kit.isNativeError(error)) stack = apart(() => (error as Error).stack);
    } catch {
      stack = '';
    }
    const preview = head.name ? `${head.name}: ${head.message}` : head.message;
    return { type: 'error', preview, error: { ...head, stack: typeof stack === 'string' ? stack : '' } };
  }
}

/** An evaluation that came to nothing, for a reason of ours. */
function failure(message: string): EvaluatedValue {
  return { type: 'error', preview: message, error: { name: 'Error', message, stack: '' } };
}
