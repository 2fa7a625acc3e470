/** Counters of a client endpoint in the form of a server's, so that metrics read alike. */
import type { MemoryBudget } from "../connection/memory_budget.ts";
import type { CloseReason, TerminationRecord } from "../connection/termination.ts";
import type { ServerStats } from "../server/server_stats.ts";
import type { FrameConnection } from "./endpoint.ts";

/** Counters that add up. */
interface Sums {
  bytesReceived: number;
  bytesSent: number;
  framesReceived: number;
  framesSent: number;
}

/** Sums over connections that have ended. */
export class ClientTally {
  opened = 0;
  #closed = 0;
  #frameErrors = 0;
  readonly #byReason: Partial<Record<CloseReason, number>> = {};
  readonly #sums: Sums = { bytesReceived: 0, bytesSent: 0, framesReceived: 0, framesSent: 0 };
  #framesDropped = 0;
  #framesLost = 0;

  ended(record: TerminationRecord): void {
    this.#closed++;
    this.#byReason[record.reason] = (this.#byReason[record.reason] ?? 0) + 1;
    if (record.reason === "frame_error") this.#frameErrors++;
    this.#framesDropped += record.framesDropped;
    this.#framesLost += record.framesUnsent;
    add(this.#sums, record);
  }

  /** The sums with those of the open connections. */
  stats(open: Iterable<FrameConnection>, memory: MemoryBudget | undefined): ServerStats {
    const sums = { ...this.#sums };
    let framesDropped = this.#framesDropped, outboxBytes = 0, heldBytes = 0, connectionsActive = 0;
    for (const connection of open) {
      const stats = connection.stats();
      connectionsActive++;
      add(sums, stats);
      framesDropped += stats.framesDropped;
      outboxBytes += stats.outboxBytes;
      heldBytes += stats.heldBytes;
    }
    return {
      ...sums,
      framesDropped,
      framesLost: this.#framesLost,
      outboxBytes,
      heldBytes,
      memoryExceeded: memory?.exceeded ?? false,
      memoryEpisodes: memory?.episodes ?? 0,
      connectionsActive,
      connectionsAccepted: this.opened,
      connectionsRejected: 0,
      connectionsRejectedByReason: {},
      connectionsLost: 0,
      connectionsClosed: this.#closed,
      pendingActive: 0,
      healthChecks: 0,
      handshakesActive: 0,
      handshakesCompleted: 0,
      handshakesFailed: 0,
      handshakesFailedByReason: {},
      listenerErrorsByReason: {},
      closedByReason: { ...this.#byReason },
      probes: 0,
      frameErrors: this.#frameErrors,
      handlerErrors: this.#byReason.handler_error ?? 0,
      idleCloses: this.#byReason.idle_timeout ?? 0,
      drainMs: 0,
      firstByteCount: 0,
      firstByteMs: 0,
      stalls: 0,
    };
  }
}

function add(sums: Sums, more: Readonly<Sums>): void {
  sums.bytesReceived += more.bytesReceived;
  sums.bytesSent += more.bytesSent;
  sums.framesReceived += more.framesReceived;
  sums.framesSent += more.framesSent;
}
