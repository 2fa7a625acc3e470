/**
 * What is below TLS on Node: `node:tls` lies over the `net.Socket` itself, so ciphertext never comes up into JavaScript.
 *
 * Node tells the end of TLS and the end of the connection alike. Which one it was can be told from the handle below:
 * after FIN libuv has stopped to read of itself, so that it can be told to begin again, which it refuses otherwise.
 */
import type { TLSSocket } from "node:tls";
import type { Transport } from "../../core/transport.ts";
import { canPass, readAgain } from "../node/past_stream.ts";
import type { LowerOwner } from "./below.ts";
import { BelowSocket } from "./below_socket.ts";

/** The part of a socket of Node that is meant here. */
interface Handled {
  readonly _handle?: Handle | null;
}
interface Handle {
  /** False when JavaScript has stopped it. */
  readonly reading?: boolean;
  /** 0, or a negative number when it reads already. */
  readStart(): number;
  readStop(): number;
}

/** A socket of Node under TLS. */
export class BelowHandle extends BelowSocket {
  readonly #handle: Handle | null | undefined;
  #laid: TLSSocket | undefined = undefined;
  #closeNotified = false;
  /** Reading was stopped past the stream. */
  #stopped = false;

  constructor(transport: Transport, owner: LowerOwner, first?: (chunk: Uint8Array) => void) {
    super(transport, owner, first);
    this.#handle = (this.stream as Handled)._handle;
  }

  override lay(socket: TLSSocket): void {
    this.#laid = socket;
    // Once the socket below is gone, TLS frees its state at once, be it in the middle of a handshake or a read, which
    // brings the process down. When that socket has closed, it tells TLS to go.
    const destroy = socket.destroy.bind(socket);
    let closed = false;
    this.stream.prependListener("close", () => closed = true);
    socket.destroy = (error?: Error) => {
      return (this.stream as Handled)._handle === null && !closed ? socket : destroy(error);
    };
    const push = socket.push.bind(socket);
    socket.push = (chunk: Uint8Array | null, encoding?: BufferEncoding) => {
      if (chunk !== null) {
        const more = canPass(socket) ? this.owner.belowRead?.(chunk) : undefined;
        if (more === false) this.#stopped = true;
        return more ?? push(chunk, encoding);
      }
      this.#stopped = false;
      if (!this.#closeNotified && this.#reads(socket as Handled)) this.#closeNotified = true;
      else this.owner.belowEnded();
      return this.#closeNotified && push(null);
    };
  }

  override hold(on: boolean): void {
    if (on || !this.#stopped) return;
    this.#stopped = false;
    readAgain(this.#laid!);
  }

  /** Whether FIN has not come yet. One who was stopped within the chunk at hand cannot have met it. */
  #reads(socket: Handled): boolean {
    const handle = this.#handle;
    if (socket._handle?.reading === false) return true;
    if (handle?.readStart() !== 0) return true;
    handle.readStop();
    return false;
  }

  /**
   * FIN passes a close_notify by that comes while TLS has not noted the end of a write, its own session tickets
   * included, which takes it a turn.
   */
  override beforeEnd(ready: () => void): void {
    setImmediate(() => setImmediate(ready));
  }

  override release(): void {
    this.#afterFin(() => super.release());
  }

  override abort(): void {
    const { stream } = this;
    if (this.peer.local.transport === "unix") stream.destroy();
    else this.#afterFin(() => stream.resetAndDestroy());
  }

  /** While the FIN is on its way to the kernel, which takes one turn, libuv can't reset, and a close could pass it by. */
  #afterFin(close: () => void): void {
    const laid = this.#laid;
    if (laid?.writableEnded && laid.writableLength === 0 && !laid.writableFinished) {
      laid.once("finish", close);
    } else close();
  }
}
