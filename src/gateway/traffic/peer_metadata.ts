/**
 * Who a connection's peer is, as metadata of its messages: its address, its protocol, what TLS and a proxy tell of it.
 *
 * Used by the endpoints and by `millrace serve`. Made once a connection.
 */
import type { ProxyInfo } from "../../core/proxy/proxy_info.ts";
import { hexText } from "../../core/text/hex.ts";
import type { TlsInfo } from "../../core/tls/tls.ts";
import { commonName } from "../../core/tls/x509.ts";
import type { FrameConnection } from "../endpoint.ts";

/** Metadata that may stand in subjects and labels, beside the address. */
export const senderPlaces = [
  "tls.commonName",
  "tls.san",
  "tls.fingerprint",
  "tls.sni",
  "tls.alpn",
  "tls.version",
  "proxy.authority",
  "proxy.alpn",
  "proxy.uniqueId",
  "proxy.tls.commonName",
  "protocol",
  "peer.ip",
] as const;

/** Only what is known has a key. */
export function peerMetadata(
  { id, peer, protocol }: Pick<FrameConnection, "id" | "peer" | "protocol">,
): Record<string, string> {
  const { ip, port, tls, via } = peer;
  const metadata: Record<string, string> = { "conn.id": id, "peer.ip": ip, "peer.port": String(port) };
  if (protocol !== undefined) metadata.protocol = protocol;
  if (tls !== undefined) put(metadata, "tls", tlsFacts(tls));
  if (via !== undefined) put(metadata, "proxy", proxyFacts(via));
  return metadata;
}

function put(
  metadata: Record<string, string>,
  group: string,
  facts: Record<string, string | undefined>,
): void {
  for (const [key, value] of Object.entries(facts)) {
    if (value !== undefined) metadata[`${group}.${key}`] = value;
  }
}

function tlsFacts({ protocol, alpn, serverName, authorized, certificate }: TlsInfo) {
  // A certificate that nobody has vouched for says nothing.
  const peer = authorized ? certificate : undefined;
  return {
    version: protocol,
    alpn,
    sni: serverName,
    subject: peer?.subject,
    commonName: peer && commonName(peer.subject),
    san: peer && peer.subjectAltNames.length > 0 ? peer.subjectAltNames.join(", ") : undefined,
    issuer: peer?.issuer,
    fingerprint: peer?.fingerprint256,
  };
}

function proxyFacts({ ip, port, destination, alpn, authority, uniqueId, tls }: ProxyInfo) {
  return {
    ip,
    port: String(port),
    "destination.ip": destination?.ip,
    "destination.port": destination && String(destination.port),
    alpn,
    authority,
    uniqueId: uniqueId && hexText(uniqueId),
    "tls.version": tls?.version,
    "tls.commonName": tls?.commonName,
    // A name that was not verified says nothing.
    "tls.verified": tls && String(tls.verified),
  };
}
