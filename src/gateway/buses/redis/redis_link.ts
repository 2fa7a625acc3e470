/**
 * The connections of one bus to its Redis server: one for commands, one for channels, and one for each reader of streams.
 *
 * Used by the files of this folder. Each connects again by itself, for ever; the link is up when that for commands is.
 */
import type { Redis, RedisOptions as LibraryOptions } from "ioredis";
import { type Deferred, deferred } from "../../../core/deferred.ts";
import type { Logger } from "../../../core/logger.ts";
import { OptionsCheck } from "../../../core/options.ts";
import { type Clock, systemClock } from "../../../core/time/clock.ts";
import { toMilliseconds } from "../../../core/time/duration.ts";
import { BusError, closedError } from "../../errors.ts";
import { loadRedis, type RedisLibrary } from "./library.ts";
import { placeExpected, readPlace } from "./place.ts";
import type { RedisOptions } from "./redis_options.ts";

type Settings = Omit<LibraryOptions, "replyMapping">;

/** Who wants to know. */
export interface LinkWatcher {
  /** The server is gone; what was sent and not answered may have arrived or not. */
  down(): void;
  up(): void;
}

/** Between attempts at the first connection, in ms. */
const firstWaitMs = 250;
/** A server that says nothing for so long after it was asked is gone, in ms; readers of streams ask that often. */
const silenceMs = 15_000;
export const blockMs = 5_000;
/** What a server says to whom it does not know. */
const refusals = /^(?:WRONGPASS|NOAUTH|NOPERM|ERR (?:invalid password|AUTH|Client sent AUTH))/;
const silent: Logger = () => {};

/** A link that has been up once. */
export class RedisLink {
  readonly clock: Clock;
  readonly log: Logger;
  readonly where: string;
  readonly commands: Redis;
  readonly subscriber: Redis;
  readonly #library: RedisLibrary;
  readonly #settings: Settings;
  readonly #reconnectMs: number;
  readonly #watchers: Set<LinkWatcher> = new Set();
  readonly #readers: Set<Redis> = new Set();
  #opened = false;
  #up = false;
  #closed = false;
  #back: Deferred | undefined = undefined;
  #timer: unknown = undefined;

