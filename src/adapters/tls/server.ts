/**
 * Handshakes of a server: from an accepted plain transport to a secured one.
 *
 * Used by `secured.ts`. Whether a handshake may begin, and how long it may take, is decided above.
 */
import { TLSSocket, type TLSSocketOptions } from "node:tls";
import type { SocketError } from "../../core/errors.ts";
import {
  type Handshake,
  type HandshakeObserver,
  type PeerCertificate,
  type TlsServerSettings,
  unobserved,
} from "../../core/tls/tls.ts";
import { TlsError } from "../../core/tls/tls_error.ts";
import type { Transport } from "../../core/transport.ts";
import { peerText } from "../address.ts";
import { certificateError } from "./certificate_fault.ts";
import { wrongFirstBytes } from "./first_bytes.ts";
import type { Lower, LowerOwner, MakeLower } from "./below.ts";
import { certificateOf, contextsOf, type TlsContexts, tlsInfo } from "./context.ts";
import { handshakeError } from "./failure.ts";
import { resumptionFault } from "./resumption.ts";
import { TlsTransport } from "./transport.ts";
import { verdictOn } from "./verdict.ts";

/** Secures the connections of one listener. */
export class TlsAcceptor {
  readonly tls: TlsServerSettings;
  readonly contexts: TlsContexts;
  readonly observer: HandshakeObserver;
  readonly accept: (transport: Transport) => void;
  readonly lower: MakeLower;
  /** Chooses by the name that is asked for; with it a handshake stops halfway to ask, so only where there is a choice. */
  readonly #choose: TLSSocketOptions["SNICallback"];
  #options: TLSSocketOptions | undefined = undefined;

  /** Throws `TlsError` `material` when the default certificate cannot be used. */
  constructor(
    tls: TlsServerSettings,
    observer: HandshakeObserver | undefined,
    accept: (transport: Transport) => void,
    lower: MakeLower,
  ) {
    this.tls = tls;
    this.contexts = contextsOf(tls);
    this.observer = observer ?? unobserved;
    this.accept = accept;
    this.lower = lower;
    this.#choose = tls.select && this.#chooser(tls.select);
    this.contexts.for(tls.material);
  }

  /** What a handshake that begins now is given: the same as the one before, unless the certificate has changed. */
  get options(): TLSSocketOptions {
    const { alpn, clientCertificates, material } = this.tls;
    const secureContext = this.contexts.for(material);
    if (this.#options?.secureContext === secureContext) return this.#options;
    return this.#options = {
      isServer: true,
      secureContext,
      requestCert: clientCertificates !== "none",
      rejectUnauthorized: clientCertificates === "require",
      ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
      ...(this.#choose && { SNICallback: this.#choose }),
    };
  }

  /** Takes a transport that has just been accepted. */
  take(transport: Transport): void {
    const handshake = new ServerHandshake(this, transport);
    if (this.observer.began(handshake)) handshake.listen();
    else handshake.abort();
  }

  #chooser(select: NonNullable<TlsServerSettings["select"]>): NonNullable<TLSSocketOptions["SNICallback"]> {
    return (name, answer) => {
      try {
        const material = name ? select(name) : undefined;
        answer(null, material && this.contexts.for(material));
      } catch (error) {
        answer(error as Error);
      }
    };
  }
}

/** How long a refused peer may take to read why, in ms. */
const alertTime = 100;

const owner: unique symbol = Symbol("handshake");
type HandshakeSocket = TLSSocket & {
  [owner]?: ServerHandshake | undefined;
  readonly servername?: string | false | null;
  _releaseControl?(): void;
};

class ServerHandshake implements Handshake, LowerOwner {
  readonly ip: string;
  readonly port: number;
  readonly #acceptor: TlsAcceptor;
  readonly #below: Lower;
  #head: Uint8Array | undefined = undefined;
  #socket: TLSSocket | undefined = undefined;
  #over = false;

  constructor(acceptor: TlsAcceptor, transport: Transport) {
    this.#acceptor = acceptor;
    this.#below = acceptor.lower(transport, this, (head) => this.#begun(head));
    this.ip = transport.peer.ip;
    this.port = transport.peer.port;
  }

