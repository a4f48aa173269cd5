/** Reproducible chance for the generator: the same seed makes the same choices on every machine (xorshift32). */
export class Random {
  private state: number;

  constructor(seed: number) {
    // Neighbouring seeds must not begin alike.
    this.state = Math.imul(seed + 0x9e3779b9, 0x85ebca6b) || 1;
    for (let i = 0; i < 8; i++) this.next();
  }

  private next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return x >>> 0;
  }

  /** An integer from 0 on, below `end`. */
  below(end: number): number {
    return this.next() % end;
  }

  /** An integer, both ends included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True `percent` times of a hundred. */
  chance(percent: number): boolean {
    return this.next() % 10000 < percent * 100;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** One of the makers, by weight; those of weight 0 never. */
  choose<T>(makers: readonly (readonly [weight: number, make: () => T])[]): T {
    let sum = 0;
    for (const [weight] of makers) sum += weight;
    let at = this.below(sum);
    for (const [weight, make] of makers) {
      at -= weight;
      if (at < 0) return make();
    }
    throw new Error('no maker has weight');
  }
}
