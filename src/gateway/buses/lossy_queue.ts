/**
 * A queue for messages of a server that waits for nobody: what exceeds it has nowhere to be, and is dropped, counted and said.
 *
 * Used by buses that carry messages which nobody stores.
 */
import type { Sparingly } from "../log.ts";
import type { BusHandler, BusMessage, BusSubscription, SubscribeOptions } from "./bus.ts";
import type { QueuedSubscription } from "./subscription.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** That of one subscription. */
export class LossyQueue implements BusSubscription {
  readonly pattern: string;
  readonly #queue: QueuedSubscription;
  readonly #sparingly: Sparingly;
  #told = 0;

  constructor(
    subscriptions: Subscriptions,
    pattern: string,
    handler: BusHandler,
    { policy = "drop-newest", ...limits }: SubscribeOptions,
    sparingly: Sparingly,
  ) {
    this.pattern = pattern;
    this.#sparingly = sparingly;
    this.#queue = subscriptions.add(pattern, handler, {
      ...limits,
      policy: policy === "wait" ? "drop-newest" : policy,
    });
  }

  get pending(): number {
    return this.#queue.pending;
  }

  get dropped(): number {
    return this.#queue.dropped;
  }

  deliver(message: BusMessage): void {
    void this.#queue.deliver(message);
    if (this.#queue.dropped === this.#told) return;
    const dropped = this.#told = this.#queue.dropped;
    const fields = { pattern: this.pattern, dropped };
    this.#sparingly.warn("messages of the bus dropped: their subscriber is slow", fields);
  }

  close(): Promise<void> {
    return this.#queue.close();
  }
}
