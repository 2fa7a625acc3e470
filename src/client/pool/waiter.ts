/** A borrower that waits: until it is served, has had enough, or its time limit passes. */
import { SocketError, TimeoutError } from "../../core/errors.ts";
import { Deadline } from "../../core/time/deadline.ts";
import type { TimerWheel } from "../../core/time/timer_wheel.ts";

/** One wait. Calls `over` once, before it settles. */
export class Waiter<Value> {
  readonly promise: Promise<Value>;
  readonly key: string;
  readonly since: number;
  /** A connection is being made for it. */
  dialling = false;
  /** A connection is being tested for it. */
  testing = false;
  over = false;
  readonly #limit: Deadline;
  readonly #signal: AbortSignal | undefined;
  readonly #ended: (waiter: Waiter<Value>, late: boolean) => void;
  #resolve!: (value: Value) => void;
  #reject!: (error: unknown) => void;

  constructor(
    key: string,
    wheel: TimerWheel,
    ms: number,
    signal: AbortSignal | undefined,
    ended: (waiter: Waiter<Value>, late: boolean) => void,
  ) {
    this.key = key;
    this.since = wheel.clock.now();
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#signal = signal;
    this.#ended = ended;
    const what =
      `borrow a connection: none was free within ${ms} ms; raise max, or borrow for a shorter time`;
    this.#limit = new Deadline(
      wheel,
      () => this.#end(true, () => this.#reject(new TimeoutError("borrow", ms, what))),
    );
    this.#limit.set(ms);
    signal?.addEventListener("abort", this.#aborted);
  }

  resolve(value: Value): void {
    this.#end(false, () => this.#resolve(value));
  }

  reject(error: unknown): void {
    this.#end(false, () => this.#reject(error));
  }

  #end(late: boolean, settle: () => void): void {
    if (this.over) return;
    this.over = true;
    this.#limit.unset();
    this.#signal?.removeEventListener("abort", this.#aborted);
    this.#ended(this, late);
    settle();
  }

  readonly #aborted = (): void => this.reject(abortedBorrow(this.#signal!));
}

/** Why a borrower got nothing that gave up. */
export function abortedBorrow(signal: AbortSignal): SocketError {
  return new SocketError("aborted", "borrow a connection: aborted", { cause: signal.reason });
}
