/**
 * A socket of the draft over a transport that is still to be made: what opens and closes it, and what becomes of its two
 * streams then.
 *
 * Made by `bind_sockets.ts`, and by itself: `startTls` gives its transport to a new one.
 */
import { TimeoutError } from "../core/errors.ts";
import { addressText } from "../core/text/place.ts";
import type { Clock } from "../core/time/clock.ts";
import { TlsError } from "../core/tls/tls_error.ts";
import type { Peer, Transport } from "../core/transport.ts";
import { type HighWaterMarks, type Line, SocketEnds } from "./socket_ends.ts";
import type { ConnectedSocket, SecureTransportKind, SocketInfo } from "./socket.ts";
import { SocketError, socketErrorOf } from "./socket_error.ts";

/** What a socket needs to know. */
interface Plan {
  readonly secureTransport: SecureTransportKind;
  readonly allowHalfOpen: boolean;
  readonly marks: HighWaterMarks;
  /** Milliseconds for connecting, and for a handshake later on. */
  readonly timeout: number;
  readonly clock: Clock;
  /** Closes the socket. */
  readonly signal: AbortSignal | undefined;
  /** Where it leads to, for messages. */
  readonly where: string;
  secure(transport: Transport, signal: AbortSignal, ready: () => void): Promise<void>;
}

/** Makes the transport of a socket. */
type Dial = (signal: AbortSignal, ends: SocketEnds) => Promise<Transport>;

/** The peers of open sockets, which tell more than the draft's sockets do. */
export const peers: WeakMap<object, Peer> = new WeakMap();

/** One that settles from outside, and whose failure is marked as handled. */
class Settled<Value> {
  readonly promise: Promise<Value>;
  resolve!: (value: Value) => void;
  reject!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    this.promise.catch(() => {});
  }
}

/** The socket. What its public members mean is said at `Socket`. */
export class DialedSocket implements ConnectedSocket {
  readonly #plan: Plan;
  readonly #ends: SocketEnds;
  readonly #attempt: AbortController = new AbortController();
  readonly #opened: Settled<SocketInfo> = new Settled();
  readonly #closed: Settled<undefined> = new Settled();
  readonly #dialed: Promise<Transport>;
  readonly #timer: unknown;
  readonly #onSignal: () => void = () => void this.close(this.#plan.signal!.reason);
  #pending = true;
  #closing = false;
  #upgraded = false;
  /** A reader has read to the peer's FIN. */
  #finRead = false;

