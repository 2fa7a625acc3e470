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

  push(item: Item): void {
    this.#items.push(item);
  }

  /** Takes the oldest item; only when `length` is not 0. */
  take(): Item {
    const items = this.#items;
    const item = items[this.#head]!;
    // The slot is emptied so that the item is not kept alive by the queue.
    items[this.#head++] = undefined as Item;
    if (this.#head === items.length) {
      items.length = this.#head = 0;
    } else if (this.#head >= compactFrom && this.#head * 2 > items.length) {
      items.splice(0, this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Takes the newest item back; only when `length` is not 0. */
  takeNewest(): Item {
    const item = this.#items.pop()!;
    if (this.#head === this.#items.length) this.clear();
    return item;
  }

  /** Forgets everything. */
  clear(): void {
    this.#items = [];
    this.#head = 0;
  }
}
