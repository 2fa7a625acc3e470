/**
 * A transport that was started before there was a connection, to read or write what stands in front of it; the
 * connection gets it as if it were new, with another peer perhaps, and with the bytes that were read and are its own.
 *
 * Used by `server/preface/` and by `client/`, only where such a thing was asked for: all bytes pass through here.
 */
import { concatBytes } from "../bytes/bytes.ts";
import type { SocketError } from "../errors.ts";
import type { Peer, Transport, TransportEvents } from "../transport.ts";
import type { TlsUpgradeSettings } from "../tls/tls.ts";

type Upgrade = (tls: TlsUpgradeSettings, signal: AbortSignal, ready: () => Promise<void>) => Promise<void>;

/** One such transport. */
export class BegunTransport implements Transport {
  /** Present where the transport below has them. */
  readonly offer?: (chunk: Uint8Array) => number;
  readonly hold?: () => void;
  readonly upgrade?: Upgrade;
  readonly #below: Transport;
  readonly #relay: Relay;
  #begun = false;
  /** Bytes written before there was a connection. */
  #before = 0;
  #identity: Identity | undefined = undefined;
  #peer: Peer | undefined = undefined;
  #peerBelow: Peer | undefined = undefined;

  /** `events` hear what happens until somebody else starts it. */
  constructor(below: Transport, events: TransportEvents) {
    this.#below = below;
    this.#relay = new Relay(events);
    const { offer, hold, upgrade } = below;
    if (offer !== undefined) this.offer = offer.bind(below);
    if (hold !== undefined) this.hold = hold.bind(below);
    if (upgrade !== undefined) this.upgrade = upgrade.bind(below);
  }

  /** Starts the transport below. */
  begin(): void {
    this.#begun = true;
    this.#below.start(this.#relay);
  }

  /** The peer is another one than the transport says. */
  identify(identity: Identity): void {
    this.#identity = identity;
    this.#peer = undefined;
  }

  /** These bytes were read and are for whoever starts it next; `ended`: the peer's FIN came behind them. */
  unread(head: Uint8Array, ended: boolean): void {
    if (head.length > 0) this.#relay.held = head;
    this.#relay.endOwed = ended;
  }

  get peer(): Peer {
    const { peer } = this.#below;
    if (this.#identity === undefined) return peer;
    // TLS may begin later, and change what is below.
    if (this.#peer === undefined || this.#peerBelow !== peer) this.#peer = { ...peer, ...this.#identity };
    this.#peerBelow = peer;
    return this.#peer;
  }

  get prompt(): boolean {
    return this.#below.prompt;
  }

  get taken(): number {
    return this.#below.taken - this.#before;
  }

  start(events: TransportEvents): void {
    this.#before = this.#below.taken;
    const more = this.#relay.pass(events);
    if (!this.#begun) this.begin();
    else if (more) this.#below.resume();
  }

  resume(): void {
    if (this.#relay.deliver()) this.#below.resume();
  }

  write(chunk: Uint8Array): boolean {
    return this.#below.write(chunk);
  }

  end(): void {
    this.#below.end();
  }

  release(): void {
    this.#relay.drop();
    this.#below.release();
  }

  abort(): void {
    this.#relay.drop();
    this.#below.abort();
  }
}

/** Who is at the other end. */
type Identity = Pick<Peer, "ip" | "port" | "via">;

/** Hears the transport below, and tells whoever it is that has started the one above. */
class Relay implements TransportEvents {
  /** What was read and is for the connection. */
  held: Uint8Array | undefined = undefined;
  /** The peer has ended, and the connection has not been told. */
  endOwed = false;
  #events: TransportEvents;
  /** It closed before there was a connection. */
  #closed: { readonly error: SocketError | undefined } | undefined = undefined;
  #passed = false;
  /** The connection is there, and takes no more until it says so, though nobody has told the transport below. */
  #waiting = false;

  constructor(events: TransportEvents) {
    this.#events = events;
  }

  /** From now on these hear; whether they take more. */
  pass(events: TransportEvents): boolean {
    this.#events = events;
    this.#passed = this.#waiting = true;
    const more = this.deliver();
    if (this.#closed !== undefined) events.close(this.#closed.error);
    return more && this.#closed === undefined;
  }

  /** What is owed to the connection, as long as it takes it; whether it takes more. */
  deliver(): boolean {
    if (!this.#waiting) return true;
    const { held } = this;
    this.held = undefined;
    if (held !== undefined && !this.#events.data(held)) return false;
    this.#waiting = false;
    if (this.endOwed) {
      this.endOwed = false;
      this.#events.end();
    }
    return true;
  }

  drop(): void {
    this.held = undefined;
    this.endOwed = false;
  }

  data(chunk: Uint8Array): boolean {
    if (this.#waiting) {
      this.held = this.held === undefined ? chunk : concatBytes([this.held, chunk]);
      return false;
    }
    const more = this.#events.data(chunk);
    // There may be a connection since this chunk, which takes no more.
    return more && !this.#waiting;
  }

  drain(): void {
    this.#events.drain();
  }

  end(): void {
    if (this.#waiting) this.endOwed = true;
    else this.#events.end();
  }

  close(error?: SocketError): void {
    if (!this.#passed) this.#closed = { error };
    this.#events.close(error);
  }
}
