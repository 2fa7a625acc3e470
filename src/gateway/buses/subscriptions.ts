/**
 * The subscriptions of one bus in this process, with their counters, those of closed ones included.
 *
 * Used by every bus that queues messages here, in front of handlers.
 */
import type { BusHandler, BusMessage, BusStats, SubscribeOptions } from "./bus.ts";
import { QueuedSubscription, type SubscriptionOwner } from "./subscription.ts";

/** A handler publishes, whose handler publishes, and so on: `idle` follows a message this far. */
const mostHops = 8;

/** Hears what a handler threw or rejected with. */
export type HandlerErrors = (error: unknown, message: BusMessage) => void;

/** Those of one bus. */
export class Subscriptions implements SubscriptionOwner, Iterable<QueuedSubscription> {
  readonly #open: Set<QueuedSubscription> = new Set();
  readonly #onHandlerError: HandlerErrors | undefined;
  readonly #onClosed: (subscription: QueuedSubscription) => void;
  #handlerErrors = 0;
  /** Of subscriptions that are closed. */
  #delivered = 0;
  #dropped = 0;

  constructor(
    onHandlerError: HandlerErrors | undefined,
    onClosed: (subscription: QueuedSubscription) => void = () => {},
  ) {
    this.#onHandlerError = onHandlerError;
    this.#onClosed = onClosed;
  }

  [Symbol.iterator](): IterableIterator<QueuedSubscription> {
    return this.#open.values();
  }

  add(pattern: string, handler: BusHandler, options: SubscribeOptions): QueuedSubscription {
    const subscription = new QueuedSubscription(pattern, handler, options, this);
    this.#open.add(subscription);
    return subscription;
  }

  stats(): Pick<BusStats, "delivered" | "dropped" | "handlerErrors" | "pending"> {
    let delivered = this.#delivered, dropped = this.#dropped, pending = 0;
    for (const subscription of this.#open) {
      delivered += subscription.delivered;
      dropped += subscription.dropped;
      pending += subscription.pending;
    }
    return { delivered, dropped, handlerErrors: this.#handlerErrors, pending };
  }

  /** Resolves when no handler is at work and nothing waits for one. */
  async idle(): Promise<void> {
    for (let hop = 0; hop < mostHops; hop++) {
      const busy = [...this.#open].filter((subscription) => !subscription.isIdle);
      if (busy.length === 0) return;
      await Promise.all(busy.map((subscription) => subscription.idle()));
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((subscription) => subscription.close()));
  }

  closed(subscription: QueuedSubscription): void {
    this.#open.delete(subscription);
    this.#delivered += subscription.delivered;
    this.#dropped += subscription.dropped;
    this.#onClosed(subscription);
  }

  handlerFailed(error: unknown, message: BusMessage): void {
    this.#handlerErrors++;
    this.#onHandlerError?.(error, message);
  }
}
