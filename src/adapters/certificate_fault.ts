/**
 * What is wrong with a certificate that was found not good, in one order on all runtimes: its time, its purpose, its
 * signer. OpenSSL tells the first that it meets, and rustls, through Deno, none of them.
 *
 * Used by the handshakes of both sides. Lets nobody in: it only tells more of a fault that is certain.
 */
import { allows } from "../core/x509.ts";

/** Purposes of the other side's certificate (RFC 5280, 4.2.1.12). */
const purposes = { client: "1.3.6.1.5.5.7.3.2", server: "1.3.6.1.5.5.7.3.1" } as const;

/** A certificate as `node:tls` shows it. */
interface Shown {
  getPeerCertificate(): unknown;
}

/** The fault as one of OpenSSL's codes: `code`, unless the certificate shows a plainer one. `whose` it is. */
export function certificateFault(socket: Shown, code: string, whose: "client" | "server"): string {
  const { raw } = (socket.getPeerCertificate() ?? {}) as { raw?: Uint8Array };
  if (raw === undefined || code === "ERR_TLS_CERT_ALTNAME_INVALID") return code;
  try {
    const { validFrom, validTo, purpose } = allows(raw, purposes[whose]);
    const now = Date.now();
    if (now < validFrom) return "CERT_NOT_YET_VALID";
    if (validTo < now) return "CERT_HAS_EXPIRED";
    return purpose ? code : "INVALID_PURPOSE";
  } catch {
    // One that our reader cannot read.
    return code;
  }
}
