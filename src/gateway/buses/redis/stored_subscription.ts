/**
 * A subscription to streams. With a durable name it is a consumer group, whose entries are acknowledged when their handler is
 * done and come again until then; without one it reads what is stored from now on.
 *
 * Used by `redis_bus.ts`.
 */
import type { Redis } from "ioredis";
import { type Deferred, deferred } from "../../../core/deferred.ts";
import { Sparingly } from "../../log.ts";
import type { BusHandler, BusMessage, BusSubscription, SubscribeOptions } from "../bus.ts";
import { matches } from "../subject.ts";
import type { QueuedSubscription } from "../subscription.ts";
import type { Subscriptions } from "../subscriptions.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { entryMessage } from "./entry.ts";
import * as groups from "./group_commands.ts";
import { blockMs, ready, type RedisLink } from "./redis_link.ts";

/** What nobody has dealt with for so long, in ms, is given to somebody else; consumers that long gone are removed. */
const [abandonedMs, forgottenMs] = [60_000, 300_000];
/** An entry whose handler has failed comes again after so long, in ms, and that often at most. */
const againMs = 1_000;
const mostDeliveries = 10;
/** After a fault of the server, in ms. */
const retryMs = 1_000;
const mostTogether = 256;

interface Member {
  readonly name: string;
  readonly consumer: string;
}

interface Delivered extends BusMessage {
  readonly token: string;
}

/** What is held of one entry until it is done with. */
interface Held {
  readonly entry: groups.Entry;
  readonly message: Delivered;
  failures: number;
}

/** One of a bus. */
export class StoredSubscription implements BusSubscription {
  readonly pattern: string;
  /** Settles when it is at its place, or closed. */
  readonly ready: Promise<void>;
  readonly #link: RedisLink;
  readonly #client: Redis;
  readonly #queue: QueuedSubscription;
  readonly #handler: BusHandler;
  readonly #group: Member | undefined;
  /** Behind which entry it is, in each stream. */
  readonly #places: Map<string, string> = new Map();
  readonly #streams: readonly string[];
  readonly #most: number;
  readonly #held: Map<string, Held> = new Map();
  readonly #acks: Acknowledgements;
  readonly #timers: Set<unknown> = new Set();
  readonly #sparingly: Sparingly;
  readonly #placed: Deferred = deferred();
  readonly #gone: Deferred = deferred();
  readonly #ended: Promise<void>;
  readonly #onClosed: () => void;
  #room: Deferred | undefined = undefined;
  #closed = false;

