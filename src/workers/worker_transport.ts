/**
 * A connection's transport in a worker: the socket is in the main thread, and what it does comes as records.
 *
 * Used by `worker_thread_host.ts`. Its memory is bounded by the main thread, which sends no more than a window of bytes that
 * have not been taken, and by the outbox, which writes one piece at a time.
 */
import { Fifo } from "../core/bytes/fifo.ts";
import type { SocketError } from "../core/errors.ts";
import type { Peer, Transport, TransportEvents } from "../core/transport.ts";
import type { Session } from "../connection/session.ts";
import type { MessageWriter } from "./thread_message.ts";
import { Op } from "./thread_message.ts";
import { endingMessage } from "./ending_message.ts";

/** What it needs of its worker. */
export interface TransportOwner {
  readonly writer: MessageWriter;
  /** Something is to be told at the end of the turn: by `tell`. */
  join(transport: WorkerTransport): void;
  /** It is closed, and nothing that comes is for it any more. */
  forget(transport: WorkerTransport): void;
}

/** One connection. */
export class WorkerTransport implements Transport {
  readonly peer: Peer;
  readonly connectionId: string;
  readonly number: number;
  readonly prompt = false;
  taken = 0;
  /** Known before the transport is started. */
  session: Session<never, never, unknown> | undefined = undefined;
  /** It is among those that are told of at the end of the turn. */
  joined = false;
  /** Work is left, as far as the main thread knows. */
  working = false;
  /** Until when it reads on after a goodbye, by the clock. */
  readsUntil = 0;
  readonly #owner: TransportOwner;
  #events: TransportEvents | undefined = undefined;
  #paused = true;
  #waiting: Fifo<Uint8Array> | undefined = undefined;
  /** Bytes that the session has been given and the main thread has not been told of. */
  #taking = 0;
  #written = 0;
  #owing = false;
  #ended = false;
  #peerEnded = false;
  #endTold = false;
  #saidWhy = false;
  #over = false;
  #closing: { readonly error: SocketError | undefined } | undefined = undefined;

  constructor(number: number, peer: Peer, connectionId: string, owner: TransportOwner) {
    this.number = number;
    this.peer = peer;
    this.connectionId = connectionId;
    this.#owner = owner;
  }

  start(events: TransportEvents): void {
    this.#events = events;
    this.resume();
  }

  resume(): void {
    if (!this.#paused || this.#over || this.#events === undefined) return;
    this.#paused = false;
    this.#deliver();
  }

  write(chunk: Uint8Array): boolean {
    if (this.#ended || this.#over) return false;
    if (chunk.length === 0) return !this.#owing;
    this.#written += chunk.length;
    this.#owing = true;
    this.#owner.writer.bytes(Op.send, this.number, chunk, false);
    this.#owner.join(this);
    return false;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (!this.#over) this.#say(Op.fin);
  }

  release(): void {
    if (this.#over) return;
    this.#sayWhy();
    this.#finish();
  }

  abort(): void {
    if (this.#over) return;
    this.#say(Op.abort);
    this.#finish();
  }

  // From the main thread.

  receive(chunk: Uint8Array): void {
    this.working = true;
    this.#owner.join(this);
    if (this.#over) return;
    (this.#waiting ??= new Fifo()).push(chunk);
    if (!this.#paused) this.#deliver();
  }

  peerEnded(): void {
    this.#peerEnded = true;
    this.#deliver();
  }

  /** The kernel has taken so many more bytes. */
  takes(bytes: number): void {
    this.taken += bytes;
    if (!this.#owing || this.taken < this.#written || this.#over) return;
    this.#owing = false;
    this.#events?.drain();
  }

  /** The socket is gone. */
  closed(error: SocketError | undefined): void {
    if (!this.#over) this.#finish(error);
  }

  /** At the end of the turn: what was taken, whether work is left, and the end. False where it has to be looked at again. */
  tell(): boolean {
    this.joined = false;
    const closing = this.#closing;
    if (closing !== undefined) {
      this.#closing = undefined;
      this.#owner.forget(this);
      this.#events?.close(closing.error);
      return true;
    }
    if (this.#over) return true;
    this.#sayWhy();
    const session = this.session!;
    const done = this.working && this.#waiting === undefined && !session.busy && !session.delivery.waiting;
    if (done) this.working = false;
    if (done || this.#taking > 0) {
      this.#owner.writer.record(Op.taking, this.number, 2 * this.#taking + (done ? 1 : 0));
      this.#taking = 0;
    }
    return !this.working;
  }

  #deliver(): void {
    const events = this.#events;
    while (this.#waiting !== undefined && !this.#paused && !this.#over) {
      const chunk = this.#waiting.take();
      if (this.#waiting.length === 0) this.#waiting = undefined;
      this.#taking += chunk.length;
      this.#owner.join(this);
      if (!events!.data(chunk)) this.#paused = true;
    }
    const held = this.#waiting !== undefined || this.#paused;
    if (!this.#peerEnded || this.#endTold || this.#over || held) return;
    this.#endTold = true;
    events!.end();
  }

  #say(op: number): void {
    const ending = this.session!.life.ending;
    this.#saidWhy ||= ending !== undefined;
    this.#owner.writer.object(op, this.number, ending && endingMessage(ending));
    this.#owner.join(this);
  }

  /** Our FIN was a half-close, and has become the end. */
  #sayWhy(): void {
    const { state, life } = this.session!;
    if (this.#ended && !this.#saidWhy && state === "closing" && life.ending !== undefined) this.#say(Op.fin);
  }

  #finish(error?: SocketError): void {
    this.#over = this.#ended = true;
    this.#waiting = undefined;
    this.#closing = { error };
    this.#owner.join(this);
  }
}
