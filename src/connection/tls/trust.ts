/**
 * Trust that is not had, and trust that is not asked for: peers that the option `authorize` rejects, and servers
 * whose certificate nobody checks.
 */
import { TlsError } from "../../core/tls/tls_error.ts";
import type { Peer } from "../../core/transport.ts";

/** The warning is loud, but given once a process. */
let warned = false;

/** Called before any certificate of this host is accepted. */
export function warnInsecure(where: string): void {
  if (warned) return;
  warned = true;
  console.warn(
    `millrace: insecureSkipVerify is set for ${where}: the certificate of the server is not checked, so anyone on the ` +
      "path can read and change what is sent; set ca instead. This warning is shown once.",
  );
}

/** What a connection ends with after a handshake, or an upgrade; `thrown` when `authorize` gave no verdict. */
export function unauthorized({ tls }: Peer, thrown?: { readonly cause: unknown }): TlsError {
  const who = tls?.certificate?.subject ?? "a client without a certificate";
  const how = thrown === undefined ? "" : `, which threw ${String(thrown.cause)}`;
  return new TlsError("unauthorized", `accept ${who}: rejected by authorize${how}`, thrown);
}
