/** A running server as its owner sees it (the implementation follows in this file). */
import type { Connection } from "../connection/connection.ts";
import type { DurationInput } from "../core/duration.ts";
import type { SendOutcome } from "../core/outcome.ts";
import type { Address } from "../core/transport.ts";
import type { BroadcastReport, RateSample, ServerState, ServerStats, ShutdownReport } from "./server_options.ts";

/** A server, from `serve()`. */
export interface Server<Received, Sent = Received, Context = undefined> extends AsyncDisposable {
  /** Where it listens; port 0 has become the port that was chosen. */
  readonly address: Address;
  readonly state: ServerState;
  /** Open connections by id. */
  readonly connections: ReadonlyMap<string, Connection<Received, Sent, Context>>;
  stats(): ServerStats;
  /** Rates over the last second; counting starts with the first call or the first subscription. */
  rates(): RateSample;
  /** Encodes once, sends to all, or to those for which `filter` is true, each under its own egress policy. */
  broadcast(
    frame: Sent,
    filter?: (connection: Connection<Received, Sent, Context>) => boolean,
  ): Promise<BroadcastReport>;
  /** Sends to one connection; an unknown id is an outcome `failed` with `SocketError` `unknown_connection`. */
  send(id: string, frame: Sent): Promise<SendOutcome>;
  /** Closes one connection at once; false when the id is unknown. */
  kill(id: string, why?: { readonly reason?: string; readonly code?: string }): boolean;
  /** Stops accepting: the port refuses until `resume`. Open connections go on. */
  suspend(): Promise<void>;
  resume(): Promise<void>;
  /** Drains; rejects with `ShutdownTimeoutError` when the deadline destroyed connections. Idempotent. */
  shutdown(options?: { readonly deadline?: DurationInput | undefined }): Promise<ShutdownReport>;
  /** Destroys everything now. Idempotent. */
  close(): Promise<ShutdownReport>;
  /** Resolves, never rejects, when the server has stopped, whoever stopped it. */
  readonly finished: Promise<ShutdownReport>;
  /** Everything about the listener and its connections as data (F-52). */
  inspect(): ServerInspection;
}

/** The server as data. */
export interface ServerInspection {
  readonly address: Address;
  readonly state: ServerState;
  readonly runtime: string;
  readonly framing: string;
  readonly stats: ServerStats;
  readonly connections: readonly ConnectionInspection[];
}

/** One connection as data. */
export interface ConnectionInspection {
  readonly id: string;
  readonly ip: string;
  readonly port: number;
  readonly state: string;
  readonly startedAt: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly framesReceived: number;
  readonly framesSent: number;
  readonly inboxFrames: number;
  readonly outboxBytes: number;
}
