/**
 * One end of a connection in memory, with the habits of a kernel socket: a bounded buffer, FIN and RST.
 *
 * Used by `memory/adapter.ts`. Everything between the two ends, time above all, is the wire's business.
 */
import type { Clock } from "../../core/time/clock.ts";
import type { SocketError } from "../../core/errors.ts";
import type { Peer, Transport, TransportEvents } from "../../core/transport.ts";
import { brokenConnection } from "../address.ts";
import type { Segment, Wire } from "./wire.ts";

/** One open connection in memory. */
export class MemoryTransport implements Transport {
  readonly peer: Peer;
  taken = 0;
  readonly prompt = true;
  readonly #wire: Wire;
  readonly #clock: Clock;
  readonly #canReset: boolean;
  /** How many more bytes the other end takes. */
  #room: number;
  #events: TransportEvents | undefined = undefined;
  /** Received, and not delivered yet. */
  #arrived: Uint8Array[] = [];
  #paused = true;
  #delivering = false;
  #peerEnded = false;
  #endTold = false;
  /** Written, and not taken yet for want of room: the caller's own memory. */
  #held: Uint8Array[] = [];
  /** A write returned false, and its drain is owed. */
  #owing = false;
  #ended = false;
  #finSent = false;
  /** Aborted, broken, or both FINs are through. */
  #over = false;
  #error: SocketError | undefined = undefined;

  constructor(peer: Peer, wire: Wire, room: number, clock: Clock, canReset: boolean) {
    this.peer = peer;
    this.#wire = wire;
    this.#room = room;
    this.#clock = clock;
    this.#canReset = canReset;
  }

  start(events: TransportEvents): void {
    this.#events = events;
    if (this.#over) return this.#closeSoon();
    if (this.#owing) this.#clock.endOfTurn(() => this.#flush());
    this.resume();
  }

  resume(): void {
    if (!this.#paused || this.#over || this.#events === undefined) return;
    this.#paused = false;
    this.#clock.endOfTurn(() => this.#deliver());
  }

  write(chunk: Uint8Array): boolean {
    if (this.#ended) return false;
    let rest = chunk;
    if (this.#held.length === 0) {
      const size = this.#send(chunk);
      if (size === chunk.length) return true;
      rest = chunk.subarray(size);
    }
    if (rest.length > 0) this.#held.push(rest);
    this.#owing = true;
    return false;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#held.length > 0) return;
    this.#sendFin();
    this.#closeIfDone();
  }

  release(): void {
    if (this.#over) return;
    const unread = this.#arrived.length > 0;
    this.#finish();
    // As a kernel does where bytes have come that nobody has read.
    if (unread) this.#wire.send({ kind: "reset" });
    else if (!this.#finSent) this.#sendFin();
    this.#closeSoon();
  }

  abort(): void {
    if (this.#over) return;
    this.#finish();
    if (this.#canReset) this.#wire.send({ kind: "reset" });
    else if (!this.#finSent) this.#sendFin();
    this.#closeSoon();
  }

  /** What came through the wire from the other end. */
  receive(segment: Segment): void {
    if (this.#over) {
      // As a kernel does when bytes come for a socket that is gone.
      if (segment.kind === "data") this.#wire.send({ kind: "reset" });
      return;
    }
    switch (segment.kind) {
      case "data":
        this.#arrived.push(segment.bytes);
        return this.#deliver();
      case "window":
        this.#room += segment.size;
        return this.#flush();
      case "fin":
        this.#peerEnded = true;
        return this.#deliver();
      case "reset":
        this.#finish();
        this.#error = brokenConnection({ code: "ECONNRESET" }, this.peer);
        return this.#tellClose();
      default:
        return;
    }
  }

  #deliver(): void {
    const events = this.#events;
    // `data` may end up here again, through a clock that a test moves from inside it.
    if (this.#paused || this.#delivering || this.#over || events === undefined) return;
    this.#delivering = true;
    while (this.#arrived.length > 0 && !this.#paused) {
      const chunk = this.#arrived.shift()!;
      // Read before: the chunk is the receiver's, who may transfer its memory and so empty it.
      const size = chunk.length;
      if (!events.data(chunk)) this.#paused = true;
      if (!this.#over) this.#wire.send({ kind: "window", size });
    }
    this.#delivering = false;
    if (!this.#peerEnded || this.#endTold || this.#paused || this.#over) return;
    this.#endTold = true;
    events.end();
    this.#closeIfDone();
  }

  /** Sends a copy of as much as there is room for, and returns how much that was. */
  #send(chunk: Uint8Array): number {
    const size = Math.min(this.#room, chunk.length);
    if (size > 0) this.#wire.send({ kind: "data", bytes: chunk.slice(0, size) });
    this.#room -= size;
    this.taken += size;
    return size;
  }

  #flush(): void {
    while (this.#held.length > 0) {
      const chunk = this.#held[0]!;
      const size = this.#send(chunk);
      if (size < chunk.length) {
        this.#held[0] = chunk.subarray(size);
        return;
      }
      this.#held.shift();
    }
    if (this.#ended && !this.#finSent) this.#sendFin();
    if (this.#owing && this.#events !== undefined && !this.#over) {
      this.#owing = false;
      this.#events.drain();
    }
    this.#closeIfDone();
  }

  #sendFin(): void {
    this.#finSent = true;
    this.#wire.send({ kind: "fin" });
  }

  #finish(): void {
    this.#over = this.#ended = true;
    this.#arrived = [];
    this.#held = [];
  }

  #closeIfDone(): void {
    if (this.#over || !this.#finSent || !this.#endTold) return;
    this.#finish();
    this.#closeSoon();
  }

  #closeSoon(): void {
    if (this.#events !== undefined) this.#clock.endOfTurn(() => this.#tellClose());
  }

  #tellClose(): void {
    this.#events?.close(this.#error);
  }
}
