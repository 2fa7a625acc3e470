/**
 * The bus of NATS itself: messages for whoever listens at that moment, at most once.
 *
 * What was sent and not seen by the server when it goes away may be lost. `jetstream_bus.ts` stores messages.
 */
import { type Deferred, deferred, refused } from "../../../core/deferred.ts";
import type { MillraceError } from "../../../core/errors.ts";
import { type DurationInput, toMilliseconds } from "../../../core/time/duration.ts";
import { BusError, closedError } from "../../errors.ts";
import { Sparingly } from "../../log.ts";
import type { Bus, BusHandler, BusMessage, BusStats, BusSubscription, SubscribeOptions } from "../bus.ts";
import { LossyQueue } from "../lossy_queue.ts";
import { type PendingLimits, pendingLimits } from "../pending_limits.ts";
import { requestTimeout } from "../request.ts";
import { checkPattern, checkSubject } from "../subject.ts";
import { Subscriptions } from "../subscriptions.ts";
import { WaitingPublishers } from "../waiting_publishers.ts";
import { headersOf, messageOf } from "./message_headers.ts";
import { NatsLink } from "./nats_link.ts";
import type { NatsOptions } from "./nats_options.ts";

/**
 * A bus on NATS. Resolves when a server has answered; needs the package `@nats-io/transport-node`.
 *
 * A message reaches those who are subscribed at that moment, at most once: use `jetStreamBus` where none may be lost.
 *
 * @throws {BusError} rejects with `not_installed`, or `disconnected` if no server answers within `connectTimeout`
 * @throws {OptionsError} rejects for an invalid option
 */
export async function natsBus(options: NatsOptions = {}): Promise<Bus> {
  const limits = pendingLimits(options);
  return new NatsBus(await NatsLink.open(options), limits, options);
}

/** The status of a message that says that a subject has no subscriber. */
const noResponders = 503;

/** Core NATS over a link, which it closes. */
export class NatsBus implements Bus {
  readonly name = "nats";
  readonly failed: Promise<MillraceError>;
  readonly #link: NatsLink;
  readonly #limits: PendingLimits;
  readonly #subscriptions: Subscriptions;
  readonly #sparingly: Sparingly;
  #published = 0;
  #unheard = 0;
  readonly #waiting: WaitingPublishers;
  /** Sent since the last answer of the server. */
  #messages = 0;
  #bytes = 0;
  #room: Deferred | undefined = undefined;

  constructor(link: NatsLink, limits: PendingLimits, { onHandlerError }: NatsOptions) {
    this.#link = link;
    this.#limits = limits;
    this.#subscriptions = new Subscriptions(onHandlerError);
    this.#sparingly = new Sparingly(link.log);
    this.#waiting = new WaitingPublishers(link);
    this.failed = link.failed;
  }

  publish(message: BusMessage): void | Promise<void> {
    checkSubject(message.subject);
    if (this.#link.closed) return refused(closedError(`publish to ${message.subject}`));
    if (!this.#link.up) return this.#waiting.publish(message, (later) => this.#send(later));
    this.#send(message);
    if (this.#room !== undefined) return this.#full ? this.#room.promise : undefined;
    // Half of what may wait is on its way while the server is asked for the other half.
    if (this.#messages * 2 < this.#limits.messages && this.#bytes * 2 < this.#limits.bytes) return undefined;
    this.#ask();
    return this.#full ? this.#room!.promise : undefined;
  }

  subscribe(pattern: string, handler: BusHandler, options: SubscribeOptions = {}): BusSubscription {
    checkPattern(pattern);
    if (this.#link.closed) throw closedError(`subscribe to ${pattern}`);
    const queue = new LossyQueue(this.#subscriptions, pattern, handler, options, this.#sparingly);
    const source = this.#link.connection.subscribe(pattern, {
      callback: (error, message) => {
        if (error !== null) return;
        // What the server sends to the reply subject of a message that nobody was there for.
        if (message.headers?.code === noResponders) {
          this.#unheard++;
          return;
        }
        queue.deliver(messageOf(message));
      },
    });
    return {
      pattern,
      get pending() {
        return queue.pending;
      },
      get dropped() {
        return queue.dropped;
      },
      close() {
        if (!source.isClosed()) source.unsubscribe();
        return queue.close();
      },
    };
  }

  async subscribed(): Promise<void> {
    await this.#link.connection.flush();
  }

  async request(
    { subject, payload, metadata }: Omit<BusMessage, "reply">,
    options: { readonly timeout?: DurationInput | undefined } = {},
  ): Promise<BusMessage> {
    const timeout = options.timeout === undefined
      ? requestTimeout
      : toMilliseconds(options.timeout, "timeout");
    checkSubject(subject);
    const action = `request to ${subject}`;
    const { connection, library } = this.#link;
    if (this.#link.closed) throw closedError(action);
    const headers = headersOf(library, { subject, payload, metadata });
    try {
      return messageOf(await connection.request(subject, payload, { timeout, ...(headers && { headers }) }));
    } catch (cause) {
      const { NoRespondersError, RequestError, TimeoutError } = library.errors;
      const reason = cause instanceof RequestError ? cause.cause ?? cause : cause;
      if (reason instanceof NoRespondersError) {
        throw new BusError("no_responders", `${action}: it has no subscriber`, { cause });
      }
      if (reason instanceof TimeoutError) {
        throw new BusError("timeout", `${action}: no reply within ${timeout} ms`, { cause });
      }
      throw new BusError("disconnected", `${action}: ${(reason as Error).message}`, { cause });
    }
  }

  stats(): BusStats {
    const { dropped, pending, ...own } = this.#subscriptions.stats();
    return {
      published: this.#published,
      unheard: this.#unheard,
      refused: 0,
      ...own,
      dropped: dropped + this.#waiting.overflowed,
      pending: pending + this.#waiting.count,
    };
  }

  async flush(): Promise<void> {
    await this.#link.whenUp("flush");
    await this.#link.connection.flush().catch(nothing);
    await this.#subscriptions.idle();
    await this.#link.connection.flush().catch(nothing);
  }

  async close(): Promise<void> {
    await this.#subscriptions.close();
    await this.#link.close();
  }

  get #full(): boolean {
    return this.#messages >= this.#limits.messages || this.#bytes >= this.#limits.bytes;
  }

  #send(message: BusMessage): void {
    const { subject, payload, reply } = message;
    const { connection, library } = this.#link;
    const headers = headersOf(library, message);
    try {
      connection.publish(subject, payload, {
        ...(reply !== undefined && { reply }),
        ...(headers && { headers }),
      });
    } catch (cause) {
      throw new BusError("rejected", `publish to ${subject}: ${(cause as Error).message}`, { cause });
    }
    this.#published++;
    this.#messages++;
    this.#bytes += payload.length;
  }

  /** Asks the server whether it has seen everything; what was sent before that no longer waits. */
  #ask(): void {
    const [messages, bytes] = [this.#messages, this.#bytes];
    const room = this.#room = deferred();
    const answered = (): void => {
      this.#messages -= messages;
      this.#bytes -= bytes;
      this.#room = undefined;
      room.resolve();
    };
    // Without an answer it is gone, and what it has not seen with it.
    void this.#link.connection.flush().then(answered, answered);
  }
}

function nothing(): void {}
