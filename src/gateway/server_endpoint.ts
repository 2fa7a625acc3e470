/** An endpoint that listens: a server whose frames go to the bus. */
import * as Effect from "effect/Effect";
import type { BroadcastReport } from "../connection/broadcast.ts";
import type { MemoryBudget } from "../connection/memory_budget.ts";
import { type OptionsError, SocketError } from "../core/errors.ts";
import type { TlsError } from "../core/tls/tls_error.ts";
import type { Clock } from "../core/time/clock.ts";
import type { Adapter, Address } from "../core/transport.ts";
import type { DurationInput } from "../core/time/duration.ts";
import type { KillOptions, OrderReason } from "../server/kill_options.ts";
import type { LiveOptions } from "../server/live_options.ts";
import type { ServerInspection } from "../server/inspection.ts";
import type {
  CertificateInspection,
  Certificates,
  ClientAuthoritiesInspection,
} from "../core/tls/certificate_options.ts";
import { systemdSocket } from "../server/systemd_sockets.ts";
import { resolveServer } from "../server/settings.ts";
import { openServer } from "../server/scoped_server.ts";
import { SocketServer } from "../server/socket_server.ts";
import type { ServerState, ShutdownReport, UncheckedServeOptions } from "../server/server_options.ts";
import type { ServerStats } from "../server/server_stats.ts";
import type { Logger } from "../core/logger.ts";
import type { Bus, SubscribeOptions } from "./buses/bus.ts";
import type { Codec } from "./codecs/codec.ts";
import type { CodecError } from "./codecs/codec_error.ts";
import type { ServerEndpointConfig } from "./config/endpoint_config.ts";
import type { FrameConnection, TrafficStats } from "./endpoint.ts";
import type { Identities } from "./identity/identities.ts";
import type { PeerMetrics } from "./peer_metrics.ts";
import type { RunningEndpoint } from "./running_endpoint.ts";
import { OtherProtocols } from "./other_protocols.ts";
import type { Tracer } from "./telemetry/tracer.ts";
import type { Spool } from "./spool/spool.ts";
import { serverTlsOptions } from "./tls_options.ts";
import { Traffic } from "./traffic/traffic.ts";

/** What an endpoint is given by its gateway. */
export interface EndpointContext {
  readonly bus: Bus;
  readonly queue: SubscribeOptions;
  readonly log: Logger;
  readonly clock: Clock;
  readonly adapter: Adapter;
  /** Aborts the start. */
  readonly signal: AbortSignal | undefined;
  /** Over how many ms a drain tells the connections of a server. */
  drainSpread(): number;
  /** What the connections of all endpoints may hold together. */
  readonly memory: MemoryBudget | undefined;
  /** Takes its spans; undefined where nothing is traced. */
  readonly tracer: Tracer | undefined;
  /** Where its frames wait on disk; the endpoint closes it. */
  readonly spool: Spool | undefined;
  /** Turns its frames into messages and back; undefined where they stay as they are. */
  readonly codec: Codec | undefined;
  readonly onCodecError: ((error: CodecError) => void) | undefined;
}

/** What a configuration can say of a server; none is upgradable. */
type ConfiguredOptions = UncheckedServeOptions<Uint8Array> & { readonly upgradable?: undefined };

/** What `serve` takes, as far as the configuration says; `tls` needs files and is added by the caller. */
export function serveOptions(
  settings: ServerEndpointConfig,
  handler: (connection: FrameConnection) => Promise<void>,
): ConfiguredOptions {
  const { address, limits, listener, framing, file, inherited } = settings;
  const common = { ...limits, ...listener, framing, handler };
  if (inherited === undefined) return { ...common, address, ...file };
  // Which one has that name is known to the process that systemd has started.
  return { ...common, fd: "fd" in inherited ? inherited.fd : anyDescriptor };
}

const anyDescriptor = 3;

/** What its adapter is asked for where it listens without TLS. Throws `OptionsError`. */
export function listenOptions(
  settings: ServerEndpointConfig,
  adapter: Adapter,
): ReturnType<typeof resolveServer>["listen"] {
  return resolveServer(serveOptions(settings, () => Promise.resolve()), adapter).listen;
}

/** The descriptor that systemd has passed under the name that the configuration says, in the place of any. */
function systemdPlace(
  { inherited }: ServerEndpointConfig,
): Effect.Effect<{ readonly fd?: number }, SocketError> {
  if (inherited === undefined || "fd" in inherited) return Effect.succeed({});
  return Effect.try({
    try: () => ({ fd: systemdSocket(inherited.systemd) }),
    catch: (error) => error as SocketError,
  });
}

const nobody: ReadonlyMap<string, FrameConnection> = new Map();