  private constructor(
    library: RedisLibrary,
    settings: Settings,
    { clock, logger, url, reconnectWait }: RedisOptions,
  ) {
    this.#library = library;
    this.#settings = settings;
    this.#reconnectMs = toMilliseconds(reconnectWait ?? 1_000, "reconnectWait");
    this.clock = clock ?? systemClock;
    this.log = logger ?? silent;
    this.where = url ?? "redis://127.0.0.1:6379";
    [this.commands, this.subscriber] = [this.#make(), this.#make()];
  }

  /** Rejects with `BusError`: `not_installed`, `disconnected` when no server answers in time, or refuses. */
  static async open(options: RedisOptions): Promise<RedisLink> {
    const settings = settingsOf(options);
    const { clock = systemClock, connectTimeout = 10_000 } = options;
    const ms = toMilliseconds(connectTimeout, "connectTimeout");
    const link = new RedisLink(await loadRedis(), settings, options);
    let timer: unknown = undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        let last = "no answer";
        const fail = (why: string, cause?: Error): void =>
          reject(new BusError("disconnected", `connect to ${link.where}: ${why}`, { cause }));
        timer = clock.setTimer(
          () => fail(`${last}; start one (redis-server), or name another one in "url"`),
          ms,
        );
        for (const client of [link.commands, link.subscriber]) {
          client.on("error", (error: Error) => {
            last = error.message;
            if (refusals.test(last)) fail(`rejected by the server: ${last}`, error);
          });
        }
        Promise.all([link.commands, link.subscriber].map(ready)).then(() => resolve(), reject);
      });
    } catch (error) {
      await link.close();
      throw error;
    } finally {
      clock.clearTimer(timer);
    }
    link.#begin();
    return link;
  }

  get up(): boolean {
    return this.#up;
  }

  get closed(): boolean {
    return this.#closed;
  }

  watch(watcher: LinkWatcher): void {
    this.#watchers.add(watcher);
  }

  unwatch(watcher: LinkWatcher): void {
    this.#watchers.delete(watcher);
  }

  /** Resolves when a server is there; rejects with `BusError` when it is closed first. */
  whenUp(action: string): Promise<void> {
    if (this.#closed) return Promise.reject(closedError(action));
    if (this.#up) return Promise.resolve();
    return (this.#back ??= deferred()).promise;
  }

  /** One more connection, for commands that wait; it is not connected yet. */
  reader(): Redis {
    const client = this.#make();
    client.on("error", () => {});
    this.#readers.add(client);
    return client;
  }

  /** Ends one that `reader` gave. */
  release(client: Redis): void {
    this.#readers.delete(client);
    client.disconnect();
  }

  /** What was sent last is answered for first, within limits. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.clock.clearTimer(this.#timer);
    if (this.#up) await inTime(this.commands.ping(), 1_000, this.clock).catch(() => {});
    this.#up = false;
    this.#back?.reject(closedError("publish"));
    for (const client of [this.commands, this.subscriber, ...this.#readers]) client.disconnect();
  }

  #make(): Redis {
    return new this.#library.Redis({
      ...this.#settings,
      retryStrategy: () => this.#closed ? null : this.#opened ? this.#reconnectMs : firstWaitMs,
    });
  }

  #begin(): void {
    this.#opened = this.#up = true;
    this.commands.on("close", () => this.#down()).on("ready", () => this.#again());
    this.commands.on("error", (error: Error) => {
      if (refusals.test(error.message)) {
        this.log({ level: "error", message: "bus error", fields: { error: error.message } });
      }
    });
    const ask = (): void => {
      // A connection that nobody uses would not notice that it is dead.
      for (const client of [this.commands, this.subscriber]) {
        if (client.status === "ready") client.ping().catch(() => {});
      }
      this.#timer = this.clock.setTimer(ask, silenceMs);
    };
    this.#timer = this.clock.setTimer(ask, silenceMs);
  }

  #down(): void {
    if (!this.#up) return;
    this.#up = false;
    if (!this.#closed) {
      this.log({ level: "warn", message: "bus disconnected", fields: { server: this.where } });
    }
    for (const watcher of this.#watchers) watcher.down();
  }

  #again(): void {
    if (this.#closed || this.#up) return;
    this.#up = true;
    this.log({ level: "info", message: "bus connected again", fields: { server: this.where } });
    for (const watcher of this.#watchers) watcher.up();
    this.#back?.resolve();
    this.#back = undefined;
  }
}

/** Resolves when it takes commands. */
export function ready(client: Redis): Promise<void> {
  if (client.status === "ready") return Promise.resolve();
  return new Promise((resolve) => {
    client.once("ready", () => resolve());
    // It goes on trying by itself.
    if (client.status === "wait") client.connect().catch(() => {});
  });
}

/** Rejects when it takes longer. */
export async function inTime<T>(promise: Promise<T>, ms: number, clock: Clock): Promise<T> {
  let timer: unknown = undefined;
  const late = new Promise<never>((_, reject) => {
    timer = clock.setTimer(() => reject(new BusError("timeout", `no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clock.clearTimer(timer);
  }
}

function settingsOf(options: RedisOptions): Settings {
  const { url = "redis://127.0.0.1:6379", name = "millrace", user, password, tls } = options;
  const check = new OptionsCheck();
  const place = readPlace(url);
  if (place === undefined) check.refuse("url", url, placeExpected);
  check.done();
  const { host, port, db, tls: secure } = place!;
  return {
    host,
    port,
    db,
    // A space ends a name in the server's list.
    connectionName: name.replaceAll(/\s/g, "_"),
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password }),
    ...((tls !== undefined || secure) && { tls: tls === undefined || tls === true ? {} : definedOf(tls) }),
    protocol: 2,
    lazyConnect: true,
    // What is not answered when a connection ends is the window's to send again, and nobody else's.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    socketTimeout: silenceMs,
  };
}

function definedOf(tls: object): Record<string, string> {
  return Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
}