  constructor(plan: Plan, dial: Dial, line?: Line) {
    this.#plan = plan;
    const { clock, timeout, signal, where } = plan;
    this.#ends = new SocketEnds(plan.marks, {
      readToEnd: (broken) => this.#readToEnd(broken),
      gone: (broken) => this.#gone(broken),
    }, line);
    this.#timer = clock.setTimer(() => {
      const hint = "; check that it is reachable, or raise connectTimeout";
      const late = `connect to ${where}: no answer within ${timeout} ms${hint}`;
      this.#attempt.abort(new TimeoutError("connect", timeout, late));
    }, timeout);
    signal?.addEventListener("abort", this.#onSignal);
    if (signal?.aborted) this.#attempt.abort();
    this.#dialed = dial(this.#attempt.signal, this.#ends);
    this.#dialed.then((transport) => this.#open(transport), (error) => this.#fail(error));
    if (signal?.aborted) this.#onSignal();
  }

  get readable(): ConnectedSocket["readable"] {
    return this.#ends.readable.stream;
  }

  get writable(): ConnectedSocket["writable"] {
    return this.#ends.writable.stream;
  }

  get opened(): Promise<SocketInfo> {
    return this.#opened.promise;
  }

  get closed(): Promise<undefined> {
    return this.#closed.promise;
  }

  get upgraded(): boolean {
    return this.#upgraded;
  }

  get secureTransport(): SecureTransportKind {
    return this.#plan.secureTransport;
  }

  close(reason?: unknown): Promise<undefined> {
    const { readable, writable, line } = this.#ends;
    if (this.#closing || this.#upgraded) return this.closed;
    this.#closing = true;
    const why = reason === undefined ? new SocketError("use a socket: it was closed") : reason;
    const cut = writable.pending;
    readable.close();
    writable.fail(why);
    if (this.#pending) {
      this.#settle();
      this.#plan.signal?.removeEventListener("abort", this.#onSignal);
      this.#opened.reject(why);
      this.#attempt.abort();
    } // A FIN behind half of what was written would say that it was all.
    else if (cut) line.transport!.abort();
    else line.transport!.release();
    if (line.transport === undefined || line.closed || this.#pending) this.#closed.resolve(undefined);
    this.#pending = false;
    return this.closed;
  }

  startTls(): DialedSocket {
    const { secureTransport } = this.#plan;
    if (secureTransport === "on") throw new SocketError("startTls: the connection uses TLS already");
    if (secureTransport === "off") throw new SocketError('startTls: secureTransport must be "starttls"');
    if (this.#upgraded || this.#closing || this.#finRead) {
      throw new SocketError(`startTls: the socket is ${this.#upgraded ? "upgraded" : "closed"}`);
    }
    this.#upgraded = true;
    const { readable, writable, line } = this.#ends;
    const { unread } = readable;
    line.transport?.hold?.();
    readable.close();
    const flushed = writable.shut(
      new SocketError("write to a socket: another one has its connection (startTls)"),
    );
    this.#plan.signal?.removeEventListener("abort", this.#onSignal);
    this.#closed.resolve(undefined);
    return new DialedSocket({ ...this.#plan, secureTransport: "on" }, async (signal, ends) => {
      const drop = () => line.transport === undefined ? this.#attempt.abort() : line.transport.abort();
      signal.addEventListener("abort", drop);
      if (signal.aborted) drop();
      try {
        const transport = await this.#dialed;
        if (unread) {
          const what = "plaintext that nobody has read came before startTls, and may have been injected";
          throw new TlsError("injected", `secure a connection: ${what}`);
        }
        await flushed;
        await this.#plan.secure(transport, signal, () => void (line.ends = ends));
        return transport;
      } catch (error) {
        drop();
        throw error;
      } finally {
        signal.removeEventListener("abort", drop);
      }
    }, line);
  }

  #open(transport: Transport): void {
    // Closed, or late.
    if (!this.#pending) return transport.abort();
    this.#settle();
    this.#pending = false;
    const { peer } = transport;
    peers.set(this, peer);
    this.#opened.resolve({
      remoteAddress: textOf(peer.ip, peer.port),
      localAddress: peer.local.transport === "tcp" ? textOf(peer.local.host, peer.local.port) : null,
      alpn: peer.tls?.alpn ?? null,
    });
    this.#ends.open(transport);
    if (this.#upgraded) transport.hold!();
  }

  #fail(cause: unknown): void {
    if (!this.#pending) return;
    this.#settle();
    this.#pending = false;
    this.#closing = true;
    const { reason } = this.#attempt.signal;
    const error = socketErrorOf(reason instanceof TimeoutError ? reason : cause);
    this.#plan.signal?.removeEventListener("abort", this.#onSignal);
    this.#ends.fail(error);
    this.#opened.reject(error);
    this.#closed.reject(error);
  }

  #readToEnd(broken: boolean): void {
    this.#finRead = true;
    if (this.#plan.allowHalfOpen && !broken) return;
    this.#closed.resolve(undefined);
    if (broken || this.#closing || this.#upgraded) return;
    const { writable, line } = this.#ends;
    const over = new SocketError("write to a socket: the peer has closed the connection");
    writable.shut(over).then(() => line.transport!.end(), () => {});
  }

  #gone(broken: boolean): void {
    this.#plan.signal?.removeEventListener("abort", this.#onSignal);
    if (this.#closing || (broken && this.#finRead)) this.#closed.resolve(undefined);
  }

  #settle(): void {
    this.#plan.clock.clearTimer(this.#timer);
  }
}

function textOf(host: string, port: number): string | null {
  return host === "" ? null : addressText({ transport: "tcp", host, port });
}
