/**
 * Sends something when nothing was written for a while, so that peers and middleboxes keep the connection.
 *
 * It stands behind the framing, where an item is a whole frame, and acts between items only: never inside a frame.
 * A stage and, as `KeepaliveWriterStream`, a Web Stream; `connection/vigil.ts` has the rule and the payload from here.
 */
import { checkDuration, type DurationInput } from "../time/duration.ts";
import { OptionsError } from "../errors.ts";
import { OptionsCheck } from "../options.ts";
import type { Outlet, TimedStage } from "./timed_stage.ts";
import { sharedWheel, type TimerWheel, type WheelEntry } from "../time/timer_wheel.ts";

/** Bytes that are a whole frame as the peer sees it, or a function that makes them each time. */
export type KeepalivePayload = Uint8Array | (() => Uint8Array);

/** Settings of a {@linkcode KeepaliveWriter}. */
export interface KeepaliveWriterOptions {
  /** The silence after which the payload is sent; the first comes a whole interval after the start. */
  readonly interval: DurationInput;
  /** What is sent: bytes that are a whole frame as the peer sees it, or a function that makes them each time. */
  readonly payload: KeepalivePayload;
}

const expected = "a Uint8Array with at least one byte, or a function that returns one";

/** Checks a keepalive; faults go to `check`, their paths after `path`, which is empty or ends in a dot. */
export function checkKeepalive(
  check: OptionsCheck,
  path: string,
  options: KeepaliveWriterOptions,
): { readonly interval: number; readonly payload: KeepalivePayload } {
  check.keys(options, ["interval", "payload"], path);
  const { interval, payload } = options;
  if (interval === undefined) check.refuse(`${path}interval`, undefined, 'a duration such as "30 seconds"');
  if (typeof payload !== "function" && !isPayload(payload)) check.refuse(`${path}payload`, payload, expected);
  return { interval: checkDuration(check, `${path}interval`, interval, Infinity), payload };
}

/** The bytes to send now. Throws `OptionsError` when the function returned something else, and what it throws. */
export function keepaliveBytes(payload: KeepalivePayload): Uint8Array {
  const bytes = typeof payload === "function" ? payload() : payload;
  if (isPayload(bytes)) return bytes;
  throw new OptionsError("invalid", [{ path: "keepalive.payload", found: bytes, expected }]);
}

/**
 * The rule of keepalives, for streams and connections alike: how many ms are left until the next one. Nothing was written
 * for the interval by then, and one that did not go out has been let pass.
 */
export function keepaliveLeft(
  wheel: TimerWheel,
  interval: number,
  lastWrite: number,
  lastKeepalive: number,
  now: number,
): number {
  return Math.max(wheel.left(lastWrite, interval, now), lastKeepalive + interval - now);
}

function isPayload(bytes: unknown): boolean {
  return bytes instanceof Uint8Array && bytes.length > 0;
}

/** Passes frames on as they are, and adds the payload to every silence. */
export class KeepaliveWriter implements TimedStage<Uint8Array, Uint8Array>, WheelEntry {
  wheelPrevious: WheelEntry | undefined = undefined;
  wheelNext: WheelEntry | undefined = undefined;
  wheelSlot = -1;
  readonly #wheel: TimerWheel;
  readonly #interval: number;
  readonly #payload: KeepalivePayload;
  #outlet: Outlet<Uint8Array> | undefined = undefined;
  #lastWrite = 0;
  #lastKeepalive = 0;

  /** Throws `OptionsError` for an interval that is no duration above 0, or a payload that is no bytes. */
  constructor(options: KeepaliveWriterOptions, wheel: TimerWheel = sharedWheel()) {
    const check = new OptionsCheck();
    const { interval, payload } = checkKeepalive(check, "", options);
    check.done();
    this.#interval = interval;
    this.#payload = payload;
    this.#wheel = wheel;
  }

  start(outlet: Outlet<Uint8Array>): void {
    this.#outlet = outlet;
    this.#wheel.schedule(this, this.#interval);
    this.#lastWrite = this.#lastKeepalive = this.#wheel.now;
  }

  stop(): void {
    this.#outlet = undefined;
    this.#wheel.cancel(this);
  }

  push(frame: Uint8Array, next: (out: Uint8Array) => void): void {
    this.#lastWrite = this.#wheel.now;
    next(frame);
  }

  /** For the wheel. Nothing is added to what the peer has not taken yet. */
  expire(now: number): number {
    const outlet = this.#outlet;
    if (outlet === undefined) return 0;
    const left = keepaliveLeft(this.#wheel, this.#interval, this.#lastWrite, this.#lastKeepalive, now);
    if (left > 0) return left;
    this.#lastKeepalive = now;
    if (!outlet.full) {
      try {
        outlet.deliver(keepaliveBytes(this.#payload));
        this.#lastWrite = now;
      } catch (error) {
        outlet.fail(error);
        return 0;
      }
    }
    return this.#interval;
  }
}
