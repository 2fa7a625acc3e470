/**
 * Who a connection's peer is, as metadata of its messages: its address, its protocol, and what a proxy tells of it.
 *
 * Used by the endpoints and by `millrace serve`. Made once a connection.
 */
import type { ProxyInfo } from "../../core/proxy/proxy_info.ts";
import { hexText } from "../../core/text/hex.ts";
import type { FrameConnection } from "../endpoint.ts";

/** Only what is known has a key. */
export function peerMetadata(
  { id, peer, protocol }: Pick<FrameConnection, "id" | "peer" | "protocol">,
): Record<string, string> {
  const { ip, port, via } = peer;
  const metadata: Record<string, string> = { "conn.id": id, "peer.ip": ip, "peer.port": String(port) };
  if (protocol !== undefined) metadata.protocol = protocol;
  if (via === undefined) return metadata;
  for (const [key, value] of Object.entries(proxyFacts(via))) {
    if (value !== undefined) metadata[`proxy.${key}`] = value;
  }
  return metadata;
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
