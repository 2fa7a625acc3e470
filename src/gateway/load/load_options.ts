/** What an echo load is told, and what it reports. Used by the files of this folder and by their callers. */
import type { Adapter, Address } from "../../core/transport.ts";
import type { TlsClientSettings } from "../../core/tls/tls.ts";
import type { Histogram } from "./histogram.ts";

/** What to do to which server. */
export interface LoadOptions {
  readonly adapter: Adapter;
  readonly address: Address;
  /** How connections are secured; undefined for not at all. */
  readonly tls?: TlsClientSettings | undefined;
  /** Connections at one time. */
  readonly connections: number;
  /** Messages in flight on each connection. */
  readonly depth: number;
  /** One encoded message; the server must send the same number of bytes back. */
  readonly message: Uint8Array;
  /** How long to measure, in milliseconds, after all are connected and warmed up. */
  readonly durationMs: number;
  /** How long to run before measuring, in milliseconds. */
  readonly warmupMs: number;
  /** The most that one connect, and one first reply, may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Called ten times a second. */
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** Ends the run early; what was measured so far is the result. */
  readonly signal?: AbortSignal | undefined;
}

/** How far a run is. */
export interface LoadProgress {
  readonly phase: "connecting" | "warming up" | "measuring";
  readonly connected: number;
  /** Part of the measuring time that is over, 0 to 1. */
  readonly done: number;
  /** Messages since measuring began. */
  readonly messages: number;
}

/** What a run came to. */
export interface LoadReport {
  readonly connections: number;
  readonly depth: number;
  readonly messageBytes: number;
  /** Time until the last connection was open, in milliseconds. */
  readonly connectMs: number;
  /** Time really measured, in milliseconds. */
  readonly measuredMs: number;
  readonly messages: number;
  /** Bytes echoed, one way. */
  readonly bytes: number;
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  /** Round trips; sampled, one at a time on each connection. */
  readonly latency: Histogram;
  /** Connections that the server or the network ended during the run. */
  readonly lost: number;
}

/** The run could not be done, or its figures would mean nothing. The message says what to do. */
export class LoadError extends Error {
  override readonly name = "LoadError";
  readonly reason: "connect" | "no_reply" | "not_an_echo" | "all_lost";
  constructor(reason: LoadError["reason"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
