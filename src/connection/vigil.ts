/**
 * All the clocks of one connection: idle times, the first frame, a frame that has begun and its rate, the keepalive, its age.
 *
 * The session tells it what happens, in plain writes of a number, and is told when time is up. It is the one entry of
 * the timer wheel for all of them: nothing is set anew per chunk, the wheel looks when the next one may be due.
 */
import { TimeoutError, type TimeoutErrorReason } from "../core/errors.ts";
import { idleLeft, idleTimeoutError, type IdleTimes } from "../core/streams/idle_watchdog.ts";
import { keepaliveBytes, keepaliveLeft, type KeepalivePayload } from "../core/streams/keepalive_writer.ts";
import type { ReadWitness } from "../core/flow/pipeline_owner.ts";
import type { TimerWheel, WheelEntry } from "../core/time/timer_wheel.ts";
import { Age, type Aging, type LifeSpan } from "./age.ts";
import { type RateFloor, RatePeriod } from "./byte_rate.ts";
import type { CloseReason } from "./termination.ts";

/** What the clocks ask and tell. */
export interface VigilOwner extends Aging {
  /** Received frames wait for a handler at work, or we do not read: silence is not the peer's. */
  readonly busy: boolean;
  /** Bytes wait for the peer to take them. */
  readonly owing: boolean;
  /** Counts bytes that the kernel has taken, of a write that is still under way too. */
  readonly transport: { readonly taken: number };
  readonly pipeline: Aging["pipeline"] & { readonly bytesReceived: number };
  timedOut(reason: CloseReason, error: TimeoutError): void;
  sendKeepalive(payload: Uint8Array): void;
  /** The user's function for the keepalive threw, or did not return bytes. */
  userFailed(error: unknown): void;
}

/** The waits, in ms, `Infinity` for never. The record is shared by all connections; it is read anew at every look. */
export interface VigilTimes extends IdleTimes {
  readonly firstFrame: number;
  readonly frame: number;
  readonly minByteRate: RateFloor | undefined;
  readonly keepalive: { readonly interval: number; readonly payload: KeepalivePayload } | undefined;
  readonly lifetime: LifeSpan | undefined;
}

const noFrame = -1;

/** One connection's clocks. */
export class Vigil implements WheelEntry, ReadWitness {
  wheelPrevious: WheelEntry | undefined = undefined;
  wheelNext: WheelEntry | undefined = undefined;
  wheelSlot = -1;
  /** The wheel's time when bytes last came, and when the kernel last took some. */
  lastRead = 0;
  lastWrite = 0;
  readonly #wheel: TimerWheel;
  readonly #times: VigilTimes;
  readonly #owner: VigilOwner;
  #watching = false;
  #firstFrameOwed = true;
  #started = 0;
  #taken = 0;
  #inputOver = false;
  #lastKeepalive = 0;
  /** How many frames had come when the one that is not complete began. */
  #partialAfter = noFrame;
  #frameBegun = 0;
  /** Made for the first frame that has begun, where there is a minimum rate. */
  #rate: RatePeriod | undefined = undefined;
  /** Made where there is a longest life. */
  #age: Age | undefined = undefined;
  /** When the wheel will look, and the wait that decides how fine its tick is until then. */
  #look = 0;
  #grain = 0;

  constructor(wheel: TimerWheel, times: VigilTimes, owner: VigilOwner) {
    this.#wheel = wheel;
    this.#times = times;
    this.#owner = owner;
  }

