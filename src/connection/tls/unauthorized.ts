/** What a connection ends with when the option `authorize` does not let its peer in: after a handshake, or an upgrade. */
import { TlsError } from "../../core/tls/tls_error.ts";
import type { Peer } from "../../core/transport.ts";

/** The error; `thrown` when `authorize` gave no verdict. */
export function unauthorized({ tls }: Peer, thrown?: { readonly cause: unknown }): TlsError {
  const who = tls?.certificate?.subject ?? "a client without a certificate";
  const how = thrown === undefined ? "" : `, which threw ${String(thrown.cause)}`;
  return new TlsError("unauthorized", `let in ${who}: refused by authorize${how}`, thrown);
}
