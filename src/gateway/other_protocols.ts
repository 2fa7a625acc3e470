/**
 * Warns of peers that speak another protocol than the endpoint's, though frames can be cut from it: once for each of
 * them, since such a peer comes again and again.
 *
 * Used by the endpoints and by `millrace serve`.
 */
import type { Diagnosis } from "../core/framing/diagnosis.ts";
import type { Peer } from "../core/transport.ts";
import type { Logger } from "../core/logger.ts";

/** Peers that are remembered; of more, the one that was warned of first may be warned of again. */
const mostPeers = 1024;

/** What one endpoint has warned of. */
export class OtherProtocols {
  readonly #log: Logger;
  readonly #framing: string;
  readonly #told: Set<string> = new Set();

  constructor(log: Logger, framing: string) {
    this.#log = log;
    this.#framing = framing;
  }

  /** A connection's stream begins like this. */
  warn({ looksLike, advice }: Diagnosis, connection: { readonly id: string; readonly peer: Peer }): void {
    const { ip } = connection.peer;
    const key = `${ip} ${looksLike}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    if (this.#told.size > mostPeers) {
      for (const oldest of this.#told) {
        this.#told.delete(oldest);
        break;
      }
    }
    const fields = { "conn.id": connection.id, "peer.ip": ip, looksLike, framing: this.#framing, advice };
    this.#log({ level: "warn", message: "the peer speaks another protocol", fields });
  }
}
