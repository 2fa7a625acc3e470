/**
 * Counts what goes through: items, bytes, and the largest of them.
 *
 * A stage and, as `MetricsTapStream`, a Web Stream. Reads no clock: rates are made of two readings.
 */
import { byteSizeOrZero, type ItemSize } from "../bytes/item_size.ts";
import type { Stage } from "./stage.ts";

/** Counts of a tap. */
export interface TapCounts {
  /** Items: chunks or frames, depending on where the tap is. */
  readonly items: number;
  /** The sum of their sizes in bytes. */
  readonly bytes: number;
  /** Size of the largest item in bytes; 0 before the first. */
  readonly largest: number;
}

/**
 * Counts everything that passes through. One tap may be part of several pipelines and then counts all of them.
 *
 * @example
 * ```ts
 * import { compose, lines, MetricsTap } from "@millrace/millrace/streams";
 *
 * const tap = new MetricsTap();
 * const stage = compose(tap, lines().decoder((error) => console.error(error)));
 * stage.push(new TextEncoder().encode("one\ntwo\n"), (line) => console.log(line.length));
 * // 3
 * // 3
 * console.log(tap.items, tap.bytes); // 1 8
 * ```
 */
export class MetricsTap<T = Uint8Array> implements Stage<T, T>, TapCounts {
  /** Items so far. */
  items = 0;
  /** The sum of their sizes in bytes. */
  bytes = 0;
  /** Size of the largest item in bytes. */
  largest = 0;
  readonly #size: ItemSize<T>;

  /** Counts with `size`, the size of an item in bytes. @default length of bytes, UTF-8 length of text, 0 for anything else */
  constructor(size: ItemSize<T> = byteSizeOrZero) {
    this.#size = size;
  }

  /** Counts one item and passes it on. */
  push(item: T, next: (out: T) => void): void {
    const size = this.#size(item);
    this.items++;
    this.bytes += size;
    if (size > this.largest) this.largest = size;
    next(item);
  }

  /** A copy of the current counts. */
  counts(): TapCounts {
    return { items: this.items, bytes: this.bytes, largest: this.largest };
  }
}
