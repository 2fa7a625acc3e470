/**
 * One connection on Bun: what `Bun.listen` and `Bun.connect` report, as a transport.
 *
 * Used by `bun/adapter.ts`. One handler object serves all connections; each finds its transport in the socket's `data`
 * slot, so an idle connection costs no closures.
 */
import type { PeerCertificate } from "node:tls";
import type { SocketError } from "../../core/errors.ts";
import type { Peer, Transport, TransportEvents } from "../../core/transport.ts";
import { brokenConnection } from "../address.ts";

/** The slice of Bun's socket that is used here. */
export interface BunSocket<Data> {
  data: Data;
  readonly fd: number;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  /** Returns how many bytes the kernel took, and holds none back; -1 when the connection is gone. */
  write(chunk: Uint8Array): number;
  shutdown(): void;
  /** Closes both halves in the ordinary way; the close handler runs before this returns. */
  end(): void;
  /** Sends RST; the close handler runs before this returns. */
  terminate(): void;
  pause(): void;
  resume(): void;
  setNoDelay(on: boolean): boolean;
  setKeepAlive(on: boolean, delay: number): boolean;
  /** Returns this socket, on which ciphertext shows, and the one with TLS on it. */
  upgradeTLS(options: BunUpgrade<Data>): readonly [BunSocket<Data>, BunSocket<Data>];
  /** With TLS only, and once the handshake is over. */
  readonly authorized: boolean;
  readonly alpnProtocol: string | false | null;
  /** In no document of Bun, but what `disableRenegotiation` of its `node:tls` calls. */
  disableRenegotiation(): void;
  getTLSVersion(): string;
  getCipher(): { readonly name: string | null } | undefined;
  getServername(): string | false | undefined;
  getPeerCertificate(): PeerCertificate | undefined;
}
/** How TLS is laid over a socket. */
interface BunUpgrade<Data> {
  readonly isServer: boolean;
  readonly tls: BunTlsOptions;
  readonly data: Data;
  readonly socket: BunHandlers<Data>;
  /** Ciphertext that has been read already. In no document of Bun, but what its `node:tls` is built on. */
  readonly initialData?: Uint8Array | undefined;
}
/** The slice of Bun's options for TLS that is used here. */
export interface BunTlsOptions {
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
  readonly serverName?: string;
  /** As on the wire: each name behind its length. */
  readonly ALPNProtocols?: string;
  readonly rejectUnauthorized?: boolean;
}
/** One object for all connections. */
export interface BunHandlers<Data> {
  readonly binaryType: "uint8array";
  open(socket: BunSocket<Data>): void;
  data(socket: BunSocket<Data>, chunk: Uint8Array): void;
  drain(socket: BunSocket<Data>): void;
  end(socket: BunSocket<Data>): void;
  close(socket: BunSocket<Data>, error?: Error): void;
  handshake(socket: BunSocket<Data>, good: boolean, fault: Error | null): void;
  error(socket: BunSocket<Data>, error: Error): void;
}
/** Who hears what happens to a socket. */
export interface BunSink {
  received(chunk: Uint8Array): void;
  /** The kernel takes more. */
  writable(): void;
  /** The peer has ended. */
  finished(): void;
  closed(cause: Error | undefined): void;
  /** With TLS: it found a fault or was told of one, and the close follows. */
  failed(cause: Error): void;
  /** With TLS: the handshake is over. */
  shaken?(socket: BunSocket<Slot>, good: boolean, fault: Error | null): void;
}
/** What stands in a socket's `data` slot: who made it, and from `open` on who hears of it. */
export type Slot = BunSink | ((socket: BunSocket<Slot>) => void);

/** One open connection of Bun. */
export class BunTransport implements Transport, BunSink {
  readonly peer: Peer;
  taken = 0;
  readonly prompt = true;
  readonly #socket: BunSocket<Slot>;
  #events: TransportEvents | undefined = undefined;
  #paused = true;
  /** No more may be written: ended or aborted by us, or broken. */
  #ended = false;
  /** Or released. */
  #aborted = false;
  /** Bytes that the kernel has not taken yet, in order. */
  #outgoing: Uint8Array[] | undefined = undefined;
  /** Bytes that came although we had paused: Bun may read on when the connection breaks. */
  #incoming: Uint8Array[] | undefined = undefined;
  /** The kernel took the last held byte before anyone could be told. */
  #drainOwed = false;
  #peerEnded = false;
  #endTold = false;
  /** The socket is closed, which may still have to be told. */
  #gone = false;
  #closeTold = false;
  #error: SocketError | undefined = undefined;

  constructor(socket: BunSocket<Slot>, peer: Peer) {
    this.peer = peer;
    this.#socket = socket;
    socket.data = this;
  }

