/**
 * What the gateway asks of a message bus, whichever one carries the messages.
 *
 * Implemented by the other files of this folder, used by `gateway.ts` and its parts. Knows no sockets.
 */
import type { SizeInput } from "../../core/text/size.ts";
import type { DurationInput } from "../../core/time/duration.ts";
import type { MillraceError } from "../../core/errors.ts";
import type { PayloadEncoding } from "../payload.ts";

/** One message: bytes, a subject, and short facts about them. */
export interface BusMessage {
  /** Tokens with dots between them, such as `millrace.echo.in`. */
  readonly subject: string;
  /** Not to be changed by anybody who gets it. */
  readonly payload: Uint8Array;
  /** On an ingress message: `conn.id`, `peer.ip`, `peer.port`, `endpoint`. On egress: `conn.id`, where `*` stands for all. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Where an answer should be published. */
  readonly reply?: string | undefined;
  /** How to show the payload on a bus that carries text; a bus of bytes ignores it. */
  readonly encoding?: PayloadEncoding | undefined;
}

/** Takes one message at a time. A promise that it returns holds back the next one. */
export type BusHandler = (message: BusMessage) => void | Promise<void>;

/** What happens to a message that finds the queue of a subscription full. */
export type QueuePolicy =
  /** Taken, and the publisher is asked to wait: nothing is lost. */
  | "wait"
  | "drop-newest"
  | "drop-oldest";

/** Settings of one subscription. */
export interface SubscribeOptions {
  /** Messages that may wait for the handler before `policy` decides. @default 1024 */
  readonly limit?: number | undefined;
  /** Payload bytes that may wait before `policy` decides. @default "8 MiB" */
  readonly byteLimit?: SizeInput | undefined;
  /** What happens when either is reached. @default "wait" */
  readonly policy?: QueuePolicy | undefined;
}

/** One subscription. */
export interface BusSubscription {
  /** What it was made with. */
  readonly pattern: string;
  /** Messages that wait for the handler. */
  readonly pending: number;
  /** Messages given up by the policy, or by closing. */
  readonly dropped: number;
  /** Hands over no more and forgets what waits. Resolves when the handler is not running. Idempotent. */
  close(): Promise<void>;
}

/** What a bus has counted. */
export interface BusStats {
  /** Messages that `publish` took. */
  readonly published: number;
  /** Messages that nobody subscribed to when they were published. */
  readonly unheard: number;
  /** Messages handed to a subscription; one message may count several times, or never. */
  readonly delivered: number;
  /** Messages given up by a queue's policy, or by its closing. */
  readonly dropped: number;
  /** Handlers that threw or rejected. */
  readonly handlerErrors: number;
  /** Input that was no message and was skipped. */
  readonly refused: number;
  /** Messages that wait for handlers now. */
  readonly pending: number;
}

/** A message bus. Patterns may have `*` for one token and `>` at the end for one or more, as in NATS. */
export interface Bus {
  /** Such as `"memory"`. */
  readonly name: string;
  /**
   * Sends one message. A promise means: wait before publishing more. It rejects with `BusError` `closed` or
   * `disconnected`, or `LimitError` when too many are sent by somebody who does not wait. Throws `BusError`
   * `invalid_subject`.
   */
  publish(message: BusMessage): void | Promise<void>;
  /**
   * Hands what is published from now on to `handler`, in order, one at a time.
   *
   * @throws {BusError} `invalid_subject` or `closed`
   * @throws {OptionsError} `invalid`: an option that makes no sense
   */
  subscribe(pattern: string, handler: BusHandler, options?: SubscribeOptions): BusSubscription;
  /** Publishes with a reply subject of its own and gives the first answer. Rejects with `BusError`. @default timeout "5 seconds" */
  request(
    message: Omit<BusMessage, "reply">,
    options?: { readonly timeout?: DurationInput | undefined },
  ): Promise<BusMessage>;
  /** What it has counted so far. */
  stats(): BusStats;
  /**
   * Resolves when what was published so far has been taken, by all handlers or by the output, and what handlers
   * published in turn.
   */
  flush(): Promise<void>;
  /** Ends all subscriptions. Idempotent. */
  close(): Promise<void>;
  /** Resolves, if ever, when the bus can carry no more messages though nobody closed it. */
  readonly failed: Promise<MillraceError>;
}
