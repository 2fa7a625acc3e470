/**
 * A small HTTP/1.1 server: whole requests without their bodies in, whole answers out, with limits on both.
 *
 * Used by the gateway's admin endpoint. It stands on `node:http`, which all runtimes have; what they make of a request
 * that is none is one here. Knows nothing of pages.
 */
import { lookup } from "node:dns/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, isIP } from "node:net";
import type { Duplex } from "node:stream";
import { SocketError, socketErrorFrom } from "../core/errors.ts";
import { addressText } from "../core/text/place.ts";
import type { Address } from "../core/transport.ts";
import { HttpPeer, type HttpPeerOptions, type HttpRefusal, type HttpRequest } from "./http_peer.ts";

/** What a server is made of. */
export interface HttpServerOptions extends HttpPeerOptions {
  readonly host: string;
  readonly port: number;
  /** Hears what goes wrong with the listener itself; never of one peer. */
  readonly failed: (error: SocketError) => void;
  /** Connections at one time; further ones are dropped. */
  readonly maxConnections: number;
  /** The head of a request, in bytes; beyond, it is answered with 431. */
  readonly maxHeadBytes: number;
}

/** A server that listens. */
export interface HttpServer {
  /** What was bound. */
  readonly address: Extract<Address, { readonly transport: "tcp" }>;
  /** Stops listening and drops every connection, whatever is being answered. Idempotent. */
  close(): Promise<void>;
}

/** How often the runtimes look for requests that are late, at most, in milliseconds. */
const longestCheck = 1_000;
/** What the runtimes add to the time in which the next request must begin, in milliseconds. */
const keepAliveMargin = 1_000;

/** Listens; rejects with `SocketError` when the address cannot be bound. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { requestTimeout, silence } = options;
  const server = createServer({
    maxHeaderSize: options.maxHeadBytes,
    headersTimeout: requestTimeout,
    requestTimeout,
    connectionsCheckingInterval: Math.min(longestCheck, Math.ceil(requestTimeout / 2)),
    keepAliveTimeout: Math.max(1, silence - keepAliveMargin),
    // Only HTTP/1.1 needs one, which is for the code that answers to say.
    requireHostHeader: false,
  });
  server.maxConnections = options.maxConnections;
  const peers = new Map<Duplex, HttpPeer>();
  const peerOf = (socket: Duplex): HttpPeer => {
    let peer = peers.get(socket);
    if (peer === undefined) {
      peers.set(socket, peer = new HttpPeer(socket, options));
      socket.on("close", () => peers.delete(socket));
    }
    return peer;
  };
  server.on("connection", peerOf);
  server.on(
    "request",
    (request, response) => peerOf(request.socket).take(factsOf(request), request, response),
  );
  // Nothing here takes a body, so nobody is told to send one.
  server.on("checkContinue", (request, response) => {
    peerOf(request.socket).take(factsOf(request), undefined, response);
  });
  server.on("connect", (request, socket) => peerOf(socket).tunnel(factsOf(request)));
  server.on("clientError", (error: { readonly code?: unknown }, socket) => {
    peerOf(socket).refuse(refusals[String(error.code)] ?? 400);
  });
  const action = `listen on ${addressText({ transport: "tcp", host: options.host, port: options.port })}`;
  await bind(server, options, action);
  server.on("error", (cause) => options.failed(socketErrorFrom(cause, action)));
  const { address, port } = server.address() as AddressInfo;
  let closed: Promise<void> | undefined = undefined;
  const close = (): Promise<void> => {
    const closing = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    for (const socket of peers.keys()) socket.destroy();
    return closing;
  };
  return { address: { transport: "tcp", host: address, port }, close: () => closed ??= close() };
}

const refusals: Readonly<Record<string, HttpRefusal>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
  HPE_PAUSED_H2_UPGRADE: 505,
};

function factsOf({ method = "", url = "", httpVersion, rawHeaders }: IncomingMessage): HttpRequest {
  const headers: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) headers.push([rawHeaders[at]!, rawHeaders[at + 1]!]);
  return { method, target: url, version: httpVersion, headers };
}

/** The slice of Deno that is used here. */
interface DenoPermissions {
  request(wanted: { readonly name: "net"; readonly host: string }): Promise<{ readonly state: string }>;
}

const { Deno } = globalThis as { readonly Deno?: { readonly permissions: DenoPermissions } };

async function bind(
  server: Server,
  { host, port }: HttpServerOptions,
  action: string,
): Promise<void> {
  try {
    // Bun takes a name that nobody has for an address that is not this machine's.
    const address = isIP(host) === 0 ? (await lookup(host)).address : host;
    await permit(address, port, action);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, address, () => {
        server.off("error", reject);
        resolve();
      });
    });
  } catch (cause) {
    const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
    // What Deno makes of an address that is not this machine's, the only argument that can be invalid here.
    const known = code === "EINVAL"
      ? Object.assign(new Error(String(message)), { code: "EADDRNOTAVAIL" })
      : cause;
    throw socketErrorFrom(known, action);
  }
}

/** Deno throws out of a turn of its own where `listen` is not permitted, where nobody can catch it. */
async function permit(address: string, port: number, action: string): Promise<void> {
  if (Deno === undefined) return;
  const host = addressText({ transport: "tcp", host: address, port });
  const { state } = await Deno.permissions.request({ name: "net", host });
  if (state === "granted") return;
  const text = `${action}: network access to "${host}" is needed; run again with --allow-net`;
  throw new SocketError("permission_denied", text);
}
