/**
 * A client endpoint: one connection at a time whose frames go to the bus, and which is made again when it ends.
 *
 * The wait between attempts doubles after each failure up to its limit, and is back at its start after a
 * connection that lasted.
 */
import * as Cause from "effect/Cause";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Option from "effect/Option";
import type * as Scope from "effect/Scope";
import { scopedConnection } from "../client/client.ts";
import type { ConnectOptions } from "../client/connect_options.ts";
import type { BroadcastReport } from "../connection/broadcast.ts";
import { Lifetime } from "../connection/effect/lifetime.ts";
import type { TerminationRecord } from "../connection/termination.ts";
import { OptionsError } from "../core/errors.ts";
import type { Clock } from "../core/time/clock.ts";
import type { Address } from "../core/transport.ts";
import type { CertificateInspection } from "../core/tls/certificate_options.ts";
import type { KillOptions } from "../server/kill_options.ts";
import { inspectConnection, type ServerInspection, type TlsInspection } from "../server/inspection.ts";
import type { ServerState, ShutdownReport } from "../server/server_options.ts";
import type { ServerStats } from "../server/server_stats.ts";
import type { Logger } from "../core/logger.ts";
import { ClientTally } from "./client_tally.ts";
import type { ClientEndpointConfig } from "./config/endpoint_config.ts";
import { formatAddress } from "../core/text/address.ts";
import type { FrameConnection, TrafficStats } from "./endpoint.ts";
import type { RunningEndpoint } from "./running_endpoint.ts";
import { OtherProtocols } from "./other_protocols.ts";
import type { EndpointContext } from "./server_endpoint.ts";
import { loadClientTls } from "./tls_options.ts";
import { Traffic } from "./traffic.ts";

/** How long the peer may take to answer our FIN with its own before we let go. */
const lingerMs = 2_000;

/** What `connect` takes, as far as the configuration says; `tls` needs files and is added by the caller. */
export function connectOptions(
  settings: ClientEndpointConfig,
): ConnectOptions<Uint8Array> & { readonly upgradable?: undefined } {
  const { address, limits, framing, connectTimeout, proxyHeader: version } = settings;
  const proxyHeader = version === undefined ? undefined : { version };
  return { ...limits, framing, connectTimeout, proxyHeader, address };
}

/** A dialler of the gateway. */
export class ClientEndpoint implements RunningEndpoint {
  readonly mode = "client";
  readonly settings: ClientEndpointConfig;
  readonly connections: Map<string, FrameConnection> = new Map();
  readonly #context: EndpointContext;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #traffic: Traffic;
  readonly #tally: ClientTally = new ClientTally();
  readonly #others: OtherProtocols;
  readonly #lifetime: Lifetime;
  /** Ends a wait, and an attempt to connect. */
  readonly #stopping: Deferred.Deferred<void> = Deferred.makeUnsafe();
  #state: ServerState = "created";
  #deadline = 0;
  #report: ShutdownReport | undefined = undefined;

  constructor(settings: ClientEndpointConfig, context: EndpointContext) {
    this.settings = settings;
    this.#context = context;
    this.#clock = context.clock;
    this.#log = context.log;
    this.#others = new OtherProtocols(context.log, settings.framing.name);
    this.#traffic = new Traffic(settings, context.bus, this, context);
    this.#lifetime = new Lifetime(context.clock);
  }

