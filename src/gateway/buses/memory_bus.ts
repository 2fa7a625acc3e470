/**
 * The bus inside this process: no server, no copies, no loss.
 *
 * The gateway's default, and the way to use the gateway as a library. A message goes from publisher to
 * handlers in plain calls while they keep up; then each subscription queues up to its limit.
 */
import { refused } from "../../core/deferred.ts";
import { type Clock, systemClock } from "../../core/time/clock.ts";
import { type DurationInput, toMilliseconds } from "../../core/time/duration.ts";
import type { MillraceError } from "../../core/errors.ts";
import { BusError, closedError } from "../errors.ts";
import type { Bus, BusHandler, BusMessage, BusStats, BusSubscription, SubscribeOptions } from "./bus.ts";
import { requestOver, requestTimeout } from "./request.ts";
import { checkPattern, checkSubject, isLiteral, matches } from "./subject.ts";
import type { QueuedSubscription } from "./subscription.ts";
import { Subscriptions } from "./subscriptions.ts";

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

class MemoryBus implements Bus {
  readonly name = "memory";
  /** This bus has nothing that could fail. */
  readonly failed: Promise<MillraceError> = new Promise(() => {});

  readonly #subscriptions: Subscriptions;
  readonly #routes: Map<string, readonly QueuedSubscription[]> = new Map();
  readonly #clock: Clock;
  #closed = false;
  #published = 0;
  #unheard = 0;

  constructor(options: MemoryBusOptions) {
    this.#subscriptions = new Subscriptions(options.onHandlerError, () => this.#routes.clear());
    this.#clock = options.clock ?? systemClock;
  }

  publish(message: BusMessage): void | Promise<void> {
    if (this.#closed) return refused(closedError(`publish to ${message.subject}`));
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
    const subscription = this.#subscriptions.add(pattern, handler, options);
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
    return {
      published: this.#published,
      unheard: this.#unheard,
      refused: 0,
      ...this.#subscriptions.stats(),
    };
  }

  flush(): Promise<void> {
    return this.#subscriptions.idle();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#subscriptions.close();
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

function nothing(): void {}
