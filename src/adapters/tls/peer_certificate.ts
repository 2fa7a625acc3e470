/**
 * A certificate of the other side, from the bytes that any runtime gives.
 *
 * Called by the adapters after a handshake. Knows no socket.
 */
import { createHash } from "node:crypto";
import type { PeerCertificate } from "../../core/tls/tls.ts";
import { readCertificate } from "../../core/tls/x509.ts";

/** What the certificate says; undefined when it cannot be read, so that no peer is accepted by it. */
export function peerCertificate(der: Uint8Array): PeerCertificate | undefined {
  try {
    return readCertificate(der, createHash("sha256").update(der).digest());
  } catch {
    return undefined;
  }
}
