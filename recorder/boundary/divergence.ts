/**
 * A replay that asks for something else than was recorded. Made by replay.ts, shown on stderr or passed to the controller.
 *
 * Invariant: a divergence ends the replay; nothing of the live world is asked instead.
 */
export interface Divergence {
  /** The next event of the trace: `binding.member`, its handle and index; 'the end of the recording' if there is none. */
  readonly expected: string;
  /** What the program did instead. */
  readonly actual: string;
  /** Turn in which it happened. */
  readonly turn: number;
  /** Index of the expected event in the trace. */
  readonly event: number;
  /** The program's stack, frames of the boundary left out. */
  readonly stack: string;
  /** The last events that agreed, oldest first. */
  readonly agreed: readonly string[];
}

/** The report for people, several lines, ending in what to do next. */
export function divergenceReport(d: Divergence): string {
  return [
    `retrace: the replay diverged from the recording in turn ${d.turn}, at event ${d.event}`,
    `  expected: ${d.expected}`,
    `  actual:   ${d.actual}`,
    ...d.stack.split('\n').map((line) => `  ${line.trimStart().startsWith('at ') ? '  ' : ''}${line.trimStart()}`),
    '  last events that agreed:',
    ...d.agreed.map((line) => `    ${line}`),
    '  Try `retrace replay --engine native`: if that diverges too, the recorder missed a crossing; if not, the interpreter differs.',
    '',
  ].join('\n');
}
