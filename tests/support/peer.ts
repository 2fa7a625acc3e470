/**
 * The other end of a connection, as plain bytes over any adapter's sockets: what a test sends by hand, and all that
 * came back.
 */
import type { SocketError } from "../../src/core/errors.ts";
import type { Adapter, Address, Transport, TransportEvents } from "../../src/core/transport.ts";
import { within } from "../contract/within.ts";

/** A started transport that notes what it hears. */
export class Peer {
  readonly transport: Transport;
  readonly chunks: Uint8Array[] = [];
  bytes = 0;
  /** The other side's FIN has come. */
  ended = false;
  closed = false;
  closes = 0;
  error: SocketError | undefined = undefined;
  /** Answers every chunk; false stops reading until `transport.resume()`. */
  onData: (chunk: Uint8Array) => boolean = () => true;
  /** The last write has been taken. */
  taken = true;
  readonly #waiting: Set<() => void> = new Set();

  constructor(transport: Transport) {
    this.transport = transport;
  }

  start(): this {
    const events: TransportEvents = {
      data: (chunk) => this.#data(chunk),
      drain: () => {
        this.taken = true;
        this.#wake();
      },
      end: () => {
        this.ended = true;
        this.#wake();
      },
      close: (error) => {
        this.closed = true;
        this.closes++;
        this.error = error;
        this.#wake();
      },
    };
    this.transport.start(events);
    return this;
  }

  get text(): string {
    const decoder = new TextDecoder();
    return this.chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("");
  }

  get all(): Uint8Array {
    const all = new Uint8Array(this.bytes);
    let at = 0;
    for (const chunk of this.chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }

  write(data: string | Uint8Array): this {
    this.taken = this.transport.write(typeof data === "string" ? new TextEncoder().encode(data) : data);
    return this;
  }

  end(): this {
    this.transport.end();
    return this;
  }

  abort(): void {
    this.transport.abort();
  }

  /** Resolves when the condition holds, which is looked at after every event. */
  until(condition: () => boolean, what: string): Promise<void> {
    const waiting = new Promise<void>((resolve) => {
      const look = () => {
        if (!condition()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
    return within(
      waiting,
      () => `${what}; the peer has ${this.bytes} bytes, ${JSON.stringify(this.text.slice(0, 200))}`,
    );
  }

  /** Resolves when everything that came so far is this text, or longer. */
  got(text: string): Promise<void> {
    return this.until(() => this.text.length >= text.length, JSON.stringify(text));
  }

  whenEnded(): Promise<void> {
    return this.until(() => this.ended, "the peer to see FIN");
  }

  whenClosed(): Promise<void> {
    return this.until(() => this.closed, "the peer to see the close");
  }

  #data(chunk: Uint8Array): boolean {
    this.chunks.push(chunk.slice());
    this.bytes += chunk.length;
    const more = this.onData(chunk);
    this.#wake();
    return more;
  }

  #wake(): void {
    for (const look of [...this.#waiting]) look();
  }
}

/** Connects and starts. */
export async function dial(adapter: Adapter, address: Address, reading?: "stalled"): Promise<Peer> {
  const transport = await adapter.connect({
    address,
    noDelay: true,
    keepAlive: "system",
    signal: undefined,
    tls: undefined,
  });
  const peer = new Peer(transport);
  if (reading === "stalled") peer.onData = () => false;
  return peer.start();
}
