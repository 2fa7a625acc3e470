/**
 * What is lost where listeners share a port: when one closes, Linux resets the connections in its queue, unless it is set
 * to move them to another.
 *
 * Loaded by `listening.ts` before the first server with `reusePort` is bound.
 */
import type { Logger } from "../core/logger.ts";
import { addressText } from "../core/text/place.ts";
import type { Address } from "../core/transport.ts";
import { migratesConnections } from "../host/migrated_connections.ts";

/** Logs what remains to be done before such a server can be restarted without a reset connection; nothing if all is. */
export function logSharedPort(
  log: Logger,
  address: Address,
  migrates: () => boolean | undefined = migratesConnections,
): void {
  const migrated = migrates();
  if (migrated === true) return;
  const fields = {
    listen: addressText(address),
    tcpMigrateReq: migrated === false ? "0" : "unknown",
    advice: "set net.ipv4.tcp_migrate_req=1 (Linux 5.14 and later), or listen on an inherited socket (fd)",
  };
  log({
    level: migrated === false ? "warn" : "info",
    message: migrated === false
      ? "the port is shared: when this listener closes, connections in its queue are reset"
      : "the port is shared: when this listener closes, connections in its queue may be reset",
    fields,
  });
}
