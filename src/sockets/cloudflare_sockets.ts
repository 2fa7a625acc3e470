/**
 * The sockets of workerd, the host of Cloudflare Workers, through its module `cloudflare:sockets`: they connect, and do
 * not listen.
 *
 * Used by `edge_sockets.ts`, and by `bind_sockets.ts` where a program hands in the module's `connect`.
 */
import { OptionsError, SocketError } from "../core/errors.ts";
import { addressText } from "../core/text/place.ts";
import type { TlsClientSettings } from "../core/tls/tls.ts";
import { TlsError } from "../core/tls/tls_error.ts";
import type { Adapter, AdapterConnectOptions, Peer, Transport } from "../core/transport.ts";
import type { HostSocket, SecureTransportKind } from "./socket.ts";
import { brokenBy, peerOf, SocketTransport } from "./socket_transport.ts";

/** A socket of `cloudflare:sockets`. */
export interface CloudflareSocket extends HostSocket {
  /** Secures it, for a server of this name. */
  startTls(options?: { readonly expectedServerHostname?: string }): CloudflareSocket;
}

/** `connect` of `cloudflare:sockets`. */
export type CloudflareConnect = (
  address: { readonly hostname: string; readonly port: number },
  options: { readonly secureTransport: SecureTransportKind; readonly allowHalfOpen: boolean },
) => CloudflareSocket;

/**
 * The sockets of workerd as an adapter. Which CAs are trusted is said in the configuration of workerd: other options of TLS
 * than a name are refused.
 *
 * One that can be secured later reads only when `resume` asks for it, as the sockets of the draft do: it is for those
 * alone.
 */
export function cloudflareSockets(connect?: CloudflareConnect): Adapter {
  return {
    name: "workerd",
    can: {
      reset: false,
      reusePort: false,
      backlog: false,
      ipv6Only: false,
      descriptor: false,
      noDelay: false,
      keepAlive: false,
      keepAliveDelay: false,
      unix: false,
      socketMode: false,
      socketOwner: false,
      pause: true,
      tls: true,
      tlsCiphers: false,
      tlsCipherSuites: false,
      ownTls: false,
    },
    listens: false,
    listen: () => Promise.reject(unsupported("adapter", "workerd", "a host with sockets that listen")),
    connect: async (options) => dial(connect ?? await imported(), options),
  };
}

/** By a name that no bundler follows: it is there on workerd alone. */
async function imported(): Promise<CloudflareConnect> {
  const name = "cloudflare:sockets";
  try {
    return ((await import(name)) as { connect: CloudflareConnect }).connect;
  } catch (cause) {
    throw unsupported("adapter", undefined, `a host that has ${name}, such as workerd`, cause);
  }
}

async function dial(
  connect: CloudflareConnect,
  { address, signal, tls, upgradable }: AdapterConnectOptions,
): Promise<Transport> {
  if (address.transport === "unix") throw unsupported("address", "unix", "a host and a port");
  if (tls !== undefined) checkTls(tls);
  const { host: hostname, port } = address;
  const where = addressText(address);
  // The name that is expected can only be given to `startTls`.
  const named = tls !== undefined && tls.serverName !== hostname;
  const kind = upgradable || named ? "starttls" : tls === undefined ? "off" : "on";
  const gone = () => new SocketError("aborted", `connect to ${where}: aborted`);
  if (signal?.aborted) throw gone();
  let socket = connect({ hostname, port }, { secureTransport: kind, allowHalfOpen: true });
  let secured: CloudflareSocket | undefined;
  let aborted = false;
  const abort = () => {
    aborted = true;
    void closeQuietly(socket);
  };
  signal?.addEventListener("abort", abort);
  try {
    if (named) {
      await Promise.race([socket.opened, ended(signal)]);
      secured = socket = socket.startTls({ expectedServerHostname: tls.serverName });
    }
    // One that is closed while it connects may still open.
    const info = await Promise.race([socket.opened, ended(signal)]);
    const peer = { ...peerOf(socket, info, true) };
    return new SocketTransport(socket, peer, upgradable ? startTls : undefined);
  } catch (cause) {
    void closeQuietly(socket);
    if (aborted) throw gone();
    if (secured !== undefined) throw handshakeFailed(`connect to ${where}`, cause);
    throw brokenBy(cause, `connect to ${where}`);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

function ended(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) =>
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true })
  );
}

async function startTls(
  socket: HostSocket,
  settings: { readonly client?: TlsClientSettings | undefined },
): Promise<{ socket: HostSocket; peer: Peer }> {
  const { client } = settings;
  if (client === undefined) throw unsupported("upgrade", "of a server", "the side of a client");
  checkTls(client);
  try {
    const secured = (socket as CloudflareSocket).startTls({ expectedServerHostname: client.serverName });
    return { socket: secured, peer: peerOf(secured, await secured.opened, true) };
  } catch (cause) {
    throw handshakeFailed("secure a connection", cause);
  }
}

/** The host does not say why: that is in its log. */
function handshakeFailed(action: string, cause: unknown): TlsError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new TlsError("unknown", `${action}: the TLS handshake failed: ${text}`, { cause });
}

/** Refuses what the host decides. */
function checkTls(
  { ca, material, ciphers, alpn, insecureSkipVerify, minVersion, maxVersion }: TlsClientSettings,
): void {
  const wishes: Readonly<Record<string, boolean>> = {
    "tls.ca": ca !== undefined,
    "tls.cert": material !== undefined,
    "tls.ciphers": ciphers !== undefined,
    "tls.alpn": alpn.length > 0,
    "tls.insecureSkipVerify": insecureSkipVerify,
    "tls.minVersion": minVersion !== "TLSv1.2",
    "tls.maxVersion": maxVersion !== "TLSv1.3",
  };
  for (const [path, wished] of Object.entries(wishes)) {
    if (wished) {
      throw unsupported(path, "a value", "to be left out: workerd decides it by its own configuration");
    }
  }
}

function unsupported(path: string, found: unknown, expected: string, cause?: unknown): OptionsError {
  return new OptionsError("unsupported", [{ path, found, expected }], { cause });
}

async function closeQuietly(socket: HostSocket): Promise<void> {
  try {
    await socket.close();
  } catch {
    // It has failed, which is known.
  }
}
