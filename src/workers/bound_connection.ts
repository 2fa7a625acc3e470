/**
 * A connection of the main thread that belongs to a worker for life: bytes that come go there as records, bytes that come from
 * there go out, and either side hears how the other ends.
 *
 * Made by `thread_pool.ts` for a server's handler, lives in `worker_link.ts`. It reads from its session while the worker takes:
 * behind that stand the session's own limits, and the peer's window.
 */
import type { Session } from "../connection/session.ts";
import type { TerminationRecord } from "../connection/termination.ts";
import { Fifo } from "../core/bytes/fifo.ts";
import type { Inbox, Polled } from "../core/flow/inbox.ts";
import type { SendOutcome } from "../core/flow/outcome.ts";
import { causeOf, type EndingMessage, endingMessage } from "./ending_message.ts";
import { type MessageWriter, Op, type OpenMessage } from "./thread_message.ts";

/** The session of such a connection, whose frames are what was read. */
export type BoundSession = Session<Uint8Array, Uint8Array, unknown>;

/** What it needs of its worker. */
export interface BoundOwner {
  readonly writer: MessageWriter;
  /** Bytes that a connection's worker may have and not have taken. */
  readonly window: number;
  /** Something is to be told at the end of the turn. */
  join(bound: BoundConnection): void;
  /** The worker has work for it: the peer's silence is not its own. */
  readonly working: Set<BoundConnection>;
  forget(bound: BoundConnection): void;
}

/** Handed to the kernel at once, so that progress shows in pieces. */
const pieceBytes = 64 * 1024;
/** Handed to the session ahead of the kernel. */
const feedLimit = 256 * 1024;
const poll = (inbox: Inbox<Uint8Array>): Polled<Uint8Array> => inbox.poll();

/** One connection of a worker. */
export class BoundConnection {
  readonly number: number;
  readonly session: BoundSession;
  joined = false;
  /** Bytes that the worker was sent and has not taken. */
  outstanding = 0;
  readonly #owner: BoundOwner;
  /** The server's handler is done. */
  readonly #done: () => void;
  #queue: Fifo<Uint8Array> | undefined = undefined;
  #queued = 0;
  #told = 0;
  #full = false;
  #inputOver = false;
  /** The worker has nothing to do with it any more. */
  #left = false;
  #record: TerminationRecord | undefined = undefined;
  #closeSaid = false;
  /** FIN of the worker came. */
  #ending = false;

  constructor(number: number, session: BoundSession, owner: BoundOwner, done: () => void) {
    this.number = number;
    this.session = session;
    this.#owner = owner;
    this.#done = done;
  }

  /** Bytes of the worker that wait for the session. */
  get queuedBytes(): number {
    return this.#queued + this.session.outbox.pending;
  }

