/**
 * A connection that begins in the clear and may be secured later (STARTTLS): first the plain transport, then, behind
 * the same face, the one with TLS.
 *
 * Made by `secured.ts` where `upgradable` is asked for. When it is time to upgrade is decided above; what has come in
 * the clear by then and was not delivered goes to TLS, which will have none of it.
 */
import { SocketError } from "../core/errors.ts";
import { TlsError } from "../core/tls_error.ts";
import type { UpgradeTls } from "../core/tls.ts";
import type { Peer, Transport, TransportEvents } from "../core/transport.ts";
import type { MakeLower } from "./tls_below.ts";

/** What an upgrade is given to work with. */
export type Upgrade = (plain: PlainPart, tls: UpgradeTls, signal: AbortSignal) => Promise<Transport>;

/** One such connection. */
export class UpgradableTransport implements Transport {
  readonly #part: PlainPart;
  readonly #upgrade: Upgrade;
  #inner: Transport;
  #events: TransportEvents | undefined = undefined;
  #asked = false;

  constructor(plain: Transport, upgrade: Upgrade) {
    this.#part = new PlainPart(plain);
    this.#inner = plain;
    this.#upgrade = upgrade;
  }

  get peer(): Peer {
    return this.#inner.peer;
  }

  start(events: TransportEvents): void {
    this.#events = events;
    this.#part.open(events);
  }

  resume(): void {
    if (!this.#part.held) this.#inner.resume();
  }

  write(chunk: Uint8Array): boolean {
    return this.#inner.write(chunk);
  }

  end(): void {
    this.#inner.end();
  }

  abort(): void {
    // No upgrade will come any more, so the end is the user's to hear.
    if (!this.#asked) this.#part.held = false;
    this.#inner.abort();
  }

  hold(): void {
    this.#part.held = true;
  }

  async upgrade(tls: UpgradeTls, signal: AbortSignal): Promise<void> {
    if (this.#asked) throw new SocketError("closed", "secure a connection: it was asked for before");
    this.#asked = true;
    this.hold();
    try {
      const secured = await this.#upgrade(this.#part, tls, signal);
      this.#part.held = false;
      this.#inner = secured;
      secured.start(this.#events!);
    } catch (error) {
      // Whatever lies below by now, the end is told once.
      if (!(error instanceof TlsError)) this.#part.abort();
      this.#events!.close();
      throw error;
    }
  }
}

/** The plain transport while it changes hands: first it reports to the user, then to TLS. */
export class PlainPart implements Transport {
  readonly original: Transport;
  /** Nothing goes to the user any more; it waits for TLS. */
  held = false;
  readonly #waiting: Uint8Array[] = [];
  #events: TransportEvents | undefined = undefined;
  #toTls = false;
  #ended = false;
  #closed: { readonly error: SocketError | undefined } | undefined = undefined;

  constructor(original: Transport) {
    this.original = original;
  }

  get peer(): Peer {
    return this.original.peer;
  }

  /** For the user. */
  open(events: TransportEvents): void {
    this.#events = events;
    this.original.start({
      data: (chunk) => this.#data(chunk),
      drain: () => this.#events!.drain(),
      end: () => this.#end(),
      close: (error) => this.#close(error),
    });
  }

  /** What has come since it is held. */
  waiting(): readonly Uint8Array[] {
    return this.#waiting.splice(0);
  }

  /** For TLS. */
  start(events: TransportEvents): void {
    this.#events = events;
    this.#toTls = true;
    for (const chunk of this.waiting()) events.data(chunk);
    if (this.#ended) events.end();
    if (this.#closed !== undefined) events.close(this.#closed.error);
    else this.original.resume();
  }

  resume(): void {
    this.original.resume();
  }

  write(chunk: Uint8Array): boolean {
    return this.original.write(chunk);
  }

  end(): void {
    this.original.end();
  }

  abort(): void {
    this.original.abort();
  }

  #data(chunk: Uint8Array): boolean {
    if (!this.held || this.#toTls) return this.#events!.data(chunk);
    this.#waiting.push(chunk);
    return false;
  }

  #end(): void {
    if (this.held && !this.#toTls) this.#ended = true;
    else this.#events!.end();
  }

  #close(error: SocketError | undefined): void {
    if (this.held && !this.#toTls) this.#closed = { error };
    else this.#events!.close(error);
  }
}

/** Upgrades by the same handshakes as those of connections that are secured from the start. */
export function upgradeOver(ground: () => Promise<MakeLower>): Upgrade {
  return async (plain, tls, signal) => {
    const lower = await ground();
    if (tls.client !== undefined) {
      const { secureClient } = await import("./tls_client.ts");
      const { ip, port, local } = plain.peer;
      const address = ip === "" ? local : { transport: "tcp", host: ip, port } as const;
      return secureClient(plain, tls.client, address, signal, lower);
    }
    const { TlsDoor } = await import("./tls_server.ts");
    return new Promise((resolve, reject) => {
      const door = new TlsDoor(
        tls.server,
        {
          began: (handshake) => {
            signal.addEventListener("abort", () => {
              handshake.abort();
              reject(signal.reason);
            }, { once: true });
            return !signal.aborted;
          },
          ready: (handshake) => handshake.proceed(),
          ended: (_, error) => error !== undefined && reject(error),
        },
        resolve,
        lower,
      );
      door.take(plain);
      if (signal.aborted) reject(signal.reason);
    });
  };
}