  /** Subscribes and begins to dial, until it is stopped; does not wait for the first connection. */
  static start(settings: ClientEndpointConfig, context: EndpointContext): Effect.Effect<ClientEndpoint> {
    const endpoint = new ClientEndpoint(settings, context);
    const dialling = Effect.acquireRelease(endpoint.#start(), (fiber) => endpoint.#letGo(fiber));
    return Effect.as(endpoint.#lifetime.hold(dialling), endpoint);
  }

  #start(): Effect.Effect<Fiber.Fiber<void>> {
    return Effect.suspend(() => {
      const { tls, address } = this.settings;
      if (tls?.protocol.insecureSkipVerify === true) {
        const advice =
          "anyone on the path can read and change everything; use ca, and serverName where it differs";
        const fields = { to: formatAddress(address), advice };
        this.#log({ level: "warn", message: "the server's certificate is not checked", fields });
      }
      this.#traffic.start();
      this.#state = "running";
      return Effect.forkDetach(this.#run(), { startImmediately: true });
    });
  }

  get name(): string {
    return this.settings.name;
  }

  get address(): Address {
    return this.settings.address;
  }

  get state(): ServerState {
    return this.#state;
  }

  get ready(): boolean {
    return this.#state === "running" && this.connections.size > 0;
  }

  stats(): ServerStats {
    return this.#tally.stats(this.connections.values(), this.#context.memory);
  }

  traffic(): TrafficStats {
    return this.#traffic.stats();
  }

  inspect(): ServerInspection {
    const { address, state } = this;
    const connections = [...this.connections.values()].map((connection) => inspectConnection(connection));
    const runtime = this.#context.adapter.name;
    const { name: framing } = this.settings.framing;
    return { address, state, runtime, framing, tls: this.#tls(), stats: this.stats(), connections };
  }

  #tls(): TlsInspection | undefined {
    if (this.settings.tls === undefined) return undefined;
    const { minVersion = "TLSv1.2", maxVersion = "TLSv1.3", ciphers, alpn = [], insecureSkipVerify = false } =
      this.settings.tls.protocol;
    const [connection] = this.connections.values();
    const engine = connection?.peer.tls?.engine;
    return { engine, minVersion, maxVersion, ciphers, alpn, insecureSkipVerify };
  }

  certificates(): readonly CertificateInspection[] {
    return [];
  }

  async broadcast(frame: Uint8Array): Promise<BroadcastReport> {
    const outcomes = await Promise.all(
      [...this.connections.values()].map((connection) => connection.deliver(frame)),
    );
    const count = (status: string): number => outcomes.filter((outcome) => outcome.status === status).length;
    return {
      targets: outcomes.length,
      sent: count("sent"),
      dropped: count("dropped"),
      failed: count("failed"),
    };
  }

  kill(id: string, { reason, code, lastWords, reset, ban }: KillOptions<Uint8Array>): boolean {
    const asked = Object.entries({ lastWords, ban, ...(reset !== true && { reset }) });
    const issues = asked.filter(([, found]) => found !== undefined)
      .map(([path, found]) => ({ path, found, expected: "to be left out: the endpoint is a client" }));
    if (issues.length > 0) throw new OptionsError("unsupported", issues);
    const connection = this.connections.get(id);
    connection?.destroy({ reason, code });
    return connection !== undefined;
  }

  drain(deadlineMs: number): Promise<ShutdownReport> {
    return Effect.runPromise(this.stop(deadlineMs));
  }

  stop(deadlineMs: number): Effect.Effect<ShutdownReport> {
    return Effect.suspend(() => {
      if (!this.#lifetime.closing) this.#deadline = deadlineMs;
      return Effect.map(this.#lifetime.close, () => this.#report!);
    });
  }

  destroy(): Effect.Effect<ShutdownReport> {
    return Effect.suspend(() => {
      if (this.#lifetime.closing) this.#abort();
      return this.stop(0);
    });
  }

  #letGo(dialling: Fiber.Fiber<void>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const begun = this.#clock.now();
      const open = [...this.connections.values()];
      const deadline = this.#deadline;
      const over = (ms: number) => Effect.timeoutOption(Fiber.await(dialling), ms);
      this.#state = "draining";
      Deferred.doneUnsafe(this.#stopping, Effect.void);
      if (deadline === 0) this.#abort();
      else {
        // Our FIN tells the peer; what it still sends is taken until its own.
        open.forEach((connection) => this.#takeLeave(connection));
        const linger = Math.min(lingerMs, deadline);
        if (Option.isNone(yield* over(linger))) {
          open.forEach((connection) => void connection.close("the gateway is stopping"));
          yield* over(Math.max(0, deadline - linger));
        }
      }
      const unfinished = [...this.connections.values()].map((connection) => {
        const { id, peer: { ip, port } } = connection;
        return { id, ip, port, handlerRunning: true, openMs: Math.round(connection.stats().ageMs) };
      });
      const destroyed = unfinished.map(({ id }) => id);
      this.#abort();
      yield* over(lingerMs);
      yield* this.#traffic.stop();
      this.#state = "stopped";
      const drained = Math.max(0, open.length - destroyed.length);
      const durationMs = this.#clock.now() - begun;
      this.#report = { open: open.length, drained, destroyed, unfinished, durationMs };
    });
  }

  #takeLeave(connection: FrameConnection): void {
    const { goodbye } = this.settings.limits;
    if (goodbye !== undefined) void connection.deliver(goodbye);
    connection.end();
  }

  #abort(): void {
    for (const connection of this.connections.values()) connection.destroy();
  }

  #run(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { wait: first, maxWait } = this.settings.reconnect;
      let wait = first;
      while (this.#state === "running") {
        const record = yield* this.#once();
        if (record !== undefined) {
          wait = record.durationMs > wait ? first : Math.min(wait * 2, maxWait);
        }
        // Give or take a fifth, so that many who dial do not come at once.
        yield* this.#untilStopped(Effect.sleep(wait * (0.8 + 0.4 * Math.random())));
        if (record === undefined) wait = Math.min(wait * 2, maxWait);
      }
    });
  }

  /** One connection, from dialling to its end; undefined where none came about. */
  #once(): Effect.Effect<TerminationRecord | undefined> {
    let record: TerminationRecord | undefined = undefined;
    const ended = (its: TerminationRecord): void => void (record = its);
    const using = Effect.gen({ self: this }, function* () {
      const dialled = yield* this.#untilStopped(this.#dial(ended));
      if (Option.isNone(dialled)) return undefined;
      yield* this.#use(dialled.value);
      return dialled.value.id;
    });
    return Effect.gen({ self: this }, function* () {
      const exit = yield* Effect.exit(Effect.scoped(using));
      if (Exit.isFailure(exit)) {
        const error = Cause.squash(exit.cause);
        const text = error instanceof Error ? error.message : String(error);
        this.#log({ level: "warn", message: "connect failed", fields: { error: text } });
      } else if (exit.value !== undefined) this.#note(exit.value, record!);
      return record;
    });
  }

  #dial(
    onDisconnect: (record: TerminationRecord) => void,
  ): Effect.Effect<FrameConnection, unknown, Scope.Scope> {
    const { tls } = this.settings;
    const { adapter, clock, memory: memoryBudget } = this.#context;
    return Effect.gen({ self: this }, function* () {
      // Read anew each time, so that a renewed certificate is used at the next one: a promise, as all of files.
      const secured = tls &&
        (yield* Effect.tryPromise({ try: () => loadClientTls(tls), catch: (error) => error }));
      return yield* scopedConnection({
        ...connectOptions(this.settings),
        tls: secured,
        adapter,
        clock,
        memoryBudget,
        onDisconnect,
        onOtherProtocol: (found, connection) => this.#others.warn(found, connection),
      });
    });
  }

  /** Its frames go to the bus until there are no more. */
  #use(connection: FrameConnection): Effect.Effect<void> {
    const { id } = connection;
    this.connections.set(id, connection);
    this.#tally.opened++;
    this.#log({
      level: "info",
      message: "connected",
      fields: { "conn.id": id, to: formatAddress(this.address) },
    });
    if (this.#state !== "running") connection.end();
    // A promise, as everything of a bus, which may be the user's own.
    const ingress = Effect.tryPromise({
      try: () => this.#traffic.ingress(connection),
      catch: (error) => error,
    });
    return Effect.catch(ingress, (error) =>
      Effect.sync(() => {
        const text = error instanceof Error ? error.message : String(error);
        this.#log({ level: "warn", message: "connection failed", fields: { "conn.id": id, error: text } });
      }));
  }

  #note(id: string, record: TerminationRecord): void {
    this.connections.delete(id);
    this.#tally.ended(record);
    const { reason, message, durationMs } = record;
    this.#log({
      level: "info",
      message: "connection closed",
      fields: { "conn.id": id, reason, why: message, durationMs },
    });
  }

  /** Gives it up as soon as the endpoint stops. */
  #untilStopped<Value, Failure, Needs>(
    effect: Effect.Effect<Value, Failure, Needs>,
  ): Effect.Effect<Option.Option<Value>, Failure, Needs> {
    const stopped = Effect.as(Deferred.await(this.#stopping), Option.none<Value>());
    return Effect.raceFirst(Effect.asSome(effect), stopped);
  }
}
