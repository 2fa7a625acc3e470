/** A server's counters as one record. */
import type { MemoryBudget } from "../connection/memory_budget.ts";
import type { Registry } from "../connection/registry.ts";
import type { Admission } from "./admission.ts";
import type { Handshakes } from "./handshakes.ts";
import type { ServerStats } from "./server_stats.ts";

/** What is counted of peers that are no connections yet. */
interface Waiting {
  readonly active: number;
  readonly probes: number;
  readonly healthChecks: number;
}

/** Reads registry and admission; sums over the open connections, so that they only count for themselves. */
export function collectStats<Received, Sent, Context>(
  registry: Registry<Received, Sent, Context>,
  admission: Admission,
  drainMs: number,
  handshakes: Handshakes | undefined,
  listenerErrors: ServerStats["listenerErrorsByReason"],
  budget: MemoryBudget | undefined,
  prefaces: Waiting | undefined,
): ServerStats {
  const { opened, closed, ...totals } = registry.totals();
  const { closedByReason } = registry;
  return {
    ...totals,
    connectionsActive: registry.sessions.size,
    connectionsAccepted: opened,
    connectionsRejected: admission.rejected,
    connectionsRejectedByReason: { ...admission.rejectedByReason },
    connectionsLost: admission.lost,
    connectionsClosed: closed,
    pendingActive: prefaces?.active ?? 0,
    healthChecks: prefaces?.healthChecks ?? 0,
    handshakesActive: handshakes?.active ?? 0,
    handshakesCompleted: handshakes?.completed ?? 0,
    handshakesFailed: handshakes?.failed ?? 0,
    handshakesFailedByReason: { ...handshakes?.failedByReason },
    listenerErrorsByReason: { ...listenerErrors },
    closedByReason: { ...closedByReason },
    probes: (closedByReason.probe ?? 0) + (handshakes?.probes ?? 0) + (prefaces?.probes ?? 0),
    idleCloses: closedByReason.idle_timeout ?? 0,
    memoryExceeded: budget?.exceeded ?? false,
    memoryEpisodes: budget?.episodes ?? 0,
    drainMs,
    stalls: registry.wheel.stalls,
  };
}
