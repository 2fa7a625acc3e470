/** Options that can change while a server runs. */
import type { ConnectionOptions } from "../connection/connection_options.ts";
import type { DurationInput } from "../core/time/duration.ts";
import type { AdmissionOptions } from "./admission_options.ts";

/**
 * Options that `server.update` changes, with the meanings and limits that they have for `serve`. What is left out, or
 * undefined, stays as it is.
 *
 * - Of open connections: `idleTimeout`, `readIdleTimeout`, `writeIdleTimeout`, `firstFrameTimeout` and `frameTimeout`
 *   apply at once and count from the change on, so no connection is closed for a silence that was allowed while it lasted;
 *   `closeTimeout` and `lingerTimeout` apply to ends that begin later.
 * - Of connections accepted later: these, and `ingressLimit`, `egressLimit`, `egressPolicy`, `rateLimit`,
 *   `minByteRate` and `maxLifetime`.
 * - Of accepting: `maxConnections`, `maxConnectionsPerAddress`, `acceptRate`, `acceptRatePerAddress`, `allow`, `deny`,
 *   `farewell` and `maxHandshakes` apply to the next one. Connections over a lower maximum stay open, and no other
 *   is accepted until there are fewer.
 * - `shutdownDeadline` applies to the next `close`.
 */
export interface LiveOptions extends
  Pick<
    AdmissionOptions,
    | "maxConnections"
    | "maxConnectionsPerAddress"
    | "acceptRate"
    | "acceptRatePerAddress"
    | "allow"
    | "deny"
    | "farewell"
  >,
  Pick<
    ConnectionOptions<unknown>,
    | "idleTimeout"
    | "readIdleTimeout"
    | "writeIdleTimeout"
    | "firstFrameTimeout"
    | "frameTimeout"
    | "closeTimeout"
    | "lingerTimeout"
    | "ingressLimit"
    | "egressLimit"
    | "egressPolicy"
    | "rateLimit"
    | "minByteRate"
    | "maxLifetime"
  > {
  /** Maximum number of TLS handshakes at one time; as for `serve`. */
  readonly maxHandshakes?: number | undefined;
  /** How long `close` waits unless it is given a deadline; as for `serve`. */
  readonly shutdownDeadline?: DurationInput | undefined;
}

/** Their names. */
export const liveKeys: readonly (keyof LiveOptions)[] = [
  "maxConnections",
  "maxConnectionsPerAddress",
  "acceptRate",
  "acceptRatePerAddress",
  "allow",
  "deny",
  "farewell",
  "maxHandshakes",
  "idleTimeout",
  "readIdleTimeout",
  "writeIdleTimeout",
  "firstFrameTimeout",
  "frameTimeout",
  "closeTimeout",
  "lingerTimeout",
  "ingressLimit",
  "egressLimit",
  "egressPolicy",
  "rateLimit",
  "minByteRate",
  "maxLifetime",
  "shutdownDeadline",
];
