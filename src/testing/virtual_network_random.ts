/**
 * Numbers that look random and are the same for the same seed, on every runtime.
 *
 * Used by the virtual network. Not for secrets.
 */

/** A generator by counting and mixing (splitmix, in 32 bits). */
export class SeededRandom {
  #state: number;

  /** Each seed of the list matters, and their order. */
  constructor(...seeds: readonly number[]) {
    this.#state = 0x243f6a88;
    for (const seed of seeds) {
      this.#state = mix(this.#state ^ mix(seed >>> 0) ^ mix(Math.floor(seed / 2 ** 32)));
    }
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    return (mix(this.#state) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }
}

function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return x ^ (x >>> 15);
}
