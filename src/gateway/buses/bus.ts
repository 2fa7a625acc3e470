/**
 * What the gateway asks of a message bus, whichever one carries the messages.
 *
 * Implemented by the other files of this folder, used by `running_gateway.ts` and its parts. Knows no sockets.
 */
import type { SizeInput } from "../../core/text/size.ts";
import type { DurationInput } from "../../core/time/duration.ts";
import type { MillraceError } from "../../core/errors.ts";
import type { PayloadEncoding } from "../payload.ts";

/** One message: bytes, a subject, and short facts about them. */
export interface BusMessage {
  /** Tokens separated by dots, such as `millrace.echo.in`. */
  readonly subject: string;
  /** Must not be changed by receivers. */
  readonly payload: Uint8Array;
  /**
   * On an ingress message: `conn.id`, `peer.ip`, `peer.port`, `endpoint`. On an egress message: `conn.id`, where `*`
   * means all connections.
   */
  readonly metadata: Readonly<Record<string, string>>;
  /** Subject for the reply. */
  readonly reply?: string | undefined;
  /** On an ingress message: its number on its connection, from 1. */
  readonly seq?: number | undefined;
  /** On an ingress message: when it was read, in milliseconds since 1970. */
  readonly received?: number | undefined;
  /** It comes from a store, and comes again unless its handler returns or resolves. */
  readonly stored?: boolean | undefined;
  /** How to write the payload on a bus that carries text; a bus of bytes ignores it. */
  readonly encoding?: PayloadEncoding | undefined;
}

/**
 * Hears what becomes of messages where a bus stores them (`Bus.stores`), each the object that was published. Its methods
 * must not throw.
 */
export interface PublishObserver {
  /** The message is stored. Messages of one connection are stored in order. */
  stored?(message: BusMessage): void;
  /** The message will never be stored: the stream does not take it, or the bus was closed first. */
  failed?(message: BusMessage, error: MillraceError): void;
}

/** Receives one message at a time. If it returns a promise, the next message waits for it. */
export type BusHandler = (message: BusMessage) => void | Promise<void>;

/** What happens to a message when the queue of a subscription is full. */
export type QueuePolicy =
  /** Taken, and the publisher is asked to wait: nothing is lost. */
  | "wait"
  | "drop-newest"
  | "drop-oldest";

/** Settings of one subscription. */
export interface SubscribeOptions {
  /** Messages that may wait before `policy` applies. @default 1024 */
  readonly limit?: number | undefined;
  /** Payload bytes that may wait before `policy` applies. @default "8 MiB" */
  readonly byteLimit?: SizeInput | undefined;
  /** What happens when either limit is reached. @default "wait" */
  readonly policy?: QueuePolicy | undefined;
  /**
   * On a bus that stores messages: the name under which it remembers what this subscription has handled, so that what
   * comes while it is away is delivered later. Other buses ignore it. @default none
   */
  readonly durable?: string | undefined;
}

/** One subscription. */
export interface BusSubscription {
  /** The pattern of the subscription. */
  readonly pattern: string;
  /** Messages waiting for the handler. */
  readonly pending: number;
  /** Messages dropped by the policy, or when it closed. */
  readonly dropped: number;
  /** Stops delivery and drops waiting messages. Resolves when the handler is not running. Idempotent. */
  close(): Promise<void>;
}

/** Counters of a bus. */
export interface BusStats {
  /** Messages published. */
  readonly published: number;
  /** Messages without a subscriber when they were published. */
  readonly unheard: number;
  /** Messages delivered to subscriptions; one message may count several times, or not at all. */
  readonly delivered: number;
  /** Messages dropped by a queue's policy, or when it closed. */
  readonly dropped: number;
  /** Handlers that threw or rejected. */
  readonly handlerErrors: number;
  /** Input that was not a message and was skipped. */
  readonly refused: number;
  /** Messages waiting for handlers now. */
  readonly pending: number;
  /** On a bus that stores messages: those stored. */
  readonly stored?: number | undefined;
  /** On a bus that stores messages: those that were stored already when they were sent again. */
  readonly duplicates?: number | undefined;
  /** On a bus that stores messages: how often publishing stopped, because of a failure or an outage. */
  readonly stops?: number | undefined;
  /** On a bus that stores messages: those published that are not known to be stored now. */
  readonly unconfirmed?: number | undefined;
}

/** A message bus. As in NATS, patterns may contain `*` for one token, and end with `>` for one or more. */
export interface Bus {
  /** Such as `"memory"`. */
  readonly name: string;
  /** True when messages under this subject are stored, and the observer of `publish` is told of each. */
  stores?(subject: string): boolean;
  /**
   * On a bus that stores messages: the `seq` of the last message that it has of this one's connection under its subject.
   * Resolves with undefined where it has none, or cannot know. Asked before messages are sent that may be stored already.
   */
  lastStored?(message: BusMessage): Promise<number | undefined>;
  /**
   * Publishes one message. If it returns a promise, wait for it before publishing more. `observer` hears whether it is
   * stored, on a bus that stores messages.
   *
   * @throws {BusError} `invalid_subject`; the promise rejects with `closed` or `disconnected`
   * @throws {LimitError} rejects when too many messages are published without waiting
   */
  publish(message: BusMessage, observer?: PublishObserver): void | Promise<void>;
  /**
   * Calls `handler` with messages published from now on, in order, one at a time.
   *
   * @throws {BusError} `invalid_subject` or `closed`
   * @throws {OptionsError} `invalid`, for an invalid option
   */
  subscribe(pattern: string, handler: BusHandler, options?: SubscribeOptions): BusSubscription;
  /** On a bus with a server: resolves when the server knows of all subscriptions made so far. */
  subscribed?(): Promise<void>;
  /**
   * Publishes with its own reply subject and resolves with the first reply. @default timeout "5 seconds"
   *
   * @throws {BusError} rejects when there is no subscriber, or no reply in time
   */
  request(
    message: Omit<BusMessage, "reply">,
    options?: { readonly timeout?: DurationInput | undefined },
  ): Promise<BusMessage>;
  /** The counters at this moment. */
  stats(): BusStats;
  /**
   * Resolves when everything published so far has been processed by all handlers or written to the output, including
   * what handlers published in turn.
   */
  flush(): Promise<void>;
  /** Closes all subscriptions. Idempotent. */
  close(): Promise<void>;
  /** Resolves, if at all, when the bus can no longer carry messages without having been closed. */
  readonly failed: Promise<MillraceError>;
}
