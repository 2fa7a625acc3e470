/**
 * The bus of JetStream: what its stream covers is stored once and in order, everything else is plain NATS.
 *
 * Made of a core bus, the way into the stream (`ingest.ts`), and a consumer for each subscription to what is stored.
 */
import { refused } from "../../../core/deferred.ts";
import type { MillraceError } from "../../../core/errors.ts";
import type { DurationInput } from "../../../core/time/duration.ts";
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
import { checkPattern, checkSubject, matches, overlap } from "../subject.ts";
import { Subscriptions } from "../subscriptions.ts";
import { Ingest } from "./ingest.ts";
import type { JetStreamOptions } from "./jetstream_options.ts";
import { loadJetStream } from "./library.ts";
import { NatsBus } from "./nats_bus.ts";
import { NatsLink } from "./nats_link.ts";
import { type StoredContext, StoredSubscription } from "./stored_subscription.ts";
import { openStream, type Stream, streamWish } from "./stream.ts";

/** Subjects of which it is remembered whether the stream covers them; then the memory starts afresh. */
const mostSubjects = 4096;

/**
 * A bus on NATS JetStream. Resolves when a server has answered and the stream is there; needs the packages
 * `@nats-io/transport-node` and `@nats-io/jetstream`.
 *
 * A message under a subject of the stream is stored once, in order, also when the server is away for a while: then
 * `publish` returns a promise once `maxPending` messages wait. A subscription to such subjects gets each message until
 * its handler returns or resolves. Every other message is one of plain NATS, as of `natsBus`.
 *
 * @throws {BusError} rejects with `not_installed`, `disconnected`, or `rejected` where the stream cannot be had
 * @throws {OptionsError} rejects for an invalid option
 */
export async function jetStreamBus(options: JetStreamOptions = {}): Promise<Bus> {
  const limits = pendingLimits(options);
  const wish = streamWish(options);
  const library = await loadJetStream();
  const link = await NatsLink.open(options);
  try {
    const manager = await library.jetstreamManager(link.connection).catch((cause: Error) => {
      const text = `JetStream is not enabled on the server: start it with -js (${cause.message})`;
      throw new BusError("rejected", text, { cause });
    });
    const stream = await openStream(manager, library, wish, link);
    const subscriptions = new Subscriptions(options.onHandlerError);
    const client = library.jetstream(link.connection);
    return new JetStreamBus(
      { link, library, client, stream: stream.name, subscriptions },
      stream,
      new Ingest(link, stream, manager, limits),
      new NatsBus(link, limits, options),
    );
  } catch (error) {
    await link.close();
    throw error;
  }
}

class JetStreamBus implements Bus {
  readonly name = "jetstream";
  readonly failed: Promise<MillraceError>;
  readonly #context: StoredContext;
  readonly #stream: Stream;
  readonly #ingest: Ingest;
  readonly #core: NatsBus;
  readonly #covered: Map<string, boolean> = new Map();
  readonly #stored: Set<StoredSubscription> = new Set();

  constructor(context: StoredContext, stream: Stream, ingest: Ingest, core: NatsBus) {
    this.#context = context;
    this.#stream = stream;
    this.#ingest = ingest;
    this.#core = core;
    this.failed = core.failed;
  }

  publish(message: BusMessage, observer?: PublishObserver): void | Promise<void> {
    const { subject } = message;
    if (!this.stores(subject)) return this.#core.publish(message);
    if (this.#context.link.closed) return refused(closedError(`publish to ${subject}`));
    return this.#ingest.publish(message, observer);
  }

  lastStored(message: BusMessage): Promise<number | undefined> {
    return this.#ingest.lastStored(message);
  }

  subscribe(pattern: string, handler: BusHandler, options: SubscribeOptions = {}): BusSubscription {
    checkPattern(pattern);
    if (this.#context.link.closed) throw closedError(`subscribe to ${pattern}`);
    if (!this.#stream.subjects.some((own) => overlap(own, pattern))) {
      return this.#core.subscribe(pattern, handler, options);
    }
    const subscription = new StoredSubscription(
      pattern,
      handler,
      options,
      this.#context,
      () => this.#stored.delete(subscription),
    );
    this.#stored.add(subscription);
    return subscription;
  }

  async subscribed(): Promise<void> {
    await Promise.all([...this.#stored].map(({ ready }) => ready));
    await this.#core.subscribed();
  }

  request(
    message: Omit<BusMessage, "reply">,
    options?: { readonly timeout?: DurationInput | undefined },
  ): Promise<BusMessage> {
    return this.#core.request(message, options);
  }

  stats(): BusStats {
    const core = this.#core.stats();
    const own = this.#context.subscriptions.stats();
    const { stored, duplicates, stops, size } = this.#ingest.counts;
    return {
      ...core,
      published: core.published + stored + size,
      delivered: core.delivered + own.delivered,
      dropped: core.dropped + own.dropped,
      handlerErrors: core.handlerErrors + own.handlerErrors,
      pending: core.pending + own.pending,
      stored,
      duplicates,
      stops,
      unconfirmed: size,
    };
  }

  async flush(): Promise<void> {
    await Promise.all([...this.#stored].map(({ ready }) => ready));
    await this.#ingest.idle();
    await this.#core.flush();
    await this.#context.subscriptions.idle();
    await this.#ingest.idle();
  }

  async close(): Promise<void> {
    this.#ingest.close();
    await Promise.all([...this.#stored].map(({ ready }) => ready));
    await Promise.all([...this.#stored].map((subscription) => subscription.close()));
    await this.#core.close();
  }

  stores(subject: string): boolean {
    const known = this.#covered.get(subject);
    if (known !== undefined) return known;
    checkSubject(subject);
    if (this.#covered.size >= mostSubjects) this.#covered.clear();
    const covered = this.#stream.subjects.some((pattern) => matches(pattern, subject));
    this.#covered.set(subject, covered);
    return covered;
  }
}
