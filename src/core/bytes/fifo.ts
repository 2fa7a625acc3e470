/** A first-in-first-out queue whose `take` does not move the rest. Used by inbox and outbox. */

/** Below this many consumed slots the array is left alone; above, its front is cut off. */
const compactFrom = 1024;

/** The queue. Unbounded: its owner knows what may wait. */
export class Fifo<Item> {
  #items: Item[] = [];
  #head = 0;

  /** Items that wait. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  /** The oldest; only when `length` is not 0. */
  get first(): Item {
    return this.#items[this.#head]!;
  }

  /** Returns how many items wait, this one included. */
  push(item: Item): number {
    return this.#items.push(item) - this.#head;
  }

  /** Takes the oldest item; only when `length` is not 0. */
  take(): Item {
    const items = this.#items;
    const item = items[this.#head]!;
    // The slot is emptied so that the item is not kept alive by the queue.
    items[this.#head++] = undefined as Item;
    if (this.#head === items.length) {
      items.length = this.#head = 0;
    } else if (this.#head >= compactFrom) this.#compact();
    return item;
  }

  /** Calls for each that waits, the oldest first. */
  forEach(call: (item: Item) => void): void {
    for (let at = this.#head; at < this.#items.length; at++) call(this.#items[at]!);
  }

  /** Takes the newest item back; only when `length` is not 0. */
  takeNewest(): Item {
    const item = this.#items.pop()!;
    if (this.#head === this.#items.length) this.clear();
    return item;
  }

  /** Takes the oldest items, so many at most, as an array that nobody else holds. */
  takeMany(most: number): Item[] {
    const items = this.#items;
    const from = this.#head;
    if (items.length - from <= most) {
      this.clear();
      return from === 0 ? items : items.slice(from);
    }
    const taken = items.slice(from, from + most);
    items.fill(undefined as Item, from, from + most);
    this.#head = from + most;
    this.#compact();
    return taken;
  }

  /** Forgets everything. */
  clear(): void {
    this.#items = [];
    this.#head = 0;
  }

  #compact(): void {
    if (this.#head < compactFrom || this.#head * 2 <= this.#items.length) return;
    this.#items.splice(0, this.#head);
    this.#head = 0;
  }
}
