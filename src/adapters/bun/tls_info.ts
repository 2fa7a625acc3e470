/**
 * TLS in Bun's terms: what its sockets want to be told of it, and what they tell.
 *
 * Used by the handshakes of both sides.
 */
import type { PeerCertificate, TlsInfo, TlsVersion } from "../../core/tls/tls.ts";
import type { BunSocket, BunTlsOptions, Slot } from "./transport.ts";

/** Application protocols as they are on the wire, each behind its length (RFC 7301, 3.1); nothing for none. */
export function wireProtocols(alpn: readonly string[]): Pick<BunTlsOptions, "ALPNProtocols"> {
  if (alpn.length === 0) return {};
  return { ALPNProtocols: alpn.map((name) => String.fromCharCode(name.length) + name).join("") };
}

/** What was agreed on; `certificate` is the peer's, checked. */
export function bunTlsInfo(
  socket: BunSocket<Slot>,
  serverName: string | undefined,
  certificate: PeerCertificate | undefined,
): TlsInfo {
  const protocol = socket.getTLSVersion();
  return {
    engine: "bun",
    protocol: protocol === "TLSv1.2" || protocol === "TLSv1.3" ? protocol as TlsVersion : undefined,
    cipher: socket.getCipher()?.name ?? undefined,
    alpn: socket.alpnProtocol || undefined,
    serverName,
    authorized: certificate !== undefined,
    certificate,
  };
}
