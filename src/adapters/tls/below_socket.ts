/**
 * What is below TLS where `node:tls` lies over a `net.Socket` itself, without our seeing the ciphertext.
 *
 * This is all of it on Bun, whose TLS over any other stream closes as soon as the peer has ended, and loses what it was
 * still to be sent; a connection that was cut off without close_notify looks there like one that was closed. Node and
 * Deno can be asked for more: `tls/below_handle.ts`, `tls/below_deno.ts`.
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { SocketError } from "../../core/errors.ts";
import type { Peer, Transport } from "../../core/transport.ts";
import { brokenConnection } from "../address.ts";
import { NodeTransport } from "../node/transport.ts";
import type { Lower, LowerOwner } from "./below.ts";
import { PlainPart } from "./upgradable.ts";

/** A plain socket under TLS. */
export class BelowSocket implements Lower {
  readonly peer: Peer;
  readonly stream: Socket;
  owner: LowerOwner;
  #first: ((chunk: Uint8Array) => void) | undefined;
  #part: PlainPart | undefined = undefined;
  #error: SocketError | undefined = undefined;
  #attached: TLSSocket | undefined = undefined;

  /** The transport must be one of `node:net`, perhaps with plaintext before it; it is of no use from now on. */
  constructor(transport: Transport, owner: LowerOwner, first?: (chunk: Uint8Array) => void) {
    const plain = transport instanceof PlainPart ? transport.original : transport;
    if (!(plain instanceof NodeTransport)) throw new TypeError("lay TLS over a socket: found none below");
    this.peer = transport.peer;
    this.stream = plain.detach();
    if (transport instanceof PlainPart) {
      this.#part = transport;
      for (const chunk of [...transport.waiting()].reverse()) this.stream.unshift(chunk);
    }
    this.owner = owner;
    this.#first = first;
  }

  start(): void {
    const socket = this.stream;
    socket.on("error", (cause) => this.#error ??= brokenConnection(cause, this.peer));
    socket.on("close", () => {
      if (this.#attached === undefined) this.owner.belowClosed(this.#error);
    });
    // The socket has told so, and will not again.
    if (this.#part?.over || socket.readableEnded) this.owner.belowEnded();
    else if (this.#first !== undefined) socket.once("readable", () => this.#read());
  }

  giveBack(chunk: Uint8Array): void {
    this.stream.off("end", this.#onLeft);
    this.stream.unshift(chunk);
  }

  lay(_socket: TLSSocket): void {}

  attach(socket: TLSSocket): () => unknown {
    this.#attached = socket;
    socket.on("close", () => this.owner.belowClosed(this.#error));
    return () => socket.destroy();
  }

  hold(_on: boolean): void {}

  discard(): void {}

  beforeEnd(ready: () => void): void {
    ready();
  }

  release(): void {
    (this.#attached ?? this.stream).destroy();
  }

  abort(): void {
    // Once the peer has ended, Bun's TLS has the socket for itself.
    const socket = this.#attached ?? this.stream;
    if (this.peer.local.transport === "unix") socket.destroy();
    else socket.resetAndDestroy();
  }

  #read(): void {
    const first = this.#first!;
    this.#first = undefined;
    const chunk = this.stream.read() as Uint8Array | null;
    if (chunk === null) return this.owner.belowEnded();
    this.stream.on("end", this.#onLeft);
    first(chunk);
  }

  /** The peer has not waited for its turn. */
  readonly #onLeft = (): void => this.owner.belowEnded();
}
