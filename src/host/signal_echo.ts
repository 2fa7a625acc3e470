/**
 * Tells a second signal from the echo of the first. One Ctrl-C often comes twice: a terminal sends it to the whole
 * group of processes, and npm, npx or a supervisor, which got it too, passes it on.
 *
 * Asked at every signal by the gateway's `main.ts` and by `server/on_signals.ts`.
 */
import type { Clock } from "../core/time/clock.ts";

/** An echo comes within milliseconds; a person's second Ctrl-C takes longer than this. */
export const signalEchoMs = 250;

/** Remembers when a signal counted last. */
export class SignalEcho {
  readonly #clock: Pick<Clock, "now">;
  #counted = -Infinity;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** A signal came: true when it is one that has been counted already. */
  repeats(): boolean {
    const now = this.#clock.now();
    if (now - this.#counted < signalEchoMs) return true;
    this.#counted = now;
    return false;
  }
}
