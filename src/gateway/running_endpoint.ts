/** One endpoint of the gateway as the gateway has it, whose end is an Effect. Users see `endpoint.ts`. */
import type * as Effect from "effect/Effect";
import type { ShutdownReport } from "../server/server_options.ts";
import type { LiveOptions } from "../server/live_options.ts";
import type { EndpointConfig } from "./config/endpoint_config.ts";
import type { GatewayEndpoint } from "./endpoint.ts";
import type { PeerMetrics } from "./peer_metrics.ts";

/** An endpoint at work. What stops it is idempotent, and never fails. */
export interface RunningEndpoint extends GatewayEndpoint {
  readonly settings: EndpointConfig;
  /** Puts other limits of a server in force, which are all that differs in these settings. Throws `OptionsError`. */
  change?(settings: EndpointConfig, keys: readonly (keyof LiveOptions)[]): void;
  /** Reads the files of a server's certificates again; what cannot be used is in its log. */
  reloadCertificates?(): Promise<void>;
  /** What is counted by who its peers are. */
  readonly peers: PeerMetrics | undefined;
  /** What `drain` does. */
  stop(deadlineMs: number): Effect.Effect<ShutdownReport>;
  /** Destroys everything now, also in the middle of a drain. */
  destroy(): Effect.Effect<ShutdownReport>;
}
