/** What a reconnecting client sends: on the connection, or into the queue while there is none or others wait there. */
import type { Session } from "../../connection/session.ts";
import { type Deferred, deferred, refused } from "../../core/deferred.ts";
import type { MillraceError } from "../../core/errors.ts";
import { encodeWhole, refuse } from "../../core/flow/congestion.ts";
import type { OutcomeListener, SendOutcome } from "../../core/flow/outcome.ts";
import type { Framing } from "../../core/framing/framing.ts";
import type { QueueSettings } from "./reconnect_settings.ts";
import { SendQueue } from "./send_queue.ts";

/** The outbound half of one client. */
export class Sending<Sent> {
  readonly queue: SendQueue;
  /** Nothing is queued any more. */
  readonly #emptied: () => void;
  readonly #framing: Framing<unknown, Sent>;
  /** The connection, once it is logged on. */
  #session: Session<never, Sent, never> | undefined = undefined;
  /** Why nothing is accepted any more. */
  #refusal: MillraceError | undefined = undefined;
  /** Who waits until the queue is empty. */
  #flushing: Deferred | undefined = undefined;
  /** The connection has no room for more of the queue. */
  #slow = false;

  constructor(settings: QueueSettings, framing: Framing<unknown, Sent>, emptied: () => void) {
    this.queue = new SendQueue(settings);
    this.#framing = framing;
    this.#emptied = emptied;
  }

  send(frame: Sent, listen?: OutcomeListener): void | Promise<void> {
    if (this.#refusal !== undefined) return refuse(this.#refusal, listen);
    const session = this.queue.length === 0 ? this.#open : undefined;
    if (session !== undefined) return session.send(frame, listen);
    return this.queue.push({ bytes: encodeWhole(this.#framing, frame), listen });
  }

  deliver(frame: Sent): Promise<SendOutcome> {
    return new Promise((resolve) => void this.send(frame, resolve));
  }

  flush(): Promise<void> {
    if (this.queue.length > 0) {
      const flushed = (this.#flushing ??= deferred()).promise.then(() => this.flush());
      flushed.catch(() => {});
      return flushed;
    }
    return this.#session?.whenFlushed() ?? (this.#refusal ? refused(this.#refusal) : Promise.resolve());
  }

  /** What is queued goes first. */
  connected(session: Session<never, Sent, never>): void {
    this.#session = session;
    this.#slow = false;
    this.#pump();
  }

  disconnected(): void {
    this.#session = undefined;
  }

  /** Accepts nothing more. */
  refuse(error: MillraceError): void {
    this.#refusal ??= error;
  }

  /** There will be no connection. Returns how many frames were queued. */
  fail(error: MillraceError): number {
    this.refuse(error);
    const count = this.queue.fail(error);
    this.#flushing?.reject(error);
    return count;
  }

  /** One that accepts frames; while it is being secured, it says so itself. */
  get #open(): Session<never, Sent, never> | undefined {
    const session = this.#session;
    if (session === undefined) return undefined;
    const { refusal } = session.outbox;
    return refusal.reason === undefined || refusal.held ? session : undefined;
  }

  #pump(): void {
    while (this.queue.length > 0) {
      const session = this.#open;
      if (session === undefined || this.#slow) return;
      const { bytes, listen } = this.queue.take();
      const room = session.sendEncoded(bytes, listen);
      if (room === undefined) continue;
      this.#slow = true;
      room.then(() => {
        if (this.#session !== session) return;
        this.#slow = false;
        this.#pump();
      }, () => {});
    }
    this.#flushing?.resolve();
    this.#flushing = undefined;
    this.#emptied();
  }
}
