/** Those who wait until everything sent is in the kernel. One per connection that has ever waited; used by `session.ts`. */

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The waiting callers of `connection.flush()`. */
export class FlushQueue {
  #waiting: Waiting[] = [];

  /** One more waits. Whoever does not look at the promise is not to be brought down by it. */
  wait(): Promise<void> {
    const flushed = new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    flushed.catch(() => {});
    return flushed;
  }

  /** Everything is in the kernel. */
  flushed(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** The connection is over. */
  fail(error: () => Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error());
  }
}
