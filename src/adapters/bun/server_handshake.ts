/**
 * Handshakes of a server in Bun's own TLS: from an accepted socket to a secured transport.
 *
 * Used by `bun/adapter.ts`. Whether a handshake may begin, and how long it may take, is decided above.
 */
import { concatBytes } from "../../core/bytes/bytes.ts";
import {
  type Handshake,
  type HandshakeObserver,
  type TlsMaterial,
  type TlsServerSettings,
  unobserved,
} from "../../core/tls/tls.ts";
import type { TlsError } from "../../core/tls/tls_error.ts";
import type { Peer, Transport } from "../../core/transport.ts";
import { peerText } from "../address.ts";
import { BunHandshake } from "./handshake.ts";
import { bunTlsInfo, wireProtocols } from "./tls_info.ts";
import { type BunSocket, type BunTlsOptions, BunTransport, handlers, type Slot } from "./transport.ts";
import { wrongFirstBytes } from "../tls/first_bytes.ts";
import { contextsOf } from "../tls/context.ts";
import { handshakeError } from "../tls/failure.ts";

/** Secures the connections of one listener. */
export class BunTlsAcceptor {
  readonly observer: HandshakeObserver;
  readonly accept: (transport: Transport) => void;
  readonly #tls: TlsServerSettings;
  #material: TlsMaterial | undefined = undefined;
  #options: BunTlsOptions = {};

  /** Throws `TlsError` `material` when the certificate cannot be used. */
  constructor(
    tls: TlsServerSettings,
    observer: HandshakeObserver | undefined,
    accept: (transport: Transport) => void,
  ) {
    this.#tls = tls;
    this.observer = observer ?? unobserved;
    this.accept = accept;
    contextsOf(tls).for(tls.material);
  }

  /** Takes a socket that has just been accepted. */
  take(socket: BunSocket<Slot>, peer: Peer): void {
    const handshake = new BunServerHandshake(this, socket, peer);
    if (!this.observer.began(handshake)) handshake.abort();
  }

  /** With the certificate that is in service now. Bun keeps one context for all that are alike. */
  get options(): BunTlsOptions {
    const { material, alpn } = this.#tls;
    if (material !== this.#material) {
      const { cert, key } = this.#material = material;
      this.#options = { cert, key, ...wireProtocols(alpn) };
    }
    return this.#options;
  }
}

class BunServerHandshake extends BunHandshake implements Handshake {
  readonly ip: string;
  readonly port: number;
  readonly #acceptor: BunTlsAcceptor;
  readonly #peer: Peer;
  #socket: BunSocket<Slot>;
  /** The peer's first bytes, until TLS has them. */
  #head: Uint8Array | undefined = undefined;
  #held = false;
  #laid = false;
  #over = false;

  constructor(acceptor: BunTlsAcceptor, socket: BunSocket<Slot>, peer: Peer) {
    super();
    this.#acceptor = acceptor;
    this.#peer = peer;
    this.#socket = socket;
    this.ip = peer.ip;
    this.port = peer.port;
    socket.data = this;
  }

  proceed(): void {
    const head = this.#head;
    if (this.#over || head === undefined) return;
    this.#head = undefined;
    this.#laid = true;
    const { options: tls } = this.#acceptor;
    try {
      const [, secured] = this.#socket.upgradeTLS({
        isServer: true,
        tls,
        data: this,
        socket: handlers,
        initialData: head,
      });
      if (this.#over) return;
      this.#socket = secured;
      if (this.#held) secured.resume();
    } catch (error) {
      this.failed(error);
    }
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.terminate();
  }

  // What Bun tells of the plain socket, and of the one with TLS.

  /** Once TLS has been laid, Bun still shows the ciphertext here. */
  received(chunk: Uint8Array): void {
    if (this.#laid || this.#over) return;
    if (this.#head !== undefined) {
      // Who says so much before its turn has to wait with the rest.
      this.#head = concatBytes([this.#head, chunk]);
      if (!this.#held) this.#socket.pause();
      this.#held = true;
      return;
    }
    const wrong = wrongFirstBytes(chunk, () => this.#action);
    if (wrong !== undefined) return this.#end(wrong);
    this.#head = chunk;
    this.#acceptor.observer.ready(this);
  }

  failed(cause: unknown): void {
    if (!this.#over) this.#end(handshakeError(cause, "server", this.#action));
  }

  shaken(socket: BunSocket<Slot>, good: boolean, fault: Error | null): void {
    if (this.#over) return;
    this.#over = true;
    const { observer, accept } = this.#acceptor;
    // Bun closes it once the alert is on its way.
    if (!good) return observer.ended(this, handshakeError(fault, "server", this.#action));
    const tls = bunTlsInfo(socket, socket.getServername() || undefined, undefined);
    const transport = new BunTransport(socket, { ...this.#peer, tls });
    observer.ended(this);
    accept(transport);
    transport.accepted();
  }

  get #action(): string {
    return `TLS handshake with ${peerText(this.#peer)}`;
  }

  #end(error: TlsError): void {
    this.#over = true;
    this.#socket.terminate();
    this.#acceptor.observer.ended(this, error);
  }
}
