import { createHash } from 'node:crypto';

/**
 * Draws that a seed repeats. Everybody who draws has a stream of his own (`seed` and a name), so that what one does next
 * does not depend on how fast the others were.
 */
export class SeededRandom {
  #state: number;

  constructor(seed: string, name: string) {
    this.#state = createHash('sha256').update(`${seed} ${name}`).digest().readUInt32LE();
  }

  /** From 0 up to, and without, 1. */
  next(): number {
    // Weyl's sequence, mixed twice by a product and a shift: enough to choose by.
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 up to, and without, `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<V>(values: readonly V[]): V {
    const value = values[this.below(values.length)];
    if (value === undefined) {
      throw new Error('There is nothing to pick from.');
    }
    return value;
  }

  /** One of the names, each as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let at = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      at -= weight;
      if (at < 0) {
        return name;
      }
    }
    return (entries.at(-1) as [K, number])[0];
  }
}
