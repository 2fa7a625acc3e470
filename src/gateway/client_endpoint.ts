/**
 * An endpoint that dials: one connection at a time whose frames go to the bus, made again when it ends.
 *
 * The wait between attempts doubles after each failure up to its limit, and is back at its start after a
 * connection that lasted.
 */
import { connect } from "../client/connect.ts";
import type { ConnectOptions } from "../client/connect_options.ts";
import type { BroadcastReport } from "../connection/broadcast.ts";
import type { TerminationRecord } from "../connection/termination.ts";
import type { Clock } from "../core/time/clock.ts";
import type { Address } from "../core/transport.ts";
import type { CertificateInspection } from "../core/tls/certificate_options.ts";
import { inspectConnection, type ServerInspection, type TlsInspection } from "../server/inspection.ts";
import type { ServerState, ServerStats, ShutdownReport } from "../server/server_options.ts";
import type { Logger } from "../core/logger.ts";
import { ClientTally } from "./client_tally.ts";
import type { ClientEndpointConfig } from "./config/endpoint_config.ts";
import { formatAddress } from "../core/text/address.ts";
import type { Endpoint, FrameConnection, TrafficStats } from "./endpoint.ts";
import { OtherProtocols } from "./other_protocols.ts";
import { within } from "./patience.ts";
import type { EndpointContext } from "./server_endpoint.ts";
import { loadClientTls } from "./tls_options.ts";
import { Traffic } from "./traffic.ts";

/** How long the peer may take to answer our FIN with its own before we let go. */
const lingerMs = 2_000;

/** What `connect` takes, as far as the configuration says; `tls` needs files and is added by the caller. */
export function connectOptions(
  settings: ClientEndpointConfig,
): ConnectOptions<Uint8Array> & { readonly upgradable?: undefined } {
  const { address, limits, framing, connectTimeout } = settings;
  const options = { ...limits, framing, connectTimeout };
  if (address.transport === "unix") return { ...options, path: address.path };
  return { ...options, host: address.host, port: address.port };
}

/** A dialler of the gateway. */
export class ClientEndpoint implements Endpoint {
  readonly mode = "client";
  readonly settings: ClientEndpointConfig;
  readonly connections: Map<string, FrameConnection> = new Map();
  readonly #context: EndpointContext;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #traffic: Traffic;
  readonly #tally: ClientTally = new ClientTally();
  readonly #others: OtherProtocols;
  #state: ServerState = "created";
  #attempt: AbortController | undefined = undefined;
  #wake: (() => void) | undefined = undefined;
  #done: Promise<void> = Promise.resolve();
  #stopping: Promise<ShutdownReport> | undefined = undefined;

  constructor(settings: ClientEndpointConfig, context: EndpointContext) {
    this.settings = settings;
    this.#context = context;
    this.#clock = context.clock;
    this.#log = context.log;
    this.#others = new OtherProtocols(context.log, settings.framing.name);
    this.#traffic = new Traffic(settings, context.bus, this, context);
  }

  /** Subscribes and begins to dial; does not wait for the first connection. */
  start(): void {
    const { tls, address } = this.settings;
    if (tls?.protocol.insecureSkipVerify === true) {
      const advice =
        "whoever is in between can read and change everything; use ca, and serverName where it differs";
      const fields = { to: formatAddress(address), advice };
      this.#log({ level: "warn", message: "the server's certificate is not checked", fields });
    }
    this.#traffic.start();
    this.#state = "running";
    this.#done = this.#run();
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
    return this.#tally.stats(this.connections.values());
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

  kill(
    id: string,
    why: { readonly reason?: string | undefined; readonly code?: string | undefined },
  ): boolean {
    const connection = this.connections.get(id);
    connection?.destroy(why);
    return connection !== undefined;
  }

  drain(deadlineMs: number): Promise<ShutdownReport> {
    return this.#stopping ??= this.#stop(deadlineMs);
  }

  destroy(): Promise<ShutdownReport> {
    if (this.#stopping === undefined) return this.drain(0);
    this.#abort();
    return this.#stopping;
  }

  async #stop(deadlineMs: number): Promise<ShutdownReport> {
    const begun = this.#clock.now();
    const open = [...this.connections.values()];
    this.#state = "draining";
    this.#wake?.();
    if (deadlineMs === 0) this.#abort();
    else {
      if (open.length === 0) this.#attempt?.abort();
      // Our FIN tells the peer; what it still sends is taken until its own.
      open.forEach((connection) => connection.end());
      const linger = Math.min(lingerMs, deadlineMs);
      if (!await within(this.#done, linger, this.#clock)) {
        open.forEach((connection) => void connection.close("the gateway stops"));
        await within(this.#done, Math.max(0, deadlineMs - linger), this.#clock);
      }
    }
    const destroyed = [...this.connections.keys()];
    this.#abort();
    await within(this.#done, lingerMs, this.#clock);
    await this.#traffic.stop();
    this.#state = "stopped";
    const drained = Math.max(0, open.length - destroyed.length);
    return { open: open.length, drained, destroyed, durationMs: this.#clock.now() - begun };
  }

  #abort(): void {
    this.#attempt?.abort();
    for (const connection of this.connections.values()) connection.destroy();
  }

  async #run(): Promise<void> {
    const { wait: first, maxWait } = this.settings.reconnect;
    let wait = first;
    while (this.#state === "running") {
      const connection = await this.#dial();
      if (connection === undefined) {
        await this.#sleep(wait);
        wait = Math.min(wait * 2, maxWait);
        continue;
      }
      const record = await this.#use(connection);
      wait = record.durationMs > wait ? first : Math.min(wait * 2, maxWait);
      await this.#sleep(wait);
    }
  }

  async #dial(): Promise<FrameConnection | undefined> {
    const { tls } = this.settings;
    const { adapter, clock } = this.#context;
    this.#attempt = new AbortController();
    const { signal } = this.#attempt;
    try {
      // Read anew each time, so that a renewed certificate is used at the next one.
      const secured = tls && await loadClientTls(tls);
      return await connect({
        ...connectOptions(this.settings),
        tls: secured,
        adapter,
        clock,
        signal,
        onOtherProtocol: (found, connection) => this.#others.warn(found, connection),
      });
    } catch (error) {
      if (signal.aborted) return undefined;
      const text = error instanceof Error ? error.message : String(error);
      this.#log({ level: "warn", message: "connect failed", fields: { error: text } });
      return undefined;
    } finally {
      this.#attempt = undefined;
    }
  }

  async #use(connection: FrameConnection): Promise<TerminationRecord> {
    const { id } = connection;
    this.connections.set(id, connection);
    this.#tally.opened++;
    this.#log({
      level: "info",
      message: "connected",
      fields: { "conn.id": id, to: formatAddress(this.address) },
    });
    if (this.#state !== "running") connection.end();
    let record: TerminationRecord;
    try {
      await this.#traffic.ingress(connection);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#log({ level: "warn", message: "connection failed", fields: { "conn.id": id, error: text } });
    } finally {
      record = await connection.close();
      this.connections.delete(id);
      this.#tally.ended(record);
    }
    const { reason, message, durationMs } = record;
    this.#log({
      level: "info",
      message: "connection closed",
      fields: { "conn.id": id, reason, why: message, durationMs },
    });
    return record;
  }

  /** Waits, give or take a fifth so that many diallers do not come at once; a stop ends it. */
  #sleep(ms: number): Promise<void> {
    if (this.#state !== "running") return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#clock.clearTimer(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = this.#clock.setTimer(wake, ms * (0.8 + 0.4 * Math.random()));
      this.#wake = wake;
    });
  }
}