  /** Waits for the first bytes. */
  listen(): void {
    this.#below.start();
  }

  proceed(): void {
    const head = this.#head;
    if (this.#over || head === undefined) return;
    this.#head = undefined;
    try {
      this.#below.giveBack(head);
      const socket: HandshakeSocket = this.#socket = new TLSSocket(
        this.#below.stream,
        this.#acceptor.options,
      );
      this.#below.lay(socket);
      socket[owner] = this;
      socket.on("error", ServerHandshake.#onError);
      socket.on("secure", ServerHandshake.#onSecure);
    } catch (error) {
      this.#failed(error);
    }
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#drop();
  }

  // What happens below.

  belowEnded(): void {
    const left = { code: "ECONNRESET", message: "it sent FIN" };
    // An alert that came before it says more, and may still be on its way through TLS.
    if (this.#socket === undefined) this.#failed(left);
    else setTimeout(() => this.#failed(left), alertTime);
  }

  belowClosed(error: SocketError | undefined): void {
    if (!this.#over) this.#failed(error?.cause ?? { code: "ECONNRESET", message: "the connection closed" });
  }

  get #action(): string {
    return `TLS handshake with ${peerText(this.#below.peer)}`;
  }

  #begun(head: Uint8Array): void {
    if (this.#over) return;
    const wrong = wrongFirstBytes(head, () => this.#action);
    if (wrong !== undefined) return this.#end(wrong);
    this.#head = head;
    this.#acceptor.observer.ready(this);
  }

  static #onError(this: HandshakeSocket, cause: Error): void {
    const handshake = this[owner];
    if (handshake !== undefined) handshake.#failed(cause);
  }

  static #onSecure(this: HandshakeSocket): void {
    const handshake = this[owner];
    if (handshake !== undefined) handshake.#secured(this);
  }

  #secured(socket: HandshakeSocket): void {
    if (this.#over) return;
    let certificate: PeerCertificate | undefined;
    try {
      certificate = this.#checked(socket);
    } catch (error) {
      return this.#failed(error);
    }
    this.#over = true;
    const info = tlsInfo(socket, socket.servername || undefined, certificate !== undefined, certificate);
    // What a `tls.Server` does: without it TLS keeps the faults it finds from now on to itself, and reads no more.
    socket._releaseControl?.();
    const transport = new TlsTransport(socket, this.#below, info);
    // From now on the connection hears of errors; the listeners stay, since taking them away costs more.
    socket[owner] = undefined;
    this.#acceptor.observer.ended(this);
    this.#acceptor.accept(transport);
  }

  /** The peer's certificate, which is good; undefined when there is none and none is needed. */
  #checked(socket: TLSSocket): PeerCertificate | undefined {
    const { clientCertificates } = this.#acceptor.tls;
    if (clientCertificates === "none") return undefined;
    const certificate = certificateOf(socket);
    if (certificate === undefined) {
      if (clientCertificates === "request") return undefined;
      throw { code: "PEER_DID_NOT_RETURN_A_CERTIFICATE", message: "the peer sent no certificate" };
    }
    const fault = verdictOn(socket) ?? resumptionFault(socket, this.#acceptor.tls.ca);
    if (fault === undefined) return certificate;
    throw certificateError(socket, fault, { side: "server", action: this.#action });
  }

  #failed(cause: unknown): void {
    if (!this.#over) this.#end(handshakeError(cause, "server", this.#action));
  }

  #end(error: TlsError): void {
    this.#over = true;
    if (this.#socket === undefined) this.#drop();
    else this.#leave(this.#socket);
    this.#acceptor.observer.ended(this, error);
  }

  /** TLS has an alert on its way that tells the peer why; a reset right behind it would take it along. */
  #leave(socket: TLSSocket): void {
    socket.on("error", ignore);
    setTimeout(() => this.#drop(), alertTime);
  }

  #drop(): void {
    this.#socket?.on("error", ignore);
    this.#below.abort();
    this.#socket?.destroy();
  }
}

function ignore(): void {}
