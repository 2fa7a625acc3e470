/**
 * The replies that one connection is owed: in the order of its requests, or as they come, within a bound. While there are
 * any, the connection stays open as for a handler at work.
 *
 * Used by `replies.ts`. A reply that is there at once, with none before it, costs nothing here.
 */
import { Fifo } from "../../core/bytes/fifo.ts";
import { type Deferred, deferred } from "../../core/deferred.ts";
import type { Connection } from "../connection.ts";
import type { Session } from "../session.ts";
import type { RepliesCounts } from "./replies_options.ts";

/** Checked settings. */
interface RepliesSettings<Received, Sent, Context> {
  readonly handler: (
    request: Received,
    connection: Connection<Received, Sent, Context>,
  ) => Sent | undefined | void | Promise<Sent | undefined | void>;
  readonly inOrder: boolean;
  readonly window: number;
  readonly onError:
    | ((
      error: unknown,
      request: Received,
      connection: Connection<Received, Sent, Context>,
    ) => Sent | undefined)
    | undefined;
}

/** A request whose handler has returned a promise. It is used again, so that a request costs no closure. */
class Owed<Received, Sent> {
  request: Received | undefined = undefined;
  reply: Sent | undefined = undefined;
  state: "open" | "done" | "failed" = "open";
  error: unknown = undefined;
  readonly done: (reply: Sent | undefined | void) => void;
  readonly failed: (error: unknown) => void;

  constructor(settled: (owed: Owed<Received, Sent>) => void) {
    this.done = (reply) => {
      this.reply = reply as Sent | undefined;
      this.state = "done";
      settled(this);
    };
    this.failed = (error) => {
      this.error = error;
      this.state = "failed";
      settled(this);
    };
  }
}

/** Those of one connection. */
export class OwedReplies<Received, Sent, Context> {
  readonly #connection: Connection<Received, Sent, Context>;
  readonly #session: Session<Received, Sent, Context>;
  readonly #settings: RepliesSettings<Received, Sent, Context>;
  readonly #counts: RepliesCounts;
  /** In the order in which they leave. */
  readonly #queue: Fifo<Owed<Received, Sent>> = new Fifo();
  readonly #spare: Owed<Received, Sent>[] = [];
  #open = 0;
  /** For `onFrame`, where the window is full. */
  #room: Deferred | undefined = undefined;
  /** The peer has no room: what is there waits. */
  #blocked = false;
  /** A failure has ended the connection. */
  #over = false;
  readonly #settled = (owed: Owed<Received, Sent>): void => {
    if (this.#over) return this.#drop(owed);
    if (!this.#settings.inOrder) this.#queue.push(owed);
    this.#pass();
  };

  constructor(
    connection: Connection<Received, Sent, Context>,
    session: Session<Received, Sent, Context>,
    settings: RepliesSettings<Received, Sent, Context>,
    counts: RepliesCounts,
  ) {
    this.#connection = connection;
    this.#session = session;
    this.#settings = settings;
    this.#counts = counts;
  }

  /** For `onFrame`: a promise holds back the next request. */
  request(request: Received): void | Promise<void> {
    const { handler, inOrder, window } = this.#settings;
    this.#counts.requests++;
    let result: Sent | undefined | void | Promise<Sent | undefined | void>;
    try {
      result = handler(request, this.#connection);
    } catch (error) {
      result = Promise.reject(error);
    }
    const pending = typeof (result as Promise<Sent> | undefined)?.then === "function";
    if (!pending && !this.#blocked && (this.#queue.length === 0 || !inOrder)) {
      return this.#send(result as Sent | undefined, request);
    }
    const owed = this.#spare.pop() ?? new Owed<Received, Sent>(this.#settled);
    owed.request = request;
    if (this.#open++ === 0) this.#session.owes(true);
    this.#counts.open++;
    if (inOrder || !pending) this.#queue.push(owed);
    if (pending) (result as Promise<Sent>).then(owed.done, owed.failed);
    else {
      owed.reply = result as Sent | undefined;
      owed.state = "done";
    }
    if (this.#open >= window) return (this.#room ??= deferred()).promise;
  }

  /** Sends what is there, as far as nothing before it is missing. */
  #pass(): void {
    const queue = this.#queue;
    while (!this.#blocked && queue.length > 0 && queue.first.state !== "open") {
      const owed = queue.take();
      const { request, reply, state, error } = owed;
      if (state === "failed") this.#fail(error, request!);
      else this.#hold(this.#send(reply, request!));
      this.#finish(owed);
    }
  }

  #send(reply: Sent | undefined, request: Received): void | Promise<void> {
    if (reply === undefined) return;
    if (this.#session.outbox.refusal.reason !== undefined) {
      this.#counts.lost++;
      return;
    }
    try {
      const slow = this.#session.send(reply);
      this.#counts.replies++;
      return slow;
    } catch (error) {
      this.#fail(error, request);
    }
  }

  /** A handler failed, or its reply cannot be written: there is another one, or this is the end. */
  #fail(error: unknown, request: Received): void {
    this.#counts.failed++;
    let cause = error;
    try {
      const reply = this.#settings.onError?.(error, request, this.#connection);
      if (reply !== undefined) {
        this.#hold(this.#session.send(reply));
        this.#counts.replies++;
        return;
      }
    } catch (thrown) {
      cause = thrown;
    }
    this.#over = true;
    this.#session.userFailed(cause);
    while (this.#queue.length > 0) {
      const owed = this.#queue.take();
      // One whose handler is at work is dropped when that has returned.
      if (owed.state !== "open") this.#drop(owed);
    }
  }

  #hold(slow: void | Promise<void>): void {
    if (slow === undefined) return;
    this.#blocked = true;
    const resume = (): void => {
      this.#blocked = false;
      this.#pass();
    };
    slow.then(resume, resume);
  }

  #drop(owed: Owed<Received, Sent>): void {
    this.#counts.lost++;
    this.#finish(owed);
  }

  /** One is owed less. */
  #finish(owed: Owed<Received, Sent>): void {
    owed.request = owed.reply = owed.error = undefined;
    owed.state = "open";
    this.#spare.push(owed);
    this.#counts.open--;
    const open = --this.#open;
    if (this.#room !== undefined && open <= this.#settings.window >> 1) {
      this.#room.resolve();
      this.#room = undefined;
    }
    if (open === 0) this.#session.owes(false);
  }
}
