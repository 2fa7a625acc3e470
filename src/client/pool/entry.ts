/**
 * One connection of a pool, and whether it can be lent: still open, not too old, and with nothing on it that nobody has
 * read.
 *
 * Used by `stock.ts`. While it is idle it is read, so that its end, and what nobody asked for, are noticed at once.
 */
import type { Session } from "../../connection/session.ts";
import type { Inbox } from "../../core/flow/inbox.ts";
import type { Place } from "./place.ts";

/** A connection of a pool. */
export class Entry<Received, Sent, Context> {
  readonly session: Session<Received, Sent, Context>;
  readonly place: Place<Entry<Received, Sent, Context>>;
  /** When it is too old, by the clock. */
  readonly expires: number;
  state: "idle" | "lent" | "closing" = "lent";
  /** When it became idle, by the clock. */
  since: number;
  /** What it had received by then. */
  #received = 0;
  #read: Promise<unknown> | undefined = undefined;
  readonly #heard: () => void;

  /** `spoiled` is called when it ends, or receives something, while it is idle. */
  constructor(
    session: Session<Received, Sent, Context>,
    place: Place<Entry<Received, Sent, Context>>,
    expires: number,
    now: number,
    spoiled: (entry: Entry<Received, Sent, Context>) => void,
  ) {
    this.session = session;
    this.place = place;
    this.expires = expires;
    this.since = now;
    this.#heard = () => {
      // A read that was withdrawn is told before its borrower can give the connection back.
      if (this.state === "idle") spoiled(this);
    };
  }

  /** Nothing has ended it, and no end has come that nobody has read. */
  get open(): boolean {
    return this.session.state === "open" && this.session.life.ending === undefined;
  }

  /** It is idle from now on. False where something is left on it that the next borrower would take for an answer. */
  putDown(now: number, pushed: boolean): boolean {
    this.since = now;
    if (pushed) return true;
    const { delivery, pipeline } = this.session;
    this.#received = pipeline.bytesReceived;
    return delivery.heldBytes + pipeline.partialFrameBytes === 0 && delivery.inbox.length === 0;
  }

  /** Begins to read. */
  watch(): void {
    this.#read = this.session.read(nextFrame);
    this.#read.then(this.#heard, this.#heard);
  }

  /** It is lent from now on. False where something has come. */
  pickUp(): boolean {
    const read = this.#read;
    if (read === undefined) return true;
    this.#read = undefined;
    this.session.delivery.inbox.withdraw(read);
    return this.session.pipeline.bytesReceived === this.#received;
  }
}

function nextFrame<Received>(inbox: Inbox<Received>): Promise<unknown> {
  return inbox.next();
}
