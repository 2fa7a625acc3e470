/**
 * One subscription of a bus that lives in this process: a bounded queue in front of a handler.
 *
 * Used by the memory bus and the stdio bus. While the handler keeps up there is no queue and no promise:
 * a message goes from publisher to handler in plain calls.
 */
import { type Deferred, deferred } from "../../core/deferred.ts";
import { LimitError } from "../../core/errors.ts";
import { checkInteger, OptionsCheck } from "../../core/options.ts";
import { Inbox } from "../../core/flow/inbox.ts";
import type { BusHandler, BusMessage, BusSubscription, QueuePolicy, SubscribeOptions } from "./bus.ts";

/** Messages above the limit that publishers who were asked to wait may still have brought: one each. */
export const mostWaiting = 65_536;

const policies: readonly QueuePolicy[] = ["wait", "drop-newest", "drop-oldest"];

/** What a subscription tells its bus. */
export interface SubscriptionOwner {
  closed(subscription: QueuedSubscription): void;
  handlerFailed(error: unknown, message: BusMessage): void;
}

/** A queue and its handler. */
export class QueuedSubscription implements BusSubscription {
  readonly pattern: string;
  dropped = 0;
  delivered = 0;

  readonly #handler: BusHandler;
  readonly #owner: SubscriptionOwner;
  readonly #limit: number;
  readonly #byteLimit: number;
  readonly #policy: QueuePolicy;
  readonly #queue: Inbox<BusMessage> = new Inbox();
  #bytes = 0;
  #busy = false;
  #closed = false;
  #room: Deferred | undefined = undefined;
  #idle: Deferred | undefined = undefined;

  constructor(pattern: string, handler: BusHandler, options: SubscribeOptions, owner: SubscriptionOwner) {
    this.pattern = pattern;
    this.#handler = handler;
    this.#owner = owner;
    const check = new OptionsCheck();
    check.keys(options, ["limit", "byteLimit", "policy", "durable"]);
    this.#limit = checkInteger(check, "limit", options.limit, 1024, 1);
    this.#byteLimit = check.size("byteLimit", options.byteLimit, 8 * 1024 * 1024);
    this.#policy = check.oneOf("policy", options.policy, "wait", policies);
    check.done();
  }

  get pending(): number {
    return this.#queue.length;
  }

  /** Takes one message; a promise means that the publisher should wait. */
  deliver(message: BusMessage): void | Promise<void> {
    if (this.#closed) return;
    if (!this.#busy && this.#queue.length === 0) {
      this.#handle(message);
      if (!this.#busy) this.#work();
      return;
    }
    return this.#enqueue(message);
  }

  /** Nothing waits and the handler is not running. */
  get isIdle(): boolean {
    return !this.#busy && this.#queue.length === 0;
  }

  /** Resolves when idle. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return (this.#idle ??= deferred()).promise;
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.dropped += this.#queue.length;
      this.#forget();
      this.#owner.closed(this);
    }
    return this.idle();
  }

  #enqueue(message: BusMessage): void | Promise<void> {
    const full = this.#full();
    if (full && this.#policy === "drop-newest") {
      this.dropped++;
      return;
    }
    if (full && this.#policy === "drop-oldest") this.#dropOldest();
    if (full && this.#policy === "wait" && this.#queue.length >= this.#limit + mostWaiting) {
      this.dropped++;
      return Promise.reject(
        new LimitError(
          "waiting_sends",
          this.#limit,
          `publish to ${message.subject}: ${this.#queue.length} messages wait for a slow subscriber, expected at most ` +
            `${this.#limit}; await the promise that publish returns`,
        ),
      );
    }
    this.#queue.push(detached(message));
    this.#bytes += message.payload.length;
    if (this.#policy === "wait" && this.#full()) return (this.#room ??= deferred()).promise;
  }

  #full(): boolean {
    return this.#queue.length >= this.#limit || this.#bytes >= this.#byteLimit;
  }

  #dropOldest(): void {
    while (this.#queue.length > 0 && this.#full()) {
      this.#bytes -= this.#queue.take().payload.length;
      this.dropped++;
    }
  }

  #handle(message: BusMessage): void {
    this.#busy = true;
    this.delivered++;
    let wait: void | Promise<void> = undefined;
    try {
      wait = this.#handler(message);
    } catch (error) {
      this.#owner.handlerFailed(error, message);
    }
    if (wait === undefined) {
      this.#busy = false;
      return;
    }
    wait.catch((error: unknown) => this.#owner.handlerFailed(error, message)).then(() => {
      this.#busy = false;
      this.#work();
    });
  }

  /** Handles what waits until the handler asks for time. */
  #work(): void {
    while (!this.#busy && this.#queue.length > 0) {
      const message = this.#queue.take();
      this.#bytes -= message.payload.length;
      if (this.#room !== undefined && this.#roomy()) this.#release();
      this.#handle(message);
    }
    if (this.#busy || this.#idle === undefined) return;
    this.#idle.resolve();
    this.#idle = undefined;
  }

  #roomy(): boolean {
    return this.#queue.length <= this.#limit / 2 && this.#bytes <= this.#byteLimit / 2;
  }

  #release(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  #forget(): void {
    while (this.#queue.length > 0) this.#queue.take();
    this.#bytes = 0;
    this.#release();
  }
}

/** A small frame is a view of a large read; while it waits it must not keep the whole read alive. */
function detached(message: BusMessage): BusMessage {
  const { payload } = message;
  if (payload.length * 2 >= payload.buffer.byteLength) return message;
  return { ...message, payload: payload.slice() };
}
