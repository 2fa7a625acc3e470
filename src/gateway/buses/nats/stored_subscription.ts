/**
 * A subscription to what a stream stores: one consumer, whose messages are acknowledged when their handler is done.
 *
 * Used by `jetstream_bus.ts`. What is not acknowledged in time is delivered again; while a message waits for its handler
 * here, the server is told so.
 */
import type { ConsumerMessages, JetStreamClient, JsMsg } from "@nats-io/jetstream";
import type { BusHandler, BusMessage, BusSubscription, SubscribeOptions } from "../bus.ts";
import type { QueuedSubscription } from "../subscription.ts";
import type { Subscriptions } from "../subscriptions.ts";
import type { JetStream } from "./library.ts";
import { messageOf, replyHeader } from "./message_headers.ts";
import type { NatsLink } from "./nats_link.ts";

/** A message without an answer is delivered again after so long, in ms. */
const ackWaitMs = 60_000;
/** One whose handler has failed is, after so long, in ms, and that often at most. */
const againMs = 1_000;
const mostDeliveries = 10;
/** A consumer without a name of its own is forgotten when it was away for so long, in ms. */
const forgottenMs = 300_000;
/** After a fault of the consumer itself, in ms. */
const retryMs = 1_000;
const nanosecondsPerMs = 1e6;

interface Delivered extends BusMessage {
  readonly source: JsMsg;
}

/** What the bus lends it. */
export interface StoredContext {
  readonly link: NatsLink;
  readonly library: JetStream;
  readonly client: JetStreamClient;
  readonly stream: string;
  readonly subscriptions: Subscriptions;
}

/** One of a bus. */
export class StoredSubscription implements BusSubscription {
  readonly pattern: string;
  /** Settles when the consumer is there. */
  readonly ready: Promise<void>;
  readonly #context: StoredContext;
  readonly #onClosed: () => void;
  readonly #queue: QueuedSubscription;
  readonly #durable: string | undefined;
  readonly #most: number;
  readonly #waiting: Set<JsMsg> = new Set();
  readonly #since: Date = new Date();
  #messages: ConsumerMessages | undefined = undefined;
  #timer: unknown = undefined;
  #closed = false;

  /** `onClosed` is called once it is closed. */
  constructor(
    pattern: string,
    handler: BusHandler,
    options: SubscribeOptions,
    context: StoredContext,
    onClosed: () => void,
  ) {
    this.pattern = pattern;
    this.#onClosed = onClosed;
    this.#context = context;
    this.#durable = options.durable?.replaceAll(/[\s.*>/\\\p{Cc}]/gu, "_");
    this.#most = options.limit ?? 1024;
    this.#queue = context.subscriptions.add(
      pattern,
      (message) => this.#handle(handler, message as Delivered),
      {
        ...options,
        policy: "wait",
      },
    );
    this.#timer = context.link.clock.setTimer(this.#tell, ackWaitMs / 2);
    this.ready = this.#begin();
  }

  get pending(): number {
    return this.#queue.pending;
  }

  get dropped(): number {
    return this.#queue.dropped;
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#context.link.clock.clearTimer(this.#timer);
      await this.#messages?.close();
      this.#onClosed();
    }
    await this.#queue.close();
  }

  async #begin(): Promise<void> {
    const { client, stream, link, library: { AckPolicy, DeliverPolicy } } = this.#context;
    const durable = this.#durable;
    try {
      const manager = await client.jetstreamManager(false);
      const { name } = await manager.consumers.add(stream, {
        ack_policy: AckPolicy.Explicit,
        deliver_policy: DeliverPolicy.StartTime,
        opt_start_time: this.#since.toISOString(),
        filter_subject: this.pattern,
        ack_wait: ackWaitMs * nanosecondsPerMs,
        max_ack_pending: this.#most,
        max_deliver: mostDeliveries,
        ...(durable === undefined
          ? { inactive_threshold: forgottenMs * nanosecondsPerMs }
          : { durable_name: durable }),
      }).catch((error: Error) => this.#existing(error));
      if (this.#closed) return;
      const consumer = await client.consumers.get(stream, name);
      const messages = this.#messages = await consumer.consume({
        max_messages: Math.min(this.#most, 256),
        callback: (message) => this.#take(message),
      });
      if (this.#closed) await messages.close();
      void messages.closed().then(() => this.#again("the consumer has ended"));
    } catch (error) {
      if (!link.connection.isClosed()) this.#again((error as Error).message);
    }
  }

  /** A durable one is there from before, perhaps with another start: it goes on where it was. */
  async #existing(error: Error): Promise<{ readonly name: string }> {
    const { client, stream } = this.#context;
    if (this.#durable === undefined) throw error;
    const manager = await client.jetstreamManager(false);
    const { config, name } = await manager.consumers.info(stream, this.#durable).catch(() => {
      throw error;
    });
    if (config.filter_subject !== this.pattern) throw error;
    return { name };
  }

  #again(why: string): void {
    const { link, stream } = this.#context;
    if (this.#closed || link.closed) return;
    const fields = { stream, pattern: this.pattern, error: why };
    link.log({ level: "error", message: "subscription to the stream failed; it is made again", fields });
    link.clock.setTimer(() => {
      if (!this.#closed && !link.closed) void this.#begin();
    }, retryMs);
  }

  #take(source: JsMsg): void {
    if (this.#closed) return;
    this.#waiting.add(source);
    const { subject, data, headers } = source;
    const message: Delivered = {
      ...messageOf({
        subject,
        data,
        reply: headers?.get(replyHeader) ?? "",
        ...(headers !== undefined && { headers }),
      }),
      stored: true,
      source,
    };
    void this.#queue.deliver(message);
  }

  #handle(handler: BusHandler, message: Delivered): void | Promise<void> {
    const { source } = message;
    const done = (): void => {
      this.#waiting.delete(source);
      source.ack();
    };
    const failed = (error: unknown): never => {
      this.#waiting.delete(source);
      source.nak(againMs);
      throw error;
    };
    let wait: void | Promise<void> = undefined;
    try {
      wait = handler(message);
    } catch (error) {
      failed(error);
    }
    return wait === undefined ? done() : wait.then(done, failed);
  }

  /** Those that wait here are still wanted. */
  readonly #tell = (): void => {
    for (const message of this.#waiting) message.working();
    this.#timer = this.#context.link.clock.setTimer(this.#tell, ackWaitMs / 2);
  };
}
