/**
 * What is below TLS on Deno: `node:tls` lies over a `net.Socket` of Deno's own `node:net`, so ciphertext goes past the
 * streams of JavaScript.
 *
 * Deno hands each chunk of the handle below to the handle of TLS, in a function that can be taken out again, and tells
 * that one of FIN and reset alike, by a call that is met here: so a connection that was cut off is told from one that
 * was closed. TLS does not stop the handle below when it is paused; that is done here, too.
 */
import { nextTick } from "node:process";
import type { TLSSocket } from "node:tls";
import type { Transport } from "../../core/transport.ts";
import type { LowerOwner } from "./below.ts";
import { BelowSocket } from "./below_socket.ts";

/** The part of a socket of Deno that is meant here. */
interface Handled {
  readonly _handle?: Handle | null;
}
interface Handle {
  /** What is called with every chunk; `readStart` looks it up. */
  onread: (this: Handle, chunk?: Uint8Array) => unknown;
  /** Called on a TLS handle when there is no more to come from below: after FIN or a reset. */
  emitEof?: () => void;
  readStart(): number;
  readStop(): number;
  ref?(): void;
}

const nothing = new Uint8Array(0);

/** A socket of Deno's `node:net` under TLS. */
export class BelowDeno extends BelowSocket {
  /** What takes the chunks of a socket without TLS, and its FIN or reset. */
  readonly #plain: Handle["onread"] | undefined;

  constructor(transport: Transport, owner: LowerOwner, first?: (chunk: Uint8Array) => void) {
    super(transport, owner, first);
    this.#plain = this.#handle?.onread;
  }

  override start(): void {
    super.start();
    // Reading plaintext before may have been stopped, and a FIN that came then is told in another way.
    this.stream.once("end", () => this.owner.belowEnded());
    this.hold(false);
  }

  override lay(socket: TLSSocket): void {
    const tls = (socket as Handled)._handle;
    if (!tls) return;
    tls.emitEof = () => {
      // Deno has let go of it, and would end the program before the other half is over.
      this.#handle?.ref?.();
      this.owner.belowEnded();
    };
  }

  override attach(socket: TLSSocket): () => unknown {
    super.attach(socket);
    // Until there is a listener.
    this.hold(true);
    const destroy = socket.destroy.bind(socket);
    // Streams destroy themselves when both halves are over, on Deno before close_notify has gone down.
    socket.destroy = (error?: Error) => {
      if (error !== undefined || this.stream.destroyed) return destroy(error);
      // Not within the call of a write: Deno makes an error for each stream that is destroyed there.
      this.stream.write(nothing, () => nextTick(destroy));
      return socket;
    };
    return destroy;
  }

  override hold(on: boolean): void {
    if (on) this.#handle?.readStop();
    else this.#handle?.readStart();
  }

  /** A peer that goes on sending is not read any more. */
  override discard(): void {
    const handle = this.#handle;
    if (!handle) return;
    const plain = this.#plain;
    handle.readStop();
    handle.onread = (chunk) => chunk === undefined ? plain?.call(handle) : handle.readStop();
    handle.readStart();
  }

  override abort(): void {
    if (this.peer.local.transport === "unix") this.stream.destroy();
    else this.stream.resetAndDestroy();
  }

  get #handle(): Handle | null | undefined {
    return (this.stream as Handled)._handle;
  }
}
