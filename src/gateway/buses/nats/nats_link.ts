/**
 * One connection to a NATS cluster: how it begins, whether it is up, and who is told.
 *
 * Used by the buses of this folder. The client connects again by itself, for ever; while it does, nothing is
 * published, because what it is given meanwhile it forgets.
 */
import type { ConnectionOptions, NatsConnection } from "@nats-io/transport-node";
import { type Deferred, deferred } from "../../../core/deferred.ts";
import type { MillraceError } from "../../../core/errors.ts";
import { type Clock, systemClock } from "../../../core/time/clock.ts";
import { toMilliseconds } from "../../../core/time/duration.ts";
import type { Logger } from "../../../core/logger.ts";
import { BusError, closedError } from "../../errors.ts";
import { loadNats, type Nats } from "./library.ts";
import type { NatsOptions } from "./nats_options.ts";

/** Who wants to know. */
export interface LinkWatcher {
  /** The server is gone; what was sent and not confirmed may have arrived or not. */
  down(): void;
  up(): void;
}

/** Between attempts at the first connection, in ms. */
const firstWaitMs = 250;
const silent: Logger = () => {};

/** A link that has been up once. */
export class NatsLink {
  readonly library: Nats;
  readonly connection: NatsConnection;
  readonly clock: Clock;
  readonly log: Logger;
  /** Resolves when the client has given up. */
  readonly failed: Promise<MillraceError>;
  readonly #watchers: LinkWatcher[] = [];
  #up = true;
  #closed = false;
  #back: Deferred | undefined = undefined;

  private constructor(library: Nats, connection: NatsConnection, { clock, logger }: NatsOptions) {
    this.library = library;
    this.connection = connection;
    this.clock = clock ?? systemClock;
    this.log = logger ?? silent;
    this.failed = new Promise((resolve) => {
      void connection.closed().then((error) => {
        this.#over();
        if (this.#closed) return;
        const cause = error instanceof Error ? error : undefined;
        const text = `the NATS client has given up: ${cause?.message ?? "the connection was closed"}`;
        resolve(new BusError("disconnected", text, { cause }));
      });
    });
    void this.#listen();
  }

  /** Rejects with `BusError`: `not_installed`, `disconnected` when no server answers in time, or refuses. */
  static async open(options: NatsOptions): Promise<NatsLink> {
    const library = await loadNats();
    const { clock = systemClock, connectTimeout = 10_000 } = options;
    const until = clock.now() + toMilliseconds(connectTimeout, "connectTimeout");
    for (;;) {
      const left = Math.max(1, until - clock.now());
      try {
        return new NatsLink(library, await library.connect(settingsOf(library, options, left)), options);
      } catch (cause) {
        const { message } = cause as Error;
        const where = [options.servers ?? "nats://127.0.0.1:4222"].flat().join(", ");
        if (cause instanceof library.errors.AuthorizationError) {
          throw new BusError("disconnected", `connect to ${where}: rejected by the server: ${message}`, {
            cause,
          });
        }
        if (clock.now() + firstWaitMs >= until) {
          const hint = 'start one (npm run start:nats), or name another one in "servers"';
          throw new BusError("disconnected", `connect to ${where}: ${message}; ${hint}`, { cause });
        }
        await new Promise<void>((resolve) => clock.setTimer(resolve, firstWaitMs));
      }
    }
  }

  get up(): boolean {
    return this.#up;
  }

  get closed(): boolean {
    return this.#closed;
  }

  watch(watcher: LinkWatcher): void {
    this.#watchers.push(watcher);
  }

  /** Resolves when a server is there; rejects with `BusError` when it is closed first. */
  whenUp(action: string): Promise<void> {
    if (this.#up) return Promise.resolve();
    if (this.connection.isClosed()) return Promise.reject(closedError(action));
    return (this.#back ??= deferred()).promise;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // The client writes at the end of the turn, and what it writes behind its end nobody can catch.
    if (this.#up) await this.connection.flush().catch(() => {});
    await this.connection.close();
  }

  async #listen(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === "disconnect" && this.#up) {
        this.#up = false;
        this.log({ level: "warn", message: "bus disconnected", fields: { server: status.server } });
        for (const watcher of this.#watchers) watcher.down();
      } else if (status.type === "reconnect" && !this.#up) {
        this.#up = true;
        this.log({ level: "info", message: "bus connected again", fields: { server: status.server } });
        for (const watcher of this.#watchers) watcher.up();
        this.#back?.resolve();
        this.#back = undefined;
      } else if (status.type === "error") {
        this.log({ level: "error", message: "bus error", fields: { error: status.error.message } });
      }
    }
  }

  #over(): void {
    const wasUp = this.#up;
    this.#up = false;
    if (wasUp) { for (const watcher of this.#watchers) watcher.down(); }
    this.#back?.reject(closedError("publish"));
    this.#back = undefined;
  }
}

function settingsOf(library: Nats, options: NatsOptions, timeout: number): ConnectionOptions {
  const { servers, name = "millrace", user, password, token, credentials, tls } = options;
  const { reconnectWait = 1_000 } = options;
  return {
    name,
    timeout,
    noAsyncTraces: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: toMilliseconds(reconnectWait, "reconnectWait"),
    ...(servers !== undefined && { servers: [servers].flat() as string[] }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { pass: password }),
    ...(token !== undefined && { token }),
    ...(credentials !== undefined && {
      authenticator: library.credsAuthenticator(new TextEncoder().encode(credentials)),
    }),
    ...(tls !== undefined && { tls: tls === true ? {} : definedOf(tls) }),
  };
}

function definedOf(tls: object): Record<string, string> {
  return Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
}
