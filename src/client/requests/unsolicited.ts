/** Frames of one connection that answer no request: to `onUnsolicited`, one at a time, with a bound on those that wait. */
import { Fifo } from "../../core/bytes/fifo.ts";
import type { RequestCounts } from "./request_client.ts";

/** Takes one frame. */
type Take<Received> = (frame: Received) => void | Promise<void>;

/** Their way to the user's function. */
export class Unsolicited<Received> {
  readonly #take: Take<Received> | undefined;
  readonly #most: number;
  readonly #counts: RequestCounts;
  readonly #failed: (error: unknown) => void;
  #waiting: Fifo<Received> | undefined = undefined;
  #busy = false;

  /** `failed` is told what a promise of the function's was rejected with. */
  constructor(
    take: Take<Received> | undefined,
    most: number,
    counts: RequestCounts,
    failed: (error: unknown) => void,
  ) {
    this.#take = take;
    this.#most = most;
    this.#counts = counts;
    this.#failed = failed;
  }

  /** Throws what the function throws. */
  frame(frame: Received): void {
    this.#counts.unsolicited++;
    if (this.#take === undefined || (this.#busy && (this.#waiting?.length ?? 0) >= this.#most)) {
      this.#counts.unsolicitedDropped++;
    } else if (this.#busy) (this.#waiting ??= new Fifo()).push(frame);
    else this.#call(frame);
  }

  #call(frame: Received): void {
    const result = this.#take!(frame);
    if (result === undefined || typeof result.then !== "function") return;
    this.#busy = true;
    result.then(this.#next, this.#failed);
  }

  readonly #next = (): void => {
    this.#busy = false;
    try {
      while (!this.#busy && this.#waiting !== undefined && this.#waiting.length > 0) {
        this.#call(this.#waiting.take());
      }
    } catch (error) {
      this.#failed(error);
    }
  };
}
