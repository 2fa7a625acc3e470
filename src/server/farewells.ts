/** Rejected peers on their way out: they get the farewell and FIN, and not for long. Used by `admission.ts`. */
import type { Clock } from "../core/time/clock.ts";
import type { Transport } from "../core/transport.ts";

/** How long a rejected peer gets to take the farewell and close. */
const farewellMs = 1000;
/** Rejected peers that may be reading their farewell at one time; further ones are dropped at once. */
const mostFarewells = 256;

/** Turns peers away. */
export class Farewells {
  readonly #clock: Clock;
  #leaving = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** There is room for one more. */
  get free(): boolean {
    return this.#leaving < mostFarewells;
  }

  /** Sends these bytes and FIN. */
  say(transport: Transport, farewell: Uint8Array): void {
    this.#leaving++;
    let held = false;
    // What the kernel has of the farewell is still delivered.
    const leave = () => held ? transport.abort() : transport.release();
    const timer = this.#clock.setTimer(leave, farewellMs);
    transport.start({
      data: () => true,
      drain: () => void (held = false),
      end: () => {},
      close: () => {
        this.#leaving--;
        this.#clock.clearTimer(timer);
      },
    });
    held = !transport.write(farewell);
    transport.end();
  }
}
