/**
 * The bus inside this process: no server, no copies, no loss.
 *
 * The gateway's default, and the way to use the gateway as a library. A message goes from publisher to
 * handlers in plain calls while they keep up; then each subscription queues up to its limit.
 */
import { type Clock, systemClock } from "../../core/time/clock.ts";
import { type DurationInput, toMilliseconds } from "../../core/time/duration.ts";
import type { MillraceError } from "../../core/errors.ts";
import { BusError } from "../errors.ts";
import type { Bus, BusHandler, BusMessage, BusStats, BusSubscription, SubscribeOptions } from "./bus.ts";
import { requestOver, requestTimeout } from "./request.ts";
import { checkPattern, checkSubject, isLiteral, matches } from "./subject.ts";
import { QueuedSubscription, type SubscriptionOwner } from "./subscription.ts";

/** Settings of {@linkcode memoryBus}. */
export interface MemoryBusOptions {
  /** Called with what a handler threw or rejected with; the bus continues. @default only counted */
  readonly onHandlerError?: ((error: unknown, message: BusMessage) => void) | undefined;
  /** Clock for requests, for tests. @default the system's */
  readonly clock?: Clock | undefined;
}

/**
 * A bus inside this process: no server, no copies, no loss.
 *
 * @example
 * ```ts
 * import { memoryBus } from "@millrace/millrace/gateway";
 *
 * const bus = memoryBus();
 * bus.subscribe("greetings.*", ({ subject, payload }) => {
 *   console.log(subject, new TextDecoder().decode(payload)); // greetings.en hello
 * });
 * await bus.publish({ subject: "greetings.en", payload: new TextEncoder().encode("hello"), metadata: {} });
 * await bus.close();
 * ```
 */
export function memoryBus(options: MemoryBusOptions = {}): Bus {
  return new MemoryBus(options);
}

/** Subjects whose subscriptions are remembered; then the memory starts afresh. */
const mostRoutes = 1024;

/** A handler publishes, whose handler publishes, and so on: `flush` follows a message this far. */
const mostHops = 8;

class MemoryBus implements Bus, SubscriptionOwner {
  readonly name = "memory";
  /** This bus has nothing that could fail. */
  readonly failed: Promise<MillraceError> = new Promise(() => {});

  readonly #subscriptions: Set<QueuedSubscription> = new Set();
  readonly #routes: Map<string, readonly QueuedSubscription[]> = new Map();
  readonly #onHandlerError: ((error: unknown, message: BusMessage) => void) | undefined;
  readonly #clock: Clock;
  #closed = false;
  #published = 0;
  #unheard = 0;
  #handlerErrors = 0;
  /** Of subscriptions that are closed. */
  #delivered = 0;
  #dropped = 0;

  constructor(options: MemoryBusOptions) {
    this.#onHandlerError = options.onHandlerError;
    this.#clock = options.clock ?? systemClock;
  }

  publish(message: BusMessage): void | Promise<void> {
    if (this.#closed) return refuse(closedError(`publish to ${message.subject}`));
    this.#published++;
    const route = this.#routes.get(message.subject) ?? this.#route(message.subject);
    if (route.length === 0) {
      this.#unheard++;
      return;
    }
    if (route.length === 1) return route[0]!.deliver(message);
    let waits: Promise<void>[] | undefined = undefined;
    for (const subscription of route) {
      const wait = subscription.deliver(message);
      if (wait !== undefined) (waits ??= []).push(wait);
    }
    if (waits !== undefined) return Promise.all(waits).then(nothing);
  }

  subscribe(pattern: string, handler: BusHandler, options: SubscribeOptions = {}): BusSubscription {
    checkPattern(pattern);
    if (this.#closed) throw closedError(`subscribe to ${pattern}`);
    const subscription = new QueuedSubscription(pattern, handler, options, this);
    this.#subscriptions.add(subscription);
    this.#routes.clear();
    return subscription;
  }

  // deno-lint-ignore require-await -- what it throws at once should reject
  async request(
    message: Omit<BusMessage, "reply">,
    options: { readonly timeout?: DurationInput | undefined } = {},
  ): Promise<BusMessage> {
    if (this.#closed) throw closedError(`request to ${message.subject}`);
    if (this.#route(message.subject).length === 0) {
      throw new BusError("no_responders", `request to ${message.subject}: it has no subscriber`);
    }
    const timeout = options.timeout === undefined
      ? requestTimeout
      : toMilliseconds(options.timeout, "timeout");
    return requestOver(this, message, timeout, this.#clock);
  }

  stats(): BusStats {
    let delivered = this.#delivered, dropped = this.#dropped, pending = 0;
    for (const subscription of this.#subscriptions) {
      delivered += subscription.delivered;
      dropped += subscription.dropped;
      pending += subscription.pending;
    }
    return {
      published: this.#published,
      unheard: this.#unheard,
      delivered,
      dropped,
      handlerErrors: this.#handlerErrors,
      refused: 0,
      pending,
    };
  }

  async flush(): Promise<void> {
    for (let hop = 0; hop < mostHops; hop++) {
      const busy = [...this.#subscriptions].filter((subscription) => !subscription.isIdle);
      if (busy.length === 0) return;
      await Promise.all(busy.map((subscription) => subscription.idle()));
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
  }

  closed(subscription: QueuedSubscription): void {
    this.#subscriptions.delete(subscription);
    this.#routes.clear();
    this.#delivered += subscription.delivered;
    this.#dropped += subscription.dropped;
  }

  handlerFailed(error: unknown, message: BusMessage): void {
    this.#handlerErrors++;
    this.#onHandlerError?.(error, message);
  }

  #route(subject: string): readonly QueuedSubscription[] {
    checkSubject(subject);
    const route = [...this.#subscriptions].filter(({ pattern }) =>
      isLiteral(pattern) ? pattern === subject : matches(pattern, subject)
    );
    if (this.#routes.size >= mostRoutes) this.#routes.clear();
    this.#routes.set(subject, route);
    return route;
  }
}

function closedError(action: string): BusError {
  return new BusError("closed", `${action}: the bus is closed`);
}

function refuse(error: BusError): Promise<void> {
  const refused = Promise.reject(error);
  refused.catch(nothing);
  return refused;
}

function nothing(): void {}
