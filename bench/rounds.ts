// Measuring fairly on a shared machine: variants take turns within each round, so that what disturbs one disturbs all; what is reported is the
// median over the rounds, with the smallest and the largest beside it.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** Calls `measure` for every variant in every round, each round in another order. Answers the measurements by variant. */
export async function interleave<V extends string, M>(
  variants: readonly V[],
  rounds: number,
  measure: (variant: V) => Promise<M>,
): Promise<Record<V, M[]>> {
  const results = Object.fromEntries(variants.map((variant) => [variant, [] as M[]])) as Record<V, M[]>;
  for (let round = 0; round < rounds; round++) {
    const from = round % variants.length;
    for (const variant of [...variants.slice(from), ...variants.slice(0, from)]) results[variant].push(await measure(variant));
  }
  return results;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted[sorted.length - 1] };
}

/** The value below which so many hundredths of all lie. */
export function percentile(values: readonly number[], hundredths: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * hundredths) / 100) - 1)];
}

/** The ratios of two variants round by round: a disturbance of a whole round cancels out. */
export function ratios(values: readonly number[], base: readonly number[]): Spread {
  return spread(values.map((value, round) => value / base[round]));
}

/** Runs Node with these words and answers the JSON of the last line it prints. */
export async function measureNode<T>(words: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Promise<T> {
  const { stdout } = await promisify(execFile)(process.execPath, words, options);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T;
}
