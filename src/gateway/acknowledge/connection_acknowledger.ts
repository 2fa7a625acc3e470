/**
 * The acknowledgements that one connection's frames get: one each, in the order of the frames.
 *
 * `traffic/ingress.ts` says which frames come, its `storing.ts` what became of them, and the endpoint's hook which bytes
 * its framing refused. A frame is refused when it is cut, which may be long before the loop takes those in front of it: its
 * NAK waits for its turn.
 */
import { type Deferred, deferred } from "../../core/deferred.ts";
import type { BusMessage } from "../buses/bus.ts";
import type { FrameConnection } from "../endpoint.ts";
import { Exchange } from "./exchange.ts";
import type { Acknowledge } from "./acknowledge.ts";
import type { Verdict } from "./link_protocol.ts";

/** What all connections of an endpoint have together. */
export interface AcknowledgerOwner {
  readonly settings: Acknowledge;
  /** Acknowledgements sent. */
  acks: number;
  /** Negative ones. */
  naks: number;
  /** Ends a connection behind what it was sent and these words. */
  dismiss(
    id: string,
    why: { readonly reason: string; readonly code: string },
    lastWords: Uint8Array | undefined,
  ): void;
}

/** One frame that is not answered yet. */
interface Entry {
  /** Undefined for bytes that the framing refused. */
  readonly frame: Uint8Array | undefined;
  readonly message: BusMessage | undefined;
  verdict: Verdict | undefined;
  /** Why it was not stored. */
  error: string | undefined;
}

/** The frames of one connection. */
export class ConnectionAcknowledger {
  /** While this is there the peer is slow: wait for it before taking more frames. */
  slow: Promise<void> | undefined = undefined;
  /** Frames that were sent here; they are not what the bus owes. */
  sent = 0;
  /** What the peer says of what it was sent, where it has to. */
  readonly exchange: Exchange | undefined;
  readonly #connection: FrameConnection;
  readonly #owner: AcknowledgerOwner;
  /** In order; those before `#head` are answered. */
  #entries: (Entry | undefined)[] = [];
  #head = 0;
  /** Frames that the loop has taken. */
  #taken = 0;
  /** Refused bytes that stand behind frames which the loop has not taken: behind which one, and how many times. */
  #refused: { readonly behind: number; times: number }[] = [];
  #naksInRow = 0;
  #over = false;
  #idle: Deferred | undefined = undefined;

