/**
 * The bus of Redis: subjects that are stored go to streams, once and in order; all others to channels.
 *
 * Made of a channel bus, the way into the streams (`ingest.ts`), and a reader for each subscription to what is stored.
 */
import { refused } from "../../../core/deferred.ts";
import type { MillraceError } from "../../../core/errors.ts";
import { checkInteger, OptionsCheck } from "../../../core/options.ts";
import { type DurationInput, toMilliseconds } from "../../../core/time/duration.ts";
import { BusError, closedError } from "../../errors.ts";
import type {
  Bus,
  BusHandler,
  BusMessage,
  BusStats,
  BusSubscription,
  PublishObserver,
  SubscribeOptions,
} from "../bus.ts";
import { pendingLimits } from "../pending_limits.ts";
import { checkPattern, isPattern } from "../subject.ts";
import { Subscriptions } from "../subscriptions.ts";
import { ChannelBus } from "./channel_bus.ts";
import { Ingest, type StoreSettings } from "./ingest.ts";
import { RedisLink } from "./redis_link.ts";
import type { RedisOptions } from "./redis_options.ts";
import { checkServer } from "./server_check.ts";
import { StoredSubscription } from "./stored_subscription.ts";
import { standardSubjects, StreamNames } from "./stream_names.ts";

/**
 * A bus on Redis. Resolves when a server has answered; needs the package `ioredis`, and Redis 6.2 or newer.
 *
 * A message under one of `subjects` is stored once, in order, also when the server is away for a while: then `publish` returns
 * a promise once `maxPending` messages wait. A subscription to such subjects gets each message until its handler returns or
 * resolves if it has a durable name, and else what is stored from then on. Every other message reaches those who are subscribed at
 * that moment, at most once.
 *
 * @throws {BusError} rejects with `not_installed`, `disconnected`, or `rejected` where the server cannot do it
 * @throws {OptionsError} rejects for an invalid option
 */
export async function redisBus(options: RedisOptions = {}): Promise<Bus> {
  const limits = pendingLimits(options);
  const settings = storeSettings(options);
  const link = await RedisLink.open(options);
  const name = crypto.randomUUID().replaceAll("-", "");
  const ingest = new Ingest(link, settings, limits, name);
  try {
    await checkServer(link);
    await ingest.open().catch((cause: Error) => {
      throw new BusError("rejected", `${link.where} takes no scripts: ${cause.message}`, { cause });
    });
  } catch (error) {
    await link.close();
    throw error;
  }
  const subscriptions = new Subscriptions(options.onHandlerError);
  return new RedisBus(
    link,
    settings.names,
    ingest,
    new ChannelBus(link, limits, subscriptions, name),
    subscriptions,
  );
}

class RedisBus implements Bus {
  readonly name = "redis";
  /** Its client never gives up. */
  readonly failed: Promise<MillraceError> = new Promise(() => {});
  readonly #link: RedisLink;
  readonly #names: StreamNames;
  readonly #ingest: Ingest;
  readonly #channels: ChannelBus;
  readonly #subscriptions: Subscriptions;
  readonly #stored: Set<StoredSubscription> = new Set();

  constructor(
    link: RedisLink,
    names: StreamNames,
    ingest: Ingest,
    channels: ChannelBus,
    subscriptions: Subscriptions,
  ) {
    this.#link = link;
    this.#names = names;
    this.#ingest = ingest;
    this.#channels = channels;
    this.#subscriptions = subscriptions;
  }

  stores(subject: string): boolean {
    return this.#names.of(subject) !== undefined;
  }

  publish(message: BusMessage, observer?: PublishObserver): void | Promise<void> {
    if (!this.stores(message.subject)) return this.#channels.publish(message);
    if (this.#link.closed) return refused(closedError(`publish to ${message.subject}`));
    return this.#ingest.publish(message, observer);
  }

  subscribe(pattern: string, handler: BusHandler, options: SubscribeOptions = {}): BusSubscription {
    checkPattern(pattern);
    if (this.#link.closed) throw closedError(`subscribe to ${pattern}`);
    const streams = this.#names.covering(pattern);
    if (streams.length === 0) return this.#channels.subscribe(pattern, handler, options);
    const subscription = new StoredSubscription(
      { pattern, streams, handler, options },
      this.#link,
      this.#subscriptions,
      () => this.#stored.delete(subscription),
    );
    this.#stored.add(subscription);
    return subscription;
  }

  async subscribed(): Promise<void> {
    await Promise.all([...this.#stored].map(({ ready }) => ready));
    await this.#channels.subscribed();
  }

  request(
    message: Omit<BusMessage, "reply">,
    options?: { readonly timeout?: DurationInput | undefined },
  ): Promise<BusMessage> {
    return this.#channels.request(message, options);
  }

  stats(): BusStats {
    const channels = this.#channels.stats();
    const own = this.#subscriptions.stats();
    const { stored, duplicates, stops, size } = this.#ingest.counts;
    return {
      ...channels,
      ...own,
      refused: 0,
      published: channels.published + stored + size,
      dropped: channels.dropped + own.dropped,
      pending: channels.pending + own.pending,
      stored,
      duplicates,
      stops,
      unconfirmed: size,
    };
  }

  async flush(): Promise<void> {
    await Promise.all([...this.#stored].map(({ ready }) => ready));
    await this.#ingest.idle();
    await this.#channels.flush();
    await this.#subscriptions.idle();
    await this.#ingest.idle();
    await this.#channels.flush();
  }

  async close(): Promise<void> {
    this.#ingest.close();
    await Promise.all([...this.#stored].map((subscription) => subscription.close()));
    await this.#subscriptions.close();
    await this.#link.close();
  }
}

/** @throws {OptionsError} for an invalid option */
function storeSettings(options: RedisOptions): StoreSettings {
  const { subjects = standardSubjects, maxLength = 1_000_000 } = options;
  const check = new OptionsCheck();
  if (!Array.isArray(subjects) || !subjects.every((one) => isPattern(one))) {
    check.refuse("subjects", subjects, 'a list of subjects, such as ["millrace.*.in.>"]');
  }
  const length = maxLength === Infinity ? maxLength : checkInteger(check, "maxLength", maxLength, 1, 1);
  check.done();
  const window = toMilliseconds(options.duplicateWindow ?? "1 day", "duplicateWindow");
  // What the server takes for a time to live.
  const rememberMs = Math.min(Math.max(Math.ceil(window), 1), 1e14);
  return { names: new StreamNames(subjects), maxLength: length, rememberMs };
}