  constructor(
    { pattern, streams, handler, options }: {
      readonly pattern: string;
      readonly streams: readonly string[];
      readonly handler: BusHandler;
      readonly options: SubscribeOptions;
    },
    link: RedisLink,
    subscriptions: Subscriptions,
    onClosed: () => void,
  ) {
    this.pattern = pattern;
    this.#streams = streams;
    this.#handler = handler;
    this.#link = link;
    this.#onClosed = onClosed;
    this.#sparingly = new Sparingly(link.log);
    this.#most = options.limit ?? 1024;
    const name = options.durable;
    this.#group = name === undefined ? undefined : { name, consumer: crypto.randomUUID() };
    this.#queue = subscriptions.add(pattern, (message) => this.#handle(message as Delivered), {
      ...options,
      policy: "wait",
    });
    this.#acks = new Acknowledgements(link, name ?? "");
    this.#client = link.reader();
    if (this.#group !== undefined) this.#later(this.#keepHeld, abandonedMs / 2);
    this.ready = this.#placed.promise;
    this.#ended = this.#run();
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
      for (const timer of this.#timers) this.#link.clock.clearTimer(timer);
      this.#gone.resolve();
      this.#room?.resolve();
      this.#placed.resolve();
      this.#link.release(this.#client);
    }
    await this.#queue.close();
    await this.#ended;
    await this.#acks.close();
    this.#onClosed();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        await Promise.race([ready(this.#client), this.#gone.promise]);
        if (this.#closed) return;
        await this.#begin();
        this.#placed.resolve();
        await this.#read();
      } catch (error) {
        if (this.#closed) return;
        const { message } = error as Error;
        // That of a server which is away is said by the link.
        if (this.#client.status === "ready") {
          const fields = { pattern: this.pattern, error: message };
          this.#sparingly.warn("reading a stream failed; it goes on", fields);
        }
        await Promise.race([
          new Promise<void>((resolve) => this.#later(resolve, retryMs)),
          this.#gone.promise,
        ]);
      }
    }
  }

  /** Finds its places, and what it was given before the connection was lost. */
  async #begin(): Promise<void> {
    const group = this.#group;
    for (const stream of this.#streams) {
      let after = this.#places.get(stream);
      if (after === undefined) this.#places.set(stream, after = await groups.endOf(this.#client, stream));
      if (group === undefined) continue;
      await groups.ensureGroup(this.#client, stream, group.name, after);
      for (let from = "0";;) {
        const own = await groups.readOwn(
          this.#client,
          stream,
          group.name,
          group.consumer,
          from,
          mostTogether,
        );
        if (own.length === 0) break;
        for (const entry of own) await this.#take(entry);
        from = own.at(-1)!.id;
      }
    }
  }

  async #read(): Promise<void> {
    let looked = -Infinity;
    while (!this.#closed) {
      await this.#roomy();
      if (this.#closed) return;
      if (this.#group !== undefined && this.#link.clock.now() - looked > abandonedMs / 2) {
        looked = this.#link.clock.now();
        await this.#look(this.#group);
      }
      const count = Math.max(1, Math.min(mostTogether, this.#most - this.#held.size));
      for (const entry of await groups.readNext(this.#client, this.#group, this.#places, count, blockMs)) {
        this.#places.set(entry.stream, entry.id);
        await this.#take(entry);
      }
    }
  }

  /** Now and then: takes over what others have left. */
  async #look({ name, consumer }: Member): Promise<void> {
    for (const stream of this.#streams) {
      const left = await groups.claimIdle(this.#client, stream, name, consumer, abandonedMs, mostTogether);
      for (const entry of left) await this.#take(entry);
      await groups.removeDead(this.#client, stream, name, forgottenMs);
    }
  }

  /** Says what is still being dealt with here, however long a handler takes. */
  readonly #keepHeld = (): void => {
    const { commands, up } = this.#link;
    const { name, consumer } = this.#group!;
    for (const stream of up ? this.#streams : []) {
      const ids = [...this.#held.values()].filter(({ entry }) => entry.stream === stream).map(({ entry }) =>
        entry.id
      );
      for (let at = 0; at < ids.length; at += mostTogether) {
        groups.keep(commands, stream, name, consumer, ids.slice(at, at + mostTogether)).catch(() => {});
      }
    }
    this.#later(this.#keepHeld, abandonedMs / 2);
  };

  async #take(entry: groups.Entry): Promise<void> {
    const { stream, id, fields } = entry;
    const token = `${id} ${stream}`;
    if (this.#closed || this.#held.has(token) || this.#acks.waits(stream, id)) return;
    if (fields === undefined) {
      const lost = { stream, id, hint: "make maxLength larger" };
      this.#sparingly.warn("a message was removed from its stream before it was handled", lost);
      return this.#acks.add(stream, id);
    }
    const message: Delivered = { ...entryMessage(stream, fields), token };
    if (!matches(this.pattern, message.subject)) {
      if (this.#group !== undefined) this.#acks.add(stream, id);
      return;
    }
    if (this.#group !== undefined) this.#held.set(token, { entry, message, failures: 0 });
    await this.#queue.deliver(message);
  }

  #handle(message: Delivered): void | Promise<void> {
    const held = this.#held.get(message.token);
    if (held === undefined) return this.#handler(message);
    const failed = (error: unknown): never => {
      this.#failed(held);
      throw error;
    };
    let wait: void | Promise<void> = undefined;
    try {
      wait = this.#handler(message);
    } catch (error) {
      failed(error);
    }
    return wait === undefined ? this.#done(held) : wait.then(() => this.#done(held), failed);
  }

  #done({ entry: { stream, id }, message }: Held): void {
    this.#held.delete(message.token);
    this.#acks.add(stream, id);
    if (this.#held.size < this.#most) {
      this.#room?.resolve();
      this.#room = undefined;
    }
  }

  #failed(held: Held): void {
    if (++held.failures >= mostDeliveries) {
      const { entry: { stream, id } } = held;
      const fields = { stream, id, attempts: mostDeliveries };
      this.#link.log({ level: "error", message: "message given up: its handler fails", fields });
      return this.#done(held);
    }
    this.#later(() => void this.#queue.deliver(held.message), againMs);
  }

  #later(act: () => void, ms: number): void {
    if (this.#closed) return;
    const timer = this.#link.clock.setTimer(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }

  /** Resolves when less is held than may be. */
  async #roomy(): Promise<void> {
    while (!this.#closed && this.#held.size >= this.#most) await (this.#room ??= deferred()).promise;
  }
}
