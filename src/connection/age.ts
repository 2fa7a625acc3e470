/**
 * How long a connection may live: when its two sides are told, when reading stops, and when it is dropped.
 *
 * Asked by `vigil.ts` at its looks. What telling is, the session knows.
 */
import { TimeoutError } from "../core/errors.ts";
import { OptionsCheck } from "../core/options.ts";
import { checkDuration, type DurationInput } from "../core/time/duration.ts";
import type { TimerWheel } from "../core/time/timer_wheel.ts";
import type { Life } from "./life.ts";
import type { Retiring } from "./termination.ts";

/** Checked: milliseconds, and the part of the longest life by which that of a connection may be shorter. */
export interface LifeSpan {
  readonly max: number;
  readonly jitter: number;
  readonly grace: number;
}

/** The option `maxLifetime` in full. */
interface MaxLifetime {
  readonly after: DurationInput;
  readonly jitter?: number | undefined;
  readonly grace?: DurationInput | undefined;
}

const defaultJitter = 0.1;
const defaultGrace = 30_000;

/** Checks a longest life; faults go to `check`. Undefined where there is none. */
export function checkLifeSpan(
  check: OptionsCheck,
  path: string,
  given: DurationInput | MaxLifetime | undefined,
): LifeSpan | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== "object" || given === null || !("after" in given)) {
    const max = checkDuration(check, path, given as DurationInput, Infinity);
    return max === Infinity ? undefined : { max, jitter: defaultJitter, grace: defaultGrace };
  }
  check.keys(given, ["after", "jitter", "grace"], `${path}.`);
  const { after, jitter = defaultJitter, grace } = given;
  if (!(typeof jitter === "number" && jitter >= 0 && jitter <= 1)) {
    check.refuse(`${path}.jitter`, jitter, "a number from 0 to 1, such as 0.1 for a tenth");
  }
  const max = checkDuration(check, `${path}.after`, after, Infinity);
  const span = { max, jitter, grace: checkDuration(check, `${path}.grace`, grace, defaultGrace) };
  return max === Infinity ? undefined : span;
}

/** The connection whose age it is. */
export interface Aging {
  readonly ageMs: number;
  readonly life: Pick<Life, "state" | "destroy">;
  readonly pipeline: { stopAtBoundary(): void };
  readonly profile: { readonly readsOn?: (() => number) | undefined };
  /** Tells the handler and the peer; gives for how long to read on, undefined where the end has begun already. */
  retire(reason: Retiring): number | undefined;
}

/** One connection's age. */
export class Age {
  /** Where within the jitter its life ends: not for all at once. */
  readonly #share: number = Math.random();
  #step: "living" | "reading" | "leaving" | "over" = "living";
  /** Reading of the wheel when the step began. */
  #since: number;
  /** How long the step may take, unless it is the first. */
  #limit = 0;

  /** `born` is a reading of the wheel, or what it would have been. */
  constructor(born: number) {
    this.#since = born;
  }

  /** The wait that is in force. */
  wait({ max, jitter }: LifeSpan): number {
    return this.#step === "living" ? max * (1 - jitter * this.#share) : this.#limit;
  }

  /** How many ms until there is something to do; does what is due. */
  left(wheel: TimerWheel, span: LifeSpan, now: number, aging: Aging): number {
    const left = wheel.left(this.#since, this.wait(span), now);
    if (left > 0) return left;
    this.#since = now;
    if (this.#step === "living") {
      const told = aging.retire("max_lifetime");
      if (told === undefined) return this.#begin("over", Infinity);
      const more = Math.max(told, aging.profile.readsOn?.() ?? 0);
      if (more > 0) return this.#begin("reading", more);
    }
    if (this.#step !== "leaving") {
      aging.pipeline.stopAtBoundary();
      return this.#begin("leaving", span.grace);
    }
    const { life } = aging;
    // One that only waits for the peer has limits of its own.
    if (life.state === "draining") {
      const what =
        `end a connection at maxLifetime: its handler was not done ${span.grace} ms after it was told`;
      life.destroy("max_lifetime", { error: new TimeoutError("lifetime", span.grace, what) });
    }
    return this.#begin("over", Infinity);
  }

  #begin(step: "reading" | "leaving" | "over", limit: number): number {
    this.#step = step;
    this.#limit = limit;
    return limit;
  }
}
