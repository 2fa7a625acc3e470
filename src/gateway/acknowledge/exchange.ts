/**
 * Frames that one connection's peer has to acknowledge: one is sent at a time, and what comes meanwhile may be its answer.
 *
 * `confirmed_sending.ts` sends and waits; `connection_acknowledger.ts` shows it every frame that comes.
 */
import { deferred } from "../../core/deferred.ts";
import type { LinkProtocol } from "./link_protocol.ts";

/** What the peer says of a frame; `over` where it can say nothing any more. */
export type PeerVerdict = "accepted" | "refused" | "over" | "silent";

/** Those of one connection. */
export class Exchange {
  /** Frames that were answers and nothing else. */
  answers = 0;
  readonly #protocol: LinkProtocol;
  #waiting: { readonly frame: Uint8Array; resolve(verdict: PeerVerdict): void } | undefined = undefined;
  #turn: Promise<void> = Promise.resolve();
  #over = false;

  constructor(protocol: LinkProtocol) {
    this.#protocol = protocol;
  }

  /** Resolves when nobody else waits here; call what it gives when you are done. */
  async turn(): Promise<() => void> {
    const before = this.#turn;
    const { promise, resolve } = deferred();
    this.#turn = promise;
    await before;
    return resolve;
  }

  /** The verdict on a frame that is about to be sent. */
  expect(frame: Uint8Array): Promise<PeerVerdict> {
    if (this.#over) return Promise.resolve("over");
    return new Promise((resolve) => this.#waiting = { frame, resolve });
  }

  /** Nobody waits any longer. */
  forget(verdict: PeerVerdict): void {
    this.#waiting?.resolve(verdict);
    this.#waiting = undefined;
  }

  /** No answer can come any more. */
  end(): void {
    this.#over = true;
    this.forget("over");
  }

  /** A frame has come; true for an answer that is not to be published. */
  takes(frame: Uint8Array): boolean {
    const waiting = this.#waiting;
    const reply = waiting && this.#protocol.reply?.(frame, waiting.frame);
    if (reply === undefined) return false;
    this.forget(reply.accepted ? "accepted" : "refused");
    if (reply.alone) this.answers++;
    return reply.alone;
  }
}
