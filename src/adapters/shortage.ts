/**
 * Accepts that fail for lack of descriptors or memory: told once an episode, however often they fail in it.
 *
 * Used by the adapters whose runtime leaves this to its user. Knows no runtime.
 */
import type { SocketError } from "../core/errors.ts";
import type { AdapterListenOptions } from "../core/transport.ts";

/** An episode is over when no accept has failed for so long, in milliseconds. */
const calm = 1000;

/** What one listener has told of its failing accepts. */
export class Shortage {
  readonly #failed: AdapterListenOptions["failed"];
  #last = -Infinity;

  constructor(failed: AdapterListenOptions["failed"]) {
    this.#failed = failed;
  }

  /** An accept has failed; the listener goes on. */
  met(error: () => SocketError): void {
    const now = performance.now();
    const first = now - this.#last > calm;
    this.#last = now;
    if (first) this.#failed(error(), false);
  }
}
