/**
 * The client's side of a handshake in Bun's own TLS: from a connected socket to a secured transport.
 *
 * Used by `bun/adapter.ts`. Its limit in time is the caller's signal.
 */
import { addressText } from "../../core/text/place.ts";
import { checkServerIdentity } from "node:tls";
import type { TlsClientSettings } from "../../core/tls/tls.ts";
import type { Address, Peer, Transport } from "../../core/transport.ts";
import { abortedConnect } from "../address.ts";
import { BunHandshake } from "./handshake.ts";
import { bunTlsInfo, wireProtocols } from "./tls_info.ts";
import { type BunSocket, BunTransport, handlers, type Slot } from "./transport.ts";
import { certificateError, isCertificateFault } from "../tls/certificate_fault.ts";
import { certificateOf } from "../tls/context.ts";
import { handshakeError } from "../tls/failure.ts";

/** Resolves when secured; rejects with a `TlsError`, and then the connection is gone. */
export function secureBunClient(
  socket: BunSocket<Slot>,
  peer: Peer,
  tls: TlsClientSettings,
  address: Address,
  signal: AbortSignal | undefined,
): Promise<Transport> {
  return new Promise((resolve, reject) => {
    new BunClientHandshake(socket, peer, tls, address, signal, resolve, reject);
  });
}

class BunClientHandshake extends BunHandshake {
  readonly #peer: Peer;
  readonly #serverName: string;
  readonly #address: Address;
  readonly #signal: AbortSignal | undefined;
  readonly #resolve: (transport: Transport) => void;
  readonly #reject: (error: Error) => void;
  #socket: BunSocket<Slot>;
  #over = false;

  constructor(
    socket: BunSocket<Slot>,
    peer: Peer,
    { serverName, ca, alpn }: TlsClientSettings,
    address: Address,
    signal: AbortSignal | undefined,
    resolve: (transport: Transport) => void,
    reject: (error: Error) => void,
  ) {
    super();
    this.#peer = peer;
    this.#serverName = serverName;
    this.#address = address;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#socket = socket;
    socket.data = this;
    signal?.addEventListener("abort", this.#aborted);
    try {
      const tls = {
        serverName,
        rejectUnauthorized: true,
        ...(ca !== undefined && { ca }),
        ...wireProtocols(alpn),
      };
      [, this.#socket] = socket.upgradeTLS({ isServer: false, tls, data: this, socket: handlers });
      // BoringSSL lets a server ask for another handshake within a connection, as Bun sets it up.
      this.#socket.disableRenegotiation();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Ciphertext, which Bun shows to the plain socket too. */
  received(): void {}

  failed(cause: unknown): void {
    if (this.#over) return;
    this.#settle();
    this.#socket.terminate();
    this.#reject(handshakeError(cause, "client", this.#action));
  }

  shaken(socket: BunSocket<Slot>, good: boolean, fault: Error | null): void {
    if (this.#over) return;
    const certificate = socket.getPeerCertificate();
    // Said again, since everything hangs on it.
    const wrong = fault ??
      (good && socket.authorized && certificate !== undefined
        ? checkServerIdentity(this.#serverName, certificate)
        : { code: "UNABLE_TO_VERIFY", message: "the server is not trusted" });
    if (wrong !== undefined) {
      const { code = "" } = wrong as { readonly code?: string };
      return this.failed(
        certificate !== undefined && isCertificateFault(code)
          ? certificateError(socket, code, {
            side: "client",
            action: this.#action,
            serverName: this.#serverName,
          })
          : wrong,
      );
    }
    try {
      const tls = bunTlsInfo(socket, this.#serverName, certificateOf(socket));
      const transport = new BunTransport(socket, { ...this.#peer, tls });
      transport.accepted();
      this.#settle();
      this.#resolve(transport);
    } catch (error) {
      this.failed(error);
    }
  }

  get #action(): string {
    return `TLS handshake with ${addressText(this.#address)}`;
  }

  #settle(): void {
    this.#over = true;
    this.#signal?.removeEventListener("abort", this.#aborted);
  }

  readonly #aborted = (): void => {
    if (this.#over) return;
    this.#settle();
    this.#socket.terminate();
    this.#reject(abortedConnect(this.#signal!, this.#address));
  };
}
