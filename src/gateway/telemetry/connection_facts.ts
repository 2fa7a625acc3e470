/** How a connection ended, as attributes of its span, under the names that `millrace/effect` has too. */
import type { TerminationRecord } from "../../connection/termination.ts";

/** Only what is known has a value. */
export function connectionFacts(record: TerminationRecord): Record<string, unknown> {
  const { peer, error } = record;
  const { ip, port, local, tls, via } = peer;
  const tcp = local.transport === "tcp";
  return {
    "conn.id": record.connectionId,
    "network.transport": tcp ? "tcp" : "unix",
    "network.peer.address": tcp ? ip : undefined,
    "network.peer.port": tcp ? port : undefined,
    "network.local.address": tcp ? local.host : local.path,
    "network.local.port": tcp ? local.port : undefined,
    "tls.protocol.version": tls?.protocol?.replace("TLSv", ""),
    "tls.cipher": tls?.cipher,
    "tls.client.server_name": tls?.serverName,
    "millrace.proxy.address": via?.ip,
    "millrace.protocol": record.protocol,
    "millrace.reason": record.reason,
    "millrace.endedBy": record.endedBy,
    "millrace.endedWith": record.endedWith,
    "millrace.code": record.code,
    "millrace.message": error === undefined ? record.message : undefined,
    "millrace.bytesReceived": record.bytesReceived,
    "millrace.bytesSent": record.bytesSent,
    "millrace.framesReceived": record.framesReceived,
    "millrace.framesSent": record.framesSent,
    "millrace.frameErrors": record.frameErrors,
    "millrace.framesUnsent": record.framesUnsent,
    "millrace.framesDropped": record.framesDropped,
    "error.type": error === undefined ? undefined : record.reason,
    "exception.type": error?._tag,
    "exception.message": error?.message,
  };
}