  start(events: TransportEvents): void {
    this.#events = events;
    if (this.#aborted) return this.#tellClose();
    if (this.#drainOwed) events.drain();
    this.resume();
  }

  resume(): void {
    if (!this.#paused || this.#aborted || this.#closeTold) return;
    this.#paused = false;
    while (this.#incoming !== undefined) {
      const chunk = this.#incoming.shift()!;
      if (this.#incoming.length === 0) this.#incoming = undefined;
      if (!this.#events!.data(chunk)) return this.#pause();
    }
    if (this.#peerEnded) this.#tellEnd();
    if (this.#gone) this.#tellClose();
    else this.#socket.resume();
  }

  write(chunk: Uint8Array): boolean {
    if (this.#ended) return false;
    if (this.#outgoing !== undefined) {
      if (chunk.length > 0) this.#outgoing.push(chunk);
      return false;
    }
    if (chunk.length === 0) return true;
    const taken = this.#socket.write(chunk);
    if (taken > 0) this.taken += taken;
    if (taken === chunk.length) return true;
    if (taken < 0) this.#broke();
    else this.#outgoing = [chunk.subarray(taken)];
    return false;
  }

  offer(chunk: Uint8Array): number {
    if (this.#ended || this.#outgoing !== undefined) return 0;
    const taken = Math.max(0, this.#socket.write(chunk));
    this.taken += taken;
    return taken;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#outgoing === undefined) this.#socket.shutdown();
  }

  release(): void {
    this.#drop((socket) => socket.end());
  }

  abort(): void {
    this.#drop((socket) => socket.terminate());
  }

  /** After `accept`: one that was not started then is to read nothing until it is. */
  accepted(): void {
    if (this.#paused && !this.#gone) this.#socket.pause();
  }

  received(chunk: Uint8Array): void {
    if (this.#aborted) return;
    if (this.#paused) (this.#incoming ??= []).push(chunk);
    else if (!this.#events!.data(chunk)) this.#pause();
  }

  /** Bun calls this far more often than a write was short. */
  writable(): void {
    const outgoing = this.#outgoing;
    if (outgoing === undefined) return;
    while (outgoing.length > 0) {
      const chunk = outgoing[0]!;
      const taken = this.#socket.write(chunk);
      if (taken < 0) return this.#broke();
      this.taken += taken;
      if (taken < chunk.length) {
        outgoing[0] = chunk.subarray(taken);
        return;
      }
      outgoing.shift();
    }
    this.#outgoing = undefined;
    const ended = this.#ended;
    if (this.#events === undefined) this.#drainOwed = true;
    else this.#events.drain();
    if (ended && !this.#aborted) this.#socket.shutdown();
  }

  finished(): void {
    // A write that met a reset has used up the kernel's error; reading then finds what looks like a FIN.
    if (this.#error !== undefined) return;
    this.#peerEnded = true;
    if (!this.#paused) this.#tellEnd();
  }

  failed(cause: Error): void {
    this.#error ??= brokenConnection(cause, this.peer);
  }

  closed(cause: Error | undefined): void {
    this.#gone = true;
    if (cause !== undefined) this.#error ??= brokenConnection(cause, this.peer);
    // Of a FIN that comes after our own, Bun tells nothing but the close.
    if (this.#error === undefined) this.#peerEnded = true;
    const undelivered = this.#error === undefined || this.#incoming !== undefined;
    if (this.#paused && undelivered && this.#outgoing === undefined && !this.#aborted) return;
    if (this.#error === undefined) this.#tellEnd();
    this.#tellClose();
  }

  #drop(close: (socket: BunSocket<Slot>) => void): void {
    if (this.#aborted || this.#closeTold) return;
    this.#aborted = this.#ended = true;
    this.#incoming = this.#outgoing = undefined;
    if (this.#gone) this.#tellClose();
    else close(this.#socket);
  }

  #pause(): void {
    this.#paused = true;
    if (!this.#gone) this.#socket.pause();
  }

  #broke(): void {
    this.#ended = true;
    this.#incoming = this.#outgoing = undefined;
    this.#error ??= brokenConnection({ code: "ECONNRESET" }, this.peer);
    // Not from inside the caller's write.
    queueMicrotask(() => this.#gone ? this.#tellClose() : this.#socket.terminate());
  }

  #tellEnd(): void {
    if (this.#endTold || this.#aborted || this.#events === undefined) return;
    this.#endTold = true;
    this.#events.end();
  }

  #tellClose(): void {
    if (this.#closeTold || this.#events === undefined) return;
    this.#closeTold = this.#ended = true;
    this.#incoming = undefined;
    this.#events.close(this.#aborted ? undefined : this.#error);
  }
}

/** What Bun calls, for every connection. */
export const handlers: BunHandlers<Slot> = {
  binaryType: "uint8array",
  open: (socket) => {
    if (typeof socket.data === "function") socket.data(socket);
  },
  data: (socket, chunk) => (socket.data as BunSink).received(chunk),
  drain: (socket) => (socket.data as BunSink).writable(),
  end: (socket) => (socket.data as BunSink).finished(),
  close: (socket, cause) => {
    // One that opened after its attempt had been aborted never got a transport.
    if (typeof socket.data !== "function") socket.data.closed(cause);
  },
  handshake: (socket, good, fault) => (socket.data as BunSink).shaken?.(socket, good, fault),
  error: (socket, cause) => {
    if ((cause as { code?: unknown }).code === "EPROTO") return (socket.data as BunSink).failed(cause);
    // What a handler throws is a bug and ends up here too; let it be as loud as elsewhere.
    queueMicrotask(() => {
      throw cause;
    });
  },
};