/** A server of the gateway. */
export class ServerEndpoint implements RunningEndpoint {
  readonly mode = "server";
  settings: ServerEndpointConfig;
  readonly #drainSpread: () => number;
  readonly #traffic: Traffic;
  readonly #clock: Clock;
  #server: SocketServer<Uint8Array, Uint8Array, undefined> | undefined = undefined;
  #certificates: Certificates | undefined = undefined;

  private constructor(settings: ServerEndpointConfig, context: EndpointContext) {
    this.settings = settings;
    this.#drainSpread = () => context.drainSpread();
    this.#clock = context.clock;
    this.#traffic = new Traffic(settings, context.bus, this, context);
  }

  /** Subscribes, then listens, until it is stopped. */
  static start(
    settings: ServerEndpointConfig,
    context: EndpointContext,
  ): Effect.Effect<ServerEndpoint, OptionsError | SocketError | TlsError> {
    return Effect.gen(function* () {
      const endpoint = new ServerEndpoint(settings, context);
      const traffic = endpoint.#traffic;
      const { adapter, clock, log: logger, signal, memory: memoryBudget } = context;
      const tls = settings.tls && serverTlsOptions(settings.tls);
      const others = new OtherProtocols(logger, settings.framing.name);
      endpoint.#certificates = tls?.certificates;
      const place = yield* systemdPlace(settings);
      traffic.start();
      const opening = openServer({
        ...serveOptions(settings, (connection) => traffic.ingress(connection)),
        ...place,
        tls,
        adapter,
        clock,
        logger,
        signal,
        memoryBudget,
        onFrameError: traffic.onFrameError,
        onOtherProtocol: (found, connection) => others.warn(found, connection),
      });
      endpoint.#server = yield* Effect.onError(opening, () => traffic.stop());
      return endpoint;
    });
  }

  get name(): string {
    return this.settings.name;
  }

  get address(): Address {
    return this.#server?.address ?? this.settings.address;
  }

  get state(): ServerState {
    return this.#server?.state ?? "created";
  }

  get ready(): boolean {
    return this.state === "running";
  }

  /** None before it listens: messages that come so early find nobody. */
  get connections(): ReadonlyMap<string, FrameConnection> {
    return this.#server?.connections ?? nobody;
  }

  stats(): ServerStats {
    return this.#running.stats();
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
    return this.#running.inspect();
  }

  certificates(): readonly CertificateInspection[] {
    return this.#certificates?.inspect() ?? [];
  }

  clientAuthorities(): ClientAuthoritiesInspection | undefined {
    return this.#certificates?.clientAuthorities?.inspect();
  }

  broadcast(frame: Uint8Array): Promise<BroadcastReport> {
    return this.#running.broadcast(frame);
  }

  kill(id: string, options: KillOptions<Uint8Array>): boolean {
    return this.#running.kill(id, options);
  }

  dismiss(id: string, why: Pick<OrderReason, "reason" | "code">, lastWords: Uint8Array | undefined): void {
    this.#running.kill(id, { ...why, lastWords, reset: false });
  }

  ban(address: string, duration: DurationInput, why?: OrderReason): void {
    this.#running.ban(address, duration, why);
  }

  unban(address: string, why?: OrderReason): boolean {
    return this.#running.unban(address, why);
  }

  update(changes: LiveOptions, why?: OrderReason): void {
    this.#running.update(changes, why);
  }

  change(settings: ServerEndpointConfig, keys: readonly (keyof LiveOptions)[]): void {
    const options: LiveOptions = serveOptions(settings, () => Promise.resolve());
    const changes = Object.fromEntries(keys.map((key) => [key, options[key]]));
    this.#running.update(changes, { by: "a reload" }, true);
    this.settings = settings;
  }

  async reloadCertificates(): Promise<void> {
    await this.#certificates?.reload();
  }

  suspend(): Promise<void> {
    return this.#running.suspend();
  }

  resume(): Promise<void> {
    return this.#running.resume();
  }

  drain(deadlineMs: number): Promise<ShutdownReport> {
    return Effect.runPromise(this.stop(deadlineMs));
  }

  stop(deadlineMs: number): Effect.Effect<ShutdownReport> {
    return Effect.suspend(() => {
      const until = this.#clock.now() + deadlineMs;
      return Effect.tap(
        SocketServer.stop(this.#running, deadlineMs, this.#drainSpread()),
        this.#traffic.stop(until),
      );
    });
  }

  destroy(): Effect.Effect<ShutdownReport> {
    return Effect.tap(SocketServer.destroy(this.#running), this.#traffic.stop());
  }

  get #running(): SocketServer<Uint8Array, Uint8Array, undefined> {
    if (this.#server === undefined) {
      throw new SocketError("closed", `endpoint ${this.name}: it does not listen yet`);
    }
    return this.#server;
  }
}
