/** A client endpoint: a reconnecting client, one connection at a time, whose frames go to the bus. */
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Option from "effect/Option";
import type { ConnectOptions } from "../client/connect_options.ts";
import { dialling } from "../client/reconnecting/dialling.ts";
import { Reconnecting } from "../client/reconnecting/reconnecting.ts";
import type { BroadcastReport } from "../connection/broadcast.ts";
import { expel } from "../connection/expel.ts";
import { Lifetime } from "../connection/effect/lifetime.ts";
import { OptionsError } from "../core/errors.ts";
import { encodeWhole } from "../core/flow/congestion.ts";
import type { Diagnosis } from "../core/framing/diagnosis.ts";
import type { Clock } from "../core/time/clock.ts";
import type { Address } from "../core/transport.ts";
import type { CertificateInspection } from "../core/tls/certificate_options.ts";
import type { KillOptions } from "../server/kill_options.ts";
import { inspectConnection, type ServerInspection, type TlsInspection } from "../server/inspection.ts";
import type { ServerState, ShutdownReport } from "../server/server_options.ts";
import type { ServerStats } from "../server/server_stats.ts";
import type { Logger } from "../core/logger.ts";
import { clientStats } from "./client_stats.ts";
import type { ClientEndpointConfig } from "./config/endpoint_config.ts";
import { formatAddress } from "../core/text/address.ts";
import type { FrameConnection, TrafficStats } from "./endpoint.ts";
import type { Identities } from "./identity/identities.ts";
import type { PeerMetrics } from "./peer_metrics.ts";
import type { RunningEndpoint } from "./running_endpoint.ts";
import { OtherProtocols } from "./other_protocols.ts";
import type { EndpointContext } from "./server_endpoint.ts";
import { loadClientTls } from "./tls_options.ts";
import { Traffic } from "./traffic/traffic.ts";

/** The part of a wait that is left to chance, where the configuration does not say it. */
const usualJitter = 0.2;
/** How long the peer may take to answer our FIN with its own before we let go. */
const lingerMs = 2_000;

/** What no configuration says. */
type Unconfigured = {
  readonly [Key in "upgradable" | "reframable" | "onConnect" | "onDisconnect"]?: undefined;
};

/** What `connect` takes, as far as the configuration says; `tls` needs files and is added by the caller. */
export function connectOptions(
  settings: ClientEndpointConfig,
): ConnectOptions<Uint8Array> & Unconfigured {
  const { address, limits, framing, connectTimeout, proxyHeader: version } = settings;
  const proxyHeader = version === undefined ? undefined : { version };
  return { ...limits, framing, connectTimeout, proxyHeader, address };
}

/** A dialler of the gateway. */
export class ClientEndpoint implements RunningEndpoint {
  readonly mode = "client";
  readonly settings: ClientEndpointConfig;
  readonly connections: ReadonlyMap<string, FrameConnection>;
  readonly #context: EndpointContext;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #traffic: Traffic;
  readonly #client: Reconnecting<Uint8Array, Uint8Array, undefined>;
  readonly #lifetime: Lifetime;
  #state: ServerState = "created";
  #deadline = 0;
  #report: ShutdownReport | undefined = undefined;

  constructor(settings: ClientEndpointConfig, context: EndpointContext) {
    this.settings = settings;
    this.#context = context;
    this.#clock = context.clock;
    this.#log = context.log;
    this.#client = this.#makeClient();
    this.connections = this.#client.registry.connections;
    this.#traffic = new Traffic(settings, context.bus, this, context);
    this.#lifetime = new Lifetime(context.clock);
  }

  #makeClient(): Reconnecting<Uint8Array, Uint8Array, undefined> {
    const { settings } = this;
    const { adapter, clock, memory: memoryBudget, log: logger } = this.#context;
    const { wait: initial, maxWait: max, factor, jitter = usualJitter, stableAfter } = settings.reconnect;
    const others = new OtherProtocols(logger, settings.framing.name);
    const options = {
      ...connectOptions(settings),
      reconnect: { initial, max, factor, jitter },
      stableAfter,
      // Messages for no connection are answered by the traffic.
      queue: { policy: "fail" as const },
      adapter,
      clock,
      memoryBudget,
      logger,
      onFrameError: (error: unknown, connection: FrameConnection) =>
        this.#traffic.onFrameError?.(error, connection),
      onOtherProtocol: (found: Diagnosis, connection: FrameConnection) => others.warn(found, connection),
    };
    return new Reconnecting(options, { handler: (connection) => this.#use(connection) });
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
      // Certificates are read anew each time, so that a renewed one is used at the next: a promise, as all of files.
      const renewed = tls &&
        Effect.tryPromise({ try: async () => ({ tls: await loadClientTls(tls) }), catch: (error) => error });
      return Effect.forkDetach(dialling(this.#client, { renewed }), { startImmediately: true });
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
    return this.#state === "running" && this.#client.connection !== undefined;
  }

  stats(): ServerStats {
    return clientStats(this.#client.registry, this.#context.memory);
  }

  traffic(): TrafficStats {
    return this.#traffic.stats();
  }

  get identities(): Identities | undefined {
    return this.#traffic.identities;
  }

  get peers(): PeerMetrics | undefined {
    return this.#traffic.peers;
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

  attempts(): { readonly attempts: number; readonly failures: number } {
    const { attempts, failures } = this.#client.stats();
    return { attempts, failures };
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

  dismiss(
    id: string,
    { reason, code }: { readonly reason: string; readonly code: string },
    lastWords: Uint8Array | undefined,
  ): void {
    const session = [...this.#client.registry.sessions].find((one) => one.id === id);
    const words = session && lastWords && encodeWhole(session.outbox.framing, lastWords);
    if (session !== undefined) expel(session, { message: reason, code, words, reset: false });
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
      if (this.#lifetime.closing) {
        this.#abort();
        void this.#context.spool?.close(0);
      }
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
      this.#client.retire();
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
      this.#client.destroy();
      yield* over(lingerMs);
      yield* this.#traffic.stop(begun + deadline);
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

  /** Its frames go to the bus until there are no more. */
  async #use(connection: FrameConnection): Promise<void> {
    if (this.#state !== "running") connection.end();
    try {
      await this.#traffic.ingress(connection);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      const fields = { "conn.id": connection.id, error: text };
      this.#log({ level: "warn", message: "connection failed", fields });
    }
  }
}
