/** How a pool or a balancer ends: what is in use is waited for, until a deadline. */
import type { Connection } from "../../connection/connection.ts";
import { defaults, OptionsCheck } from "../../core/options.ts";
import { Deadline } from "../../core/time/deadline.ts";
import { checkDuration, type DurationInput } from "../../core/time/duration.ts";
import type { TimerWheel } from "../../core/time/timer_wheel.ts";

/** Options of `close`. */
export interface ClosingOptions {
  /** When connections that are still in use are destroyed; 0 for at once, `Infinity` for never. @default "30 seconds" */
  readonly deadline?: DurationInput | undefined;
}

/** What `close` resolves with. */
export interface ClosingReport {
  /** How many connections were destroyed at the deadline. */
  readonly destroyed: number;
}

type Open = ReadonlySet<Pick<Connection<unknown>, "destroy">>;

/** One end. */
export class Closing {
  begun = false;
  #report: Promise<ClosingReport> | undefined = undefined;
  #over: () => void = () => {};

  /** `stop` is called first, and once. A second call with a deadline may be the sooner one. */
  close(
    options: ClosingOptions | undefined,
    wheel: TimerWheel,
    open: Open,
    stop: () => void,
  ): Promise<ClosingReport> {
    const check = new OptionsCheck();
    if (options !== undefined) check.keys(options, ["deadline"]);
    const range = { zero: true };
    const ms = checkDuration(check, "deadline", options?.deadline, defaults.shutdownDeadline, range);
    check.done();
    if (this.#report === undefined || options?.deadline !== undefined) {
      const before = this.#report;
      let destroyed = 0;
      const limit = new Deadline(wheel, () => {
        destroyed = open.size;
        for (const one of [...open]) one.destroy();
      });
      this.#report = Promise.all([before, this.#ended(open, stop)]).then(([earlier]) => {
        limit.unset();
        return { destroyed: destroyed + (earlier?.destroyed ?? 0) };
      });
      if (ms > 0) limit.set(ms);
      else limit.expire();
    }
    return this.#report;
  }

  /** A connection has ended. */
  look(open: Open): void {
    if (this.begun && open.size === 0) this.#over();
  }

  #ended(open: Open, stop: () => void): Promise<void> | undefined {
    if (this.begun) return undefined;
    this.begun = true;
    const ended = new Promise<void>((resolve) => this.#over = resolve);
    stop();
    this.look(open);
    return ended;
  }
}