  constructor(connection: FrameConnection, owner: AcknowledgerOwner) {
    this.#connection = connection;
    this.#owner = owner;
    const { egress, protocol } = owner.settings;
    this.exchange = egress && new Exchange(protocol);
    void connection.closed.then(() => this.#finish());
  }

  /** No more frames are wanted: the connection is being ended for one that was refused. */
  get over(): boolean {
    return this.#over;
  }

  /** True for a frame that is the peer's answer and not to be published; asked of each first. */
  isReply(frame: Uint8Array): boolean {
    if (!this.exchange?.takes(frame)) return false;
    this.#taken++;
    this.#addRefused();
    return true;
  }

  /** A frame, before it is published; true if it is answered and not to be published. */
  take(frame: Uint8Array, message: BusMessage | undefined): boolean {
    this.#taken++;
    const { settings } = this.#owner;
    const alone = settings.protocol.isKeepalive?.(frame) ?? false;
    if (alone || settings.when === "received") this.#add(frame, undefined, "taken");
    else this.#add(frame, message, undefined);
    this.#addRefused();
    return alone;
  }

  /** A frame of the loop is not what it should be; it is not published. */
  reject(frame: Uint8Array): void {
    this.#taken++;
    this.#add(frame, undefined, "rejected");
    this.#addRefused();
  }

  /** The framing has refused bytes that came behind all frames cut so far. */
  refuse(): void {
    const behind = this.#connection.stats().framesReceived;
    const last = this.#refused.at(-1);
    if (last?.behind === behind) last.times++;
    else this.#refused.push({ behind, times: 1 });
    this.#addRefused();
  }

  /** The bus has this one. */
  stored(message: BusMessage): void {
    this.#settle(message, "taken", undefined);
  }

  /** The bus will never have this one. False where it was acknowledged already, and nothing can be taken back. */
  failed(message: BusMessage, error: string): boolean {
    if (this.#owner.settings.when === "received") return false;
    this.#settle(message, "not stored", error);
    return true;
  }

  /** Resolves when all are answered, or the connection has ended. */
  answered(): Promise<void> {
    return this.#over || this.#head === this.#entries.length
      ? Promise.resolve()
      : (this.#idle ??= deferred()).promise;
  }

  #add(
    frame: Uint8Array | undefined,
    message: BusMessage | undefined,
    verdict: Verdict | undefined,
  ): void {
    if (this.#over) return;
    this.#entries.push({ frame, message, verdict, error: undefined });
    if (verdict !== undefined) this.#drain();
  }

  #addRefused(): void {
    for (let next = this.#refused[0]; next !== undefined && next.behind <= this.#taken;) {
      for (let time = 0; time < next.times; time++) this.#add(undefined, undefined, "rejected");
      this.#refused.shift();
      next = this.#refused[0];
    }
  }

  #settle(message: BusMessage, verdict: Verdict, error: string | undefined): void {
    // The first, but for one that a store refuses before it has answered for those in front of it.
    for (let at = this.#head; at < this.#entries.length; at++) {
      const entry = this.#entries[at]!;
      if (entry.message !== message) continue;
      entry.verdict = verdict;
      entry.error = error;
      return this.#drain();
    }
  }

  #drain(): void {
    while (this.slow === undefined && !this.#over && this.#head < this.#entries.length) {
      const entry = this.#entries[this.#head]!;
      if (entry.verdict === undefined) break;
      this.#entries[this.#head++] = undefined;
      this.#answer(entry, entry.verdict);
    }
    if (this.#head * 2 >= this.#entries.length) {
      this.#entries.splice(0, this.#head);
      this.#head = 0;
    }
    if (this.#over || this.#entries.length > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  #answer({ frame, error }: Entry, verdict: Verdict): void {
    const { settings: { protocol, onFailure, maxNaks } } = this.#owner;
    const first = this.#taken === 0;
    const answer = frame === undefined ? protocol.refusal(first) : protocol.answer(frame, verdict);
    if (verdict === "taken") {
      this.#naksInRow = 0;
      if (answer === undefined) return;
      this.#owner.acks++;
      return this.#send(answer);
    }
    if (answer !== undefined) {
      this.#owner.naks++;
      this.#naksInRow++;
    }
    if (verdict === "not stored" && onFailure === "close") {
      return this.#dismiss({ reason: error ?? "a frame was not stored", code: "not_stored" }, answer);
    }
    if (answer === undefined) return;
    if (this.#naksInRow < maxNaks) return this.#send(answer);
    const reason = `${this.#naksInRow} frames in a row were not accepted`;
    this.#dismiss({ reason, code: "too_many_naks" }, answer);
  }

  #send(answer: Uint8Array): void {
    this.sent++;
    let wait: void | Promise<void>;
    try {
      wait = this.#connection.send(answer);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return this.#dismiss({ reason, code: "not_acknowledged" }, undefined);
    }
    if (wait === undefined) return;
    const goOn = (): void => {
      this.slow = undefined;
      this.#drain();
    };
    this.slow = wait.then(goOn, goOn);
  }

  #dismiss(why: { readonly reason: string; readonly code: string }, answer: Uint8Array | undefined): void {
    this.#finish();
    this.#owner.dismiss(this.#connection.id, why, answer);
  }

  #finish(): void {
    this.exchange?.end();
    this.#over = true;
    this.#entries = [];
    this.#head = 0;
    this.#refused = [];
    this.#idle?.resolve();
    this.#idle = undefined;
  }
}
