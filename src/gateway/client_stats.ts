/** Counters of a client endpoint in the form of a server's, so that metrics read alike. */
import type { MemoryBudget } from "../connection/memory_budget.ts";
import type { Registry } from "../connection/registry.ts";
import type { ServerStats } from "../server/server_stats.ts";

/** Sums over all connections of a client; of what only a server has, there is nothing. */
export function clientStats<Received, Sent, Context>(
  registry: Registry<Received, Sent, Context>,
  memory: MemoryBudget | undefined,
): ServerStats {
  const { opened, closed, ...totals } = registry.totals();
  const { closedByReason } = registry;
  return {
    ...totals,
    memoryExceeded: memory?.exceeded ?? false,
    memoryEpisodes: memory?.episodes ?? 0,
    connectionsActive: registry.sessions.size,
    connectionsAccepted: opened,
    connectionsRejected: 0,
    connectionsRejectedByReason: {},
    connectionsLost: 0,
    connectionsClosed: closed,
    pendingActive: 0,
    healthChecks: 0,
    handshakesActive: 0,
    handshakesCompleted: 0,
    handshakesFailed: 0,
    handshakesFailedByReason: {},
    listenerErrorsByReason: {},
    closedByReason: { ...closedByReason },
    probes: 0,
    idleCloses: closedByReason.idle_timeout ?? 0,
    drainMs: 0,
    stalls: 0,
  };
}
