/**
 * A connection that begins in plaintext and may be secured later (STARTTLS): first the plain transport, then, behind
 * the same face, the one with TLS.
 *
 * Made by `secured.ts` where `upgradable` is asked for. When it is time to upgrade is decided above; what has come in
 * the clear by then and was not delivered goes to TLS, which will have none of it.
 */
import { SocketError } from "../../core/errors.ts";
import { TlsError } from "../../core/tls/tls_error.ts";
import type { TlsUpgradeSettings } from "../../core/tls/tls.ts";
import type { Peer, Transport, TransportEvents } from "../../core/transport.ts";
import type { MakeLower } from "./below.ts";

/** What an upgrade is given to work with. */
type Upgrade = (plain: PlainPart, tls: TlsUpgradeSettings, signal: AbortSignal) => Promise<Transport>;

/** One such connection. */
export class UpgradableTransport implements Transport {
  readonly #part: PlainPart;
  readonly #upgrade: Upgrade;
  #inner: Transport;
  #stage: "plain" | "securing" | "secured" | "failed" = "plain";
  #events: TransportEvents | undefined = undefined;
  /** Plaintext bytes that the kernel had accepted. */
  #takenBefore = 0;
  /** Ends an upgrade. */
  #attempt: AbortController | undefined = undefined;
  /** An end waits for the handshake: a bare FIN in the midst of it would be one that breaks off. */
  #endOwed = false;
  #closeTold = false;

  constructor(plain: Transport, upgrade: Upgrade) {
    this.#part = new PlainPart(plain);
    this.#inner = plain;
    this.#upgrade = upgrade;
  }

  get peer(): Peer {
    return this.#inner.peer;
  }

  get prompt(): boolean {
    return this.#inner.prompt;
  }

  get taken(): number {
    return this.#takenBefore + this.#inner.taken;
  }

  start(events: TransportEvents): void {
    this.#events = events;
    this.#part.open(events);
  }

  resume(): void {
    if (this.#stage === "secured" || !this.#part.held) this.#inner.resume();
  }

  write(chunk: Uint8Array): boolean {
    return this.#inner.write(chunk);
  }

  end(): void {
    if (this.#part.held && this.#stage !== "secured") this.#endOwed = true;
    else this.#inner.end();
  }

  release(): void {
    if (this.#stage === "securing" || this.#stage === "failed") this.abort();
    else this.#inner.release();
  }

  abort(): void {
    if (this.#stage === "securing") {
      this.#stage = "failed";
      this.#attempt?.abort(new SocketError("closed", "secure a connection: it was dropped"));
      if (this.#inner !== this.#part.original) this.#inner.abort();
    } else if (this.#stage !== "failed") return this.#inner.abort();
    // Whatever lies below by now reports to nobody.
    if (this.#closeTold) return;
    this.#closeTold = true;
    this.#events?.close();
  }

  hold(): void {
    this.#part.held = true;
  }

  async upgrade(tls: TlsUpgradeSettings, signal: AbortSignal, ready: () => Promise<void>): Promise<void> {
    if (this.#stage !== "plain") {
      throw new SocketError("closed", "secure a connection: upgrade was called before, or it is closed");
    }
    this.#stage = "securing";
    this.#part.held = this.#part.handedOver = true;
    const attempt = this.#attempt = new AbortController();
    const stopped = new Promise<never>((_, reject) => {
      attempt.signal.addEventListener("abort", () => reject(attempt.signal.reason), { once: true });
    });
    stopped.catch(() => {});
    signal.addEventListener("abort", () => attempt.abort(signal.reason), { once: true });
    if (signal.aborted) attempt.abort(signal.reason);
    const takenBefore = this.taken;
    const handshake = this.#upgrade(this.#part, tls, attempt.signal).then((secured) => {
      if (this.#stage === "securing" && !attempt.signal.aborted) {
        this.#takenBefore = takenBefore;
        this.#inner = secured;
      } else secured.abort();
    }, (error) => {
      if (this.#stage === "securing") this.#stage = "failed";
      // After a handshake that failed TLS lets go by itself: an alert may be on its way.
      const byItself = error instanceof TlsError && error.reason !== "material" && !attempt.signal.aborted;
      if (!byItself) this.#part.abort();
      throw error;
    });
    handshake.catch(() => {});
    await Promise.race([handshake, stopped]);
    await Promise.race([ready(), stopped]);
    this.#stage = "secured";
    this.#attempt = undefined;
    this.#inner.start(this.#events!);
    if (this.#endOwed) this.#inner.end();
  }
}

/** The plain transport while it changes hands: first it reports to the user, then to TLS. */
export class PlainPart implements Transport {
  readonly original: Transport;
  /** Nothing that comes goes to the user any more; it waits for TLS. */
  held = false;
  /** Its end, too, is for TLS to hear. */
  handedOver = false;
  readonly #waiting: Uint8Array[] = [];
  #peer: Peer | undefined = undefined;
  #events: TransportEvents | undefined = undefined;
  #toTls = false;
  #ended = false;
  #closed: { readonly error: SocketError | undefined } | undefined = undefined;

  constructor(original: Transport) {
    this.original = original;
  }

  get peer(): Peer {
    return this.#peer ?? this.original.peer;
  }

  get prompt(): boolean {
    return this.original.prompt;
  }

  get taken(): number {
    return this.original.taken;
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

  /** The peer's FIN, or the end of all, has come since it is held. */
  get over(): boolean {
    return this.#ended || this.#closed !== undefined;
  }

  /** What has come since it is held. */
  waiting(): readonly Uint8Array[] {
    return this.#waiting.splice(0);
  }

  /** From now on all is for TLS: what was read and not used, what has come since, and what will. */
  handOver(head: Uint8Array, peer: Peer): void {
    this.held = this.handedOver = true;
    if (head.length > 0) this.#waiting.unshift(head);
    this.#peer = peer;
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

  release(): void {
    this.original.release();
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
    if (this.handedOver && !this.#toTls) this.#closed = { error };
    else this.#events!.close(error);
  }
}

/** One whose user is whoever reads what comes before the TLS of a listener. */
export class PlainFirst extends PlainPart {
  override start(events: TransportEvents): void {
    this.open(events);
  }
}

/** Upgrades by the same handshakes as those of connections that are secured from the start. */
export function upgradeOver(ground: () => Promise<MakeLower>): Upgrade {
  return async (plain, tls, signal) => {
    const lower = await ground();
    if (tls.client !== undefined) {
      const { secureClient } = await import("./client.ts");
      const { ip, port, local } = plain.peer;
      const address = ip === "" ? local : { transport: "tcp", host: ip, port } as const;
      return secureClient(plain, tls.client, address, signal, lower);
    }
    const { TlsAcceptor } = await import("./server.ts");
    const { requireVerdicts } = await import("./verdict.ts");
    await requireVerdicts(tls.server);
    return new Promise((resolve, reject) => {
      const acceptor = new TlsAcceptor(
        tls.server,
        {
          began: (handshake) => {
            signal.addEventListener("abort", () => {
              handshake.abort();
              reject(signal.reason);
            }, { once: true });
            return !signal.aborted;
          },
          ready: (handshake) => {
            if (tls.pace === undefined) handshake.proceed();
            else tls.pace(() => handshake.proceed());
          },
          ended: (_, error) => error !== undefined && reject(error),
        },
        resolve,
        lower,
      );
      acceptor.take(plain);
      if (signal.aborted) reject(signal.reason);
    });
  };
}