  begin(): void {
    const { session } = this;
    const { ip, port, local, tls, via } = session.transport.peer;
    const message: OpenMessage = {
      id: session.id,
      peer: { ip, port, local, tls, via },
      protocol: session.profile.protocol,
    };
    this.#say(Op.open, message);
    void session.connection.closed.then((record) => this.#closed(record));
    session.life.onSignal(() => this.#ends());
    this.#read();
  }

  // From the worker.

  send(bytes: Uint8Array): void {
    if (this.#record !== undefined) return;
    const queue = this.#queue ??= new Fifo();
    for (let at = 0; at < bytes.length; at += pieceBytes) queue.push(bytes.subarray(at, at + pieceBytes));
    this.#queued += bytes.length;
    this.#owner.join(this);
  }

  /** It has taken so many more bytes; `idle`: and has no work left. */
  takes(bytes: number, idle: boolean): void {
    this.outstanding -= bytes;
    if (idle && this.outstanding === 0) this.#owner.working.delete(this);
    if (!this.#full || this.outstanding >= this.#owner.window) return;
    this.#full = false;
    this.#read();
  }

  /** Its side ends: half, or with what it says. */
  fin(message: EndingMessage | undefined): void {
    const { life } = this.session;
    if (message === undefined) return life.end();
    this.#ending = true;
    life.finish(...causeOf(message));
  }

  abort(message: EndingMessage | undefined): void {
    this.#ending = true;
    const { life } = this.session;
    if (message === undefined) life.destroy("aborted");
    else life.drop(...causeOf(message));
  }

  /** Its session there is over, and its handler has returned. */
  over(): void {
    this.#leave();
    // One side has said why; otherwise the worker's has ended in a way that it could not tell.
    if (this.#record === undefined && !this.#ending && !this.#closeSaid) this.session.life.destroy("aborted");
  }

  /** There is no worker any more. */
  lost(message: string, code: string): void {
    this.#leave();
    this.session.life.destroy("worker_lost", { message, code });
  }

  /** Stop at the next boundary, which the worker knows. */
  stop(): void {
    if (!this.#left) this.#say(Op.stop, undefined);
  }

  /** The end of the turn: bytes go out, and what the kernel has taken is told. */
  tell(): void {
    this.joined = false;
    this.#feed();
    this.session.flushNow();
    this.#tellTaken();
  }

  #read(): void {
    const { session } = this;
    while (!this.#inputOver && !this.#left) {
      if (this.outstanding >= this.#owner.window) {
        this.#full = true;
        return;
      }
      const polled = session.read(poll);
      if (polled === undefined) return session.delivery.inbox.watch(this.#arrived);
      if ("error" in polled || polled.done) {
        this.#inputOver = true;
        // Anything but the peer's FIN is an end, which is told with its reason.
        const ended = !("error" in polled) && session.state !== "closing" && session.state !== "closed";
        return ended ? this.#say(Op.end, undefined) : undefined;
      }
      const chunk = polled.value;
      this.outstanding += chunk.length;
      this.#owner.writer.bytes(Op.data, this.number, chunk, true);
      this.#owner.working.add(this);
      this.#owner.join(this);
    }
  }

  readonly #arrived = (): void => this.#read();

  #feed(): void {
    const queue = this.#queue;
    const { outbox, profile } = this.session;
    const limit = Math.min(feedLimit, profile.egressLimit);
    while (queue !== undefined && queue.length > 0 && this.#record === undefined) {
      // One always fits, and what does not would be refused.
      if (outbox.pending > 0 && outbox.pending + pieceBytes > limit) return;
      const piece = queue.take();
      this.#queued -= piece.length;
      this.session.sendEncoded(piece, this.#outcome);
    }
  }

  readonly #outcome = ({ status }: SendOutcome): void => {
    if (status === "sent") this.#owner.join(this);
  };

  #tellTaken(): void {
    const { bytesSent } = this.session.outbox;
    if (bytesSent === this.#told || this.#left) return;
    this.#owner.writer.record(Op.taken, this.number, bytesSent - this.#told);
    this.#told = bytesSent;
  }

  /** The end has begun on this side: by its time, which the worker sees to, or otherwise. */
  #ends(): void {
    const { state, life } = this.session;
    const ending = life.ending!;
    const retires = ending.reason === "drained" || ending.reason === "max_lifetime";
    if (state === "draining" && retires) return this.#say(Op.drain, ending.reason);
    if (this.#ending || state === "closed") return;
    this.#sayClose({ ...endingMessage(ending), clean: false });
  }

  #closed(record: TerminationRecord): void {
    this.#record = record;
    this.#queue = undefined;
    this.#tellTaken();
    const { reason, endedBy: by, message, code, error } = record;
    const ending = endingMessage({ reason, by, message, code, error });
    this.#sayClose({ ...ending, clean: record.endedWith === "fin" });
    if (this.#left) this.#owner.forget(this);
  }

  #sayClose(message: EndingMessage & { readonly clean: boolean }): void {
    if (!this.#closeSaid && !this.#left) this.#say(Op.close, message);
    this.#closeSaid = true;
  }

  #leave(): void {
    this.#left = true;
    this.outstanding = 0;
    this.#owner.working.delete(this);
    this.#done();
    if (this.#record !== undefined) this.#owner.forget(this);
  }

  #say(op: number, message: unknown): void {
    const { writer } = this.#owner;
    if (message === undefined) writer.record(op, this.number, 0);
    else writer.object(op, this.number, message);
    this.#owner.join(this);
  }
}
