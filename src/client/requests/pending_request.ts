/**
 * One request between its call and its end: the promise of its caller, and all that is known of it.
 *
 * It hears of its signal itself and its time is looked at with that of the others, so that no request costs a closure or a
 * timer.
 */

// One executor for all of these promises: it leaves their function here. An error is a promise that has failed.
let lastResolve: (value: never) => void;
const executor = (resolve: (value: never) => void): void => {
  lastResolve = resolve;
};

/** Who is told that the signal of a request has aborted. */
interface AbortListener<Request> {
  aborted(request: Request): void;
}

/** A request. `place`: in the stream, where it has been handed over; undefined while it waits. */
export class PendingRequest<Received, Sent> implements EventListenerObject {
  readonly reply: Promise<Received> = new Promise<Received>(executor);
  readonly #resolve: (value: Received | Promise<never>) => void = lastResolve as (
    value: Received | Promise<never>,
  ) => void;
  /** The wheel's time at the call, and the time that it has from then. */
  since = 0;
  readonly limit: number;
  /** It is a heartbeat's. */
  readonly isPing: boolean;
  /** Its caller has not heard yet. */
  live = true;
  /** The frame, while it waits for its place in the window. */
  frame: Sent | undefined = undefined;
  /** Where it is in the outbound stream, once it has been handed to a connection. */
  start = -1;
  end = 0;
  key: string | number | bigint | undefined = undefined;
  #signal: AbortSignal | undefined = undefined;
  #listener: AbortListener<this> | undefined = undefined;

  constructor(limit: number, isPing: boolean) {
    this.limit = limit;
    this.isPing = isPing;
  }

  /** From now on the signal can end it; one that has aborted tells so at once. */
  follow(signal: AbortSignal, listener: AbortListener<this>): void {
    this.#signal = signal;
    this.#listener = listener;
    if (signal.aborted) listener.aborted(this);
    else signal.addEventListener("abort", this);
  }

  /** For the signal. */
  handleEvent(): void {
    this.#listener!.aborted(this);
  }

  get abortReason(): unknown {
    return this.#signal?.reason;
  }

  resolve(reply: Received): void {
    this.#over();
    this.#resolve(reply);
  }

  /** A caller that does not await is not told by the end of its process. */
  reject(error: unknown): void {
    this.#over();
    this.reply.catch(ignored);
    this.#resolve(Promise.reject(error));
  }

  #over(): void {
    this.live = false;
    this.frame = undefined;
    if (this.#signal === undefined) return;
    this.#signal.removeEventListener("abort", this);
    this.#listener = undefined;
  }
}

const ignored = (): void => {};
