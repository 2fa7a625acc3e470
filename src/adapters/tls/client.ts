/**
 * The client's side of a handshake: from a connected plain transport to a secured one.
 *
 * Used by `secured.ts`. Its limit in time is the caller's signal.
 */
import { addressText } from "../../core/text/place.ts";
import { isIP } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { SocketError } from "../../core/errors.ts";
import type { TlsClientSettings } from "../../core/tls/tls.ts";
import type { Address, Transport } from "../../core/transport.ts";
import { abortedConnect } from "../address.ts";
import { certificateError } from "./certificate_fault.ts";
import type { Lower, MakeLower } from "./below.ts";
import { certificateOf, TlsContexts, tlsInfo } from "./context.ts";
import { handshakeError } from "./failure.ts";
import { TlsTransport } from "./transport.ts";

/** Resolves when secured; rejects with a `TlsError`, and then the connection is gone. `before` is sent in plaintext. */
export function secureClient(
  plain: Transport,
  tls: TlsClientSettings,
  address: Address,
  signal: AbortSignal | undefined,
  lower: MakeLower,
  before?: Uint8Array,
): Promise<Transport> {
  const action = `TLS handshake with ${addressText(address)}`;
  return new Promise((resolve, reject) => {
    let socket: TLSSocket | undefined;
    let over = false;
    const settle = () => {
      over = true;
      signal?.removeEventListener("abort", aborted);
    };
    const drop = () => {
      settle();
      socket?.on("error", ignore).destroy();
      below.abort();
    };
    const failed = (cause: unknown) => {
      if (over) return;
      drop();
      reject(handshakeError(cause, "client", action));
    };
    const aborted = () => {
      if (over) return;
      drop();
      reject(abortedConnect(signal!, address));
    };
    const secured = () => {
      if (over) return;
      const secure = socket!;
      if (!secure.authorized && !tls.insecureSkipVerify) {
        const { serverName } = tls;
        return failed(certificateError(secure, codeOf(secure.authorizationError), {
          side: "client",
          action,
          serverName,
        }));
      }
      try {
        // Where the context has no such option: Bun's client does what a server asks.
        secure.disableRenegotiation();
        const info = tlsInfo(secure, tls.serverName, secure.authorized, certificateOf(secure));
        const transport = new TlsTransport(secure, below, info);
        secure.off("error", failed);
        settle();
        resolve(transport);
      } catch (error) {
        failed(error);
      }
    };
    const below = lower(plain, {
      belowEnded: () => failed({ code: "ECONNRESET", message: "it sent FIN" }),
      belowClosed: (error: SocketError | undefined) =>
        failed(error?.cause ?? { code: "ECONNRESET", message: "the connection closed" }),
    });
    if (signal?.aborted) return aborted();
    signal?.addEventListener("abort", aborted);
    const begin = (fault?: Error | null) => {
      if (over) return;
      if (fault) return failed(fault);
      try {
        socket = connect(optionsFor(below, tls), secured);
        below.lay(socket);
        socket.on("error", failed);
        below.start();
      } catch (error) {
        failed(error);
      }
    };
    if (before === undefined) begin();
    else below.stream.on("error", ignore).write(before, begin);
  });
}

function optionsFor(below: Lower, tls: TlsClientSettings): ConnectionOptions {
  const { alpn, serverName, material } = tls;
  return {
    socket: below.stream,
    host: serverName,
    // SNI has names only (RFC 6066); the certificate is compared with `host` then.
    ...(isIP(serverName) === 0 && { servername: serverName }),
    secureContext: new TlsContexts(tls).for(material),
    // TLS that rejects a certificate itself does not show it then, nor does any tell all that is wrong with it; so it is
    // judged when the handshake is over, before anything is sent or read.
    rejectUnauthorized: false,
    ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
  };
}

/** An error's code where it is an error, against the types. */
function codeOf(fault: unknown): string {
  return String((fault as { readonly code?: unknown } | null)?.code ?? fault);
}

function ignore(): void {}