  /** The connection begins. */
  start(): void {
    this.#watching = true;
    const shortest = this.#shortest();
    this.#schedule(shortest, shortest);
    this.#started =
      this.lastRead =
      this.lastWrite =
      this.#lastKeepalive =
        this.#wheel.now;
    if (this.#times.lifetime !== undefined) this.#ageAt(this.#wheel.now);
  }

  /** Its waits are others now, and begin anew: a silence that was allowed while it lasted ends nobody. */
  retime(): void {
    if (!this.#watching) return;
    const shortest = this.#shortest();
    // First the tick, then the readings: those of a coarser one may be too old for the new waits.
    this.#schedule(shortest, shortest);
    this.#started =
      this.lastRead =
      this.lastWrite =
      this.#frameBegun =
        this.#wheel.now;
  }

  /** The connection is over, or nobody waits for it any more. */
  stop(): void {
    this.#watching = false;
    this.#wheel.cancel(this);
  }

  /** Bytes have arrived. */
  noteRead(): void {
    this.lastRead = this.#wheel.now;
  }

  /** The kernel has taken bytes. A keepalive that was really written counts as well. */
  noteWrite(): void {
    this.lastWrite = this.#wheel.now;
  }

  /** The peer has ended: it owes us nothing more. */
  inputOver(): void {
    this.#inputOver = true;
    this.#firstFrameOwed = false;
    this.#partialAfter = noFrame;
  }

  firstFrameCame(): void {
    this.#firstFrameOwed = false;
  }

  /** After each chunk: whether a frame has begun that is not complete, and how many were complete before it. */
  frameProgress(partial: boolean, framesReceived: number): void {
    if (!partial) {
      this.#partialAfter = noFrame;
      return;
    }
    if (this.#partialAfter === framesReceived || !this.#watching || this.#inputOver) return;
    this.#partialAfter = framesReceived;
    const { minByteRate } = this.#times;
    const wait = this.#partialWait;
    // First the tick, then the reading: it must not be older than what the wheel allows for such a wait.
    if (wait < this.#grain || this.#wheel.now + wait < this.#look) {
      this.#schedule(Math.min(wait, Math.max(0, this.#look - this.#wheel.now)), Math.min(wait, this.#grain));
    }
    this.#frameBegun = this.#wheel.now;
    if (minByteRate !== undefined) this.#beginPeriod();
  }

  /** Reading goes on after a pause of ours: the peer's rate is measured from now. */
  noteResumed(): void {
    if (this.#rate !== undefined) this.#beginPeriod();
  }

  /** For the wheel: the next clock that may be due, or the one that is. */
  expire(now: number): number {
    const times = this.#times;
    const { firstFrame, frame, keepalive } = times;
    this.#noteTaken(now);
    if (this.#owner.busy) this.#excuse(now);
    const wheel = this.#wheel;
    let next = Infinity;
    let left: number;
    if (this.#firstFrameOwed) {
      if ((left = wheel.left(this.#started, firstFrame, now)) <= 0) {
        return this.#late("first_frame", "first_frame_timeout", firstFrame);
      }
      next = left;
    }
    if (this.#partialAfter !== noFrame) {
      if ((left = wheel.left(this.#frameBegun, frame, now)) <= 0) {
        return this.#late("frame", "frame_timeout", frame);
      }
      next = Math.min(next, left);
      const { minByteRate } = times;
      if (minByteRate !== undefined) {
        if ((left = this.#rateLeft(minByteRate, now)) <= 0) return this.#tooSlow(minByteRate);
        next = Math.min(next, left);
      }
    }
    const silent = idleLeft(wheel, times, this.lastRead, this.lastWrite, now, !this.#inputOver);
    if (typeof silent !== "number") {
      this.stop();
      this.#owner.timedOut("idle_timeout", idleTimeoutError(silent, times));
      return 0;
    }
    next = Math.min(next, silent);
    if (keepalive !== undefined) {
      left = this.#keepalive(keepalive.interval, keepalive.payload, now);
      next = Math.min(next, left);
    }
    if (times.lifetime !== undefined) {
      next = Math.min(next, this.#ageAt(now).left(wheel, times.lifetime, now, this.#owner));
    }
    return this.#lookAgain(next);
  }

  /** One whose longest life was set later has been alive for as long as the clock says. */
  #ageAt(now: number): Age {
    return this.#age ??= new Age(now - this.#owner.ageMs);
  }

  /** Of a write that is under way only the count tells that the peer takes it. */
  #noteTaken(now: number): void {
    const { owing, transport: { taken } } = this.#owner;
    if (owing && taken !== this.#taken) this.lastWrite = now;
    this.#taken = taken;
  }

  /**
   * The time in which we were busy is counted against nobody, unless the peer owes us the taking of bytes: then
   * that is its sign of life, as long as we do not read.
   */
  #excuse(now: number): void {
    if (this.#owner.owing) this.lastRead = Math.max(this.lastRead, this.lastWrite);
    else this.lastRead = this.lastWrite = now;
    this.#frameBegun = now;
    if (this.#rate !== undefined) this.#beginPeriod();
    if (this.#firstFrameOwed) this.#started = now;
  }

  #beginPeriod(): void {
    (this.#rate ??= new RatePeriod()).begin(this.#wheel.now, this.#owner.pipeline.bytesReceived);
  }

  /** A minimum that was set while a frame was under way is measured from the first look on. */
  #rateLeft(floor: RateFloor, now: number): number {
    if (this.#rate === undefined) this.#beginPeriod();
    return this.#rate!.left(this.#wheel, floor, now, this.#owner.pipeline.bytesReceived);
  }

  #tooSlow({ bytesPerSecond, period }: RateFloor): 0 {
    const came = this.#rate!.bytes(this.#owner.pipeline.bytesReceived);
    const what = `wait for a frame: it came at less than minByteRate, ${came} bytes in ${period} ms`;
    this.stop();
    this.#owner.timedOut(
      "byte_rate",
      new TimeoutError("byte_rate", period, `${what}, expected ${bytesPerSecond} a second`),
    );
    return 0;
  }

  #late(reason: TimeoutErrorReason & ("first_frame" | "frame"), closeReason: CloseReason, limit: number): 0 {
    const what = reason === "frame" ? "a frame that has begun" : "the first frame";
    this.stop();
    this.#owner.timedOut(
      closeReason,
      new TimeoutError(reason, limit, `wait for a frame: ${what} was not complete after ${limit} ms`),
    );
    return 0;
  }

  #keepalive(interval: number, payload: KeepalivePayload, now: number): number {
    const left = keepaliveLeft(this.#wheel, interval, this.lastWrite, this.#lastKeepalive, now);
    if (left > 0) return left;
    this.#lastKeepalive = now;
    try {
      // A copy: the payload is the user's, who may write the next one into it.
      this.#owner.sendKeepalive(new Uint8Array(keepaliveBytes(payload)));
    } catch (error) {
      this.#owner.userFailed(error);
    }
    return interval;
  }

  /** Stays on the tick it is on, unless that is finer than what is still waited for. */
  #lookAgain(next: number): number {
    if (!this.#watching) return 0;
    const shortest = this.#shortest();
    if (shortest <= this.#grain) {
      this.#look = this.#wheel.now + next;
      return next === Infinity ? 0 : next;
    }
    this.#schedule(Math.max(0, next - this.#wheel.slack(shortest)), shortest);
    return 0;
  }

  #schedule(ms: number, grain: number): void {
    this.#grain = grain;
    this.#wheel.schedule(this, ms, grain);
    this.#look = this.#wheel.now + ms;
  }

  /** The shortest wait for more of a frame that has begun. */
  get #partialWait(): number {
    const { frame, minByteRate } = this.#times;
    return minByteRate === undefined ? frame : Math.min(frame, minByteRate.period);
  }

  #shortest(): number {
    const { idle, readIdle, writeIdle, firstFrame, keepalive, lifetime } = this.#times;
    return Math.min(
      idle,
      this.#inputOver ? Infinity : readIdle,
      writeIdle,
      this.#firstFrameOwed ? firstFrame : Infinity,
      this.#partialAfter === noFrame ? Infinity : this.#partialWait,
      keepalive === undefined ? Infinity : keepalive.interval,
      lifetime === undefined ? Infinity : this.#age?.wait(lifetime) ?? lifetime.max * (1 - lifetime.jitter),
    );
  }
}
