/**
 * Addresses as this package shows them, and the words for errors that name one.
 *
 * Used by every adapter. Knows no runtime.
 */
import { SocketError, socketErrorFrom } from "../core/errors.ts";
import { addressText, isIp } from "../core/text/place.ts";
import type { Address, Peer } from "../core/transport.ts";

/**
 * IPv4 that came in through a dual-stack socket (`::ffff:192.0.2.1`) as IPv4, and no zone, which only Node tells;
 * anything else unchanged.
 */
export function plainIp(ip: string): string {
  if (ip.startsWith("::ffff:") && ip.includes(".")) return ip.slice(7);
  const zone = ip.indexOf("%");
  return zone === -1 ? ip : ip.slice(0, zone);
}

/** Where a listener is bound that was asked for `asked`: an address as it was asked for, a name as the system told. */
export function boundAt(asked: Address, told: { readonly host: string; readonly port: number }): Address {
  if (asked.transport === "unix") return asked;
  const host = isIp(asked.host) ? asked.host : plainIp(told.host);
  return { transport: "tcp", host, port: told.port };
}

/** Where an inherited listener is bound, from what the runtime tells of it: nothing for a Unix socket. */
export function inheritedAt(
  asked: Address,
  told: { readonly host: string; readonly port: number } | undefined,
): Address {
  if (told !== undefined) return { transport: "tcp", host: plainIp(told.host), port: told.port };
  return asked.transport === "unix" ? asked : { transport: "unix", path: "" };
}

/** A peer for an error message. One at a Unix socket has no address. */
export function peerText({ ip, port, local }: Pick<Peer, "ip" | "port" | "local">): string {
  if (ip !== "") return addressText({ transport: "tcp", host: ip, port });
  return local.transport === "unix"
    ? "a local peer"
    : "a peer that disconnected before its address could be read";
}

/** Both ends of a TCP connection, from what the runtime says; undefined when it was gone before we could ask. */
export function tcpPeer(
  ip: string | undefined,
  port: number | undefined,
  localIp: string | undefined,
  localPort: number | undefined,
): Peer {
  return {
    ip: plainIp(ip ?? ""),
    port: port ?? 0,
    local: { transport: "tcp", host: plainIp(localIp ?? ""), port: localPort ?? 0 },
  };
}

/** How Bun and `node:net` tell the ends of a socket. */
interface SocketEnds {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

/** Both ends of a TCP connection that we opened; the other end is known, even if it has reset the connection. */
export function openedPeer(socket: SocketEnds, { host, port }: Extract<Address, { transport: "tcp" }>): Peer {
  const known = isIp(host) ? host : undefined;
  return tcpPeer(socket.remoteAddress || known, port, socket.localAddress, socket.localPort);
}

/** Both ends of a connection that came in at `bound`, which is asked less: our end is known unless it is a wildcard. */
export function acceptedPeer(socket: SocketEnds, bound: Address): Peer {
  if (bound.transport === "unix") return unixPeer(bound.path);
  if (bound.host === "::" || bound.host === "0.0.0.0") {
    return tcpPeer(socket.remoteAddress, socket.remotePort, socket.localAddress, socket.localPort);
  }
  return { ip: plainIp(socket.remoteAddress ?? ""), port: socket.remotePort ?? 0, local: bound };
}

/** What `sun_path` holds, less the closing zero; undefined on Windows, whose pipes are no files. */
export function longestPath(platform: string): number | undefined {
  if (platform.startsWith("win")) return undefined;
  return platform === "linux" ? 107 : 103;
}

/** Both ends of a Unix connection. The dialling end has no name, which shows as the path `""`. */
export function unixPeer(path: string): Peer {
  return { ip: "", port: 0, local: { transport: "unix", path } };
}

/**
 * The error of an open connection that broke. A peer's RST shows as ECONNRESET, but as EPIPE when its FIN came
 * first, and as ENOTCONN when we were about to send ours: all three are `reset`.
 */
export function brokenConnection(cause: unknown, peer: Peer): SocketError {
  const action = `keep the connection with ${peerText(peer)} open`;
  const { code } = (cause ?? {}) as { code?: unknown };
  if (code === "ECONNRESET" || code === "EPIPE" || code === "ENOTCONN") {
    return new SocketError("reset", `${action}: ${code}, the peer reset it`, { cause });
  }
  if (code === "EPROTO" || (typeof code === "string" && code.startsWith("ERR_SSL_"))) {
    const what = `TLS cannot go on, or the peer's said so in an alert (${tlsDetail(cause)})`;
    return new SocketError("tls", `${action}: ${what}; data in transit may be lost`, { cause });
  }
  return socketErrorFrom(cause, action);
}

/** OpenSSL's and BoringSSL's own messages are lines of addresses and file names. */
function tlsDetail(cause: unknown): string {
  const { reason, message } = cause as { reason?: unknown; message?: unknown };
  if (typeof reason === "string") return reason;
  const name = /:([A-Z0-9_]+)$/.exec(String(message))?.[1];
  return name === undefined ? String(message) : name.toLowerCase().replaceAll("_", " ");
}

/** The error of an attempt that its caller's signal ended. */
export function abortedConnect(signal: AbortSignal, address: Address): SocketError {
  return new SocketError("aborted", `connect to ${addressText(address)}: the caller's signal aborted it`, {
    cause: signal.reason,
  });
}
