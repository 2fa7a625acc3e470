/** An endpoint that listens: a server whose frames go to the bus. */
import type { BroadcastReport } from "../connection/broadcast.ts";
import { ShutdownTimeoutError, SocketError } from "../core/errors.ts";
import type { Clock } from "../core/time/clock.ts";
import type { Adapter, Address } from "../core/transport.ts";
import type { ServerInspection } from "../server/inspection.ts";
import type {
  CertificateInspection,
  Certificates,
  ClientAuthoritiesInspection,
} from "../core/tls/certificate_options.ts";
import { serve } from "../server/serve.ts";
import type { Server } from "../server/server.ts";
import type { ServeOptions, ServerState, ServerStats, ShutdownReport } from "../server/server_options.ts";
import type { Logger } from "../core/logger.ts";
import type { Bus, SubscribeOptions } from "./buses/bus.ts";
import type { ServerEndpointConfig } from "./config/endpoint_config.ts";
import type { Endpoint, FrameConnection, TrafficStats } from "./endpoint.ts";
import { OtherProtocols } from "./other_protocols.ts";
import { serverTlsOptions } from "./tls_options.ts";
import { Traffic } from "./traffic.ts";

/** What an endpoint is given by its gateway. */
export interface EndpointContext {
  readonly bus: Bus;
  readonly queue: SubscribeOptions;
  readonly log: Logger;
  readonly clock: Clock;
  readonly adapter: Adapter;
}

/** What a configuration can say of a server; none is upgradable. */
type ConfiguredOptions = ServeOptions<Uint8Array> & { readonly upgradable?: undefined };

/** What `serve` takes, as far as the configuration says; `tls` needs files and is added by the caller. */
export function serveOptions(
  settings: ServerEndpointConfig,
  handler: (connection: FrameConnection) => Promise<void>,
): ConfiguredOptions {
  const { address, limits, listener, framing } = settings;
  const options = { ...limits, ...listener, framing, handler };
  // What does not go with a path was refused by the check of the configuration.
  if (address.transport === "unix") return { ...options, path: address.path } as ConfiguredOptions;
  return { ...options, host: address.host, port: address.port };
}

const nobody: ReadonlyMap<string, FrameConnection> = new Map();

/** A server of the gateway. */
export class ServerEndpoint implements Endpoint {
  readonly mode = "server";
  readonly settings: ServerEndpointConfig;
  readonly #traffic: Traffic;
  #server: Server<Uint8Array> | undefined = undefined;
  #certificates: Certificates | undefined = undefined;

  private constructor(settings: ServerEndpointConfig, context: EndpointContext) {
    this.settings = settings;
    this.#traffic = new Traffic(settings, context.bus, this, context);
  }

  /** Subscribes, then listens. Rejects with `SocketError`, `OptionsError` or `TlsError`. */
  static async start(settings: ServerEndpointConfig, context: EndpointContext): Promise<ServerEndpoint> {
    const endpoint = new ServerEndpoint(settings, context);
    const traffic = endpoint.#traffic;
    const { adapter, clock, log: logger } = context;
    const options = serveOptions(settings, (connection) => traffic.ingress(connection));
    const tls = settings.tls && serverTlsOptions(settings.tls);
    const others = new OtherProtocols(logger, settings.framing.name);
    endpoint.#certificates = tls?.certificates;
    traffic.start();
    try {
      endpoint.#server = await serve({
        ...options,
        tls,
        adapter,
        clock,
        logger,
        onOtherProtocol: (found, connection) => others.warn(found, connection),
      });
    } catch (error) {
      await traffic.stop();
      throw error;
    }
    return endpoint;
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

  kill(
    id: string,
    why: { readonly reason?: string | undefined; readonly code?: string | undefined },
  ): boolean {
    return this.#running.kill(id, why);
  }

  suspend(): Promise<void> {
    return this.#running.suspend();
  }

  resume(): Promise<void> {
    return this.#running.resume();
  }

  async drain(deadlineMs: number): Promise<ShutdownReport> {
    try {
      await this.#running.close({ deadline: deadlineMs });
    } catch (error) {
      // Who was destroyed is in the report.
      if (!(error instanceof ShutdownTimeoutError)) throw error;
    }
    return await this.#stopped();
  }

  async destroy(): Promise<ShutdownReport> {
    await this.#running.destroy();
    return await this.#stopped();
  }

  get #running(): Server<Uint8Array> {
    if (this.#server === undefined) {
      throw new SocketError("closed", `endpoint ${this.name}: it does not listen yet`);
    }
    return this.#server;
  }

  async #stopped(): Promise<ShutdownReport> {
    const report = await this.#running.finished;
    await this.#traffic.stop();
    return report;
  }
}
