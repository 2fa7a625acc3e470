/**
 * One timer for all connections: a hashed wheel of entries that are looked at when they may be due.
 *
 * Its time moves only as far as the process really ran. After a blocked event loop, a stopped process or
 * a sleep of the machine, the gap counts as one tick, so nobody is closed for a stall of ours. And
 * entries are looked at only after the event loop has polled for I/O since their time came, so that bytes
 * which the kernel already has are read first.
 *
 * Used by watchdogs, keepalives and deadlines. Knows nothing of what they wait for.
 */
import { type Clock, systemClock } from "./clock.ts";

/** An entry of a timer wheel. Its fields belong to the wheel: initialize them to `undefined`, `undefined` and −1. */
export interface WheelEntry {
  /** Belongs to the wheel. */
  wheelPrevious: WheelEntry | undefined;
  /** Belongs to the wheel. */
  wheelNext: WheelEntry | undefined;
  /** −1 while not scheduled. */
  wheelSlot: number;
  /**
   * Called when the entry may be due. Returns the milliseconds after which to check again, or 0 if it is done. An
   * entry whose wait was extended (it recorded `wheel.now` on activity) returns the remaining time, including
   * `wheel.slack`. It may schedule and cancel any entry, including itself.
   */
  expire(now: number): number;
}

/** Settings of a {@linkcode TimerWheel}. */
export interface TimerWheelOptions {
  /** A fixed tick in milliseconds. @default a tenth of the shortest wait: 5, 10, 50 or 250 */
  readonly tick?: number;
  /** Called with what an entry throws. @default thrown at the end of the turn, where the runtime reports it */
  readonly onError?: (error: unknown) => void;
}

/** Ticks to choose from, in ms. Each divides the next, so that a fine tick never misses a coarse one. */
const wheelTicks: readonly number[] = [5, 10, 50, 250];

/** Slots of the coarsest ring: four minutes of 250-ms ticks; longer waits go round more than once. */
const ringLength = 1024;
/** Timers may fire this much before their time on some runtimes; waking twice for that would be a waste. */
const early = 1;
const unscheduled = -1;
/** `wheelSlot` is the tick at which the entry is due times this, plus the number of its ring. */
const ringNumbers = 8;

class Ring {
  readonly tick: number;
  readonly heads: (WheelEntry | undefined)[];
  count = 0;
  /** The last tick whose slot has been looked at. */
  done = 0;

  constructor(tick: number, length: number) {
    this.tick = tick;
    this.heads = new Array<WheelEntry | undefined>(length).fill(undefined);
  }
}

/**
 * A coarse timer for many waits: never early, at most about two ticks late, where a tick is a tenth of the wait, at
 * most 250 ms. Scheduling and cancelling take constant time. An empty wheel uses no timer.
 *
 * @example One wheel for many waits, on a clock that a test moves
 * ```ts
 * import { TimerWheel, type WheelEntry } from "@millrace/millrace/streams";
 * import { FakeClock } from "@millrace/millrace/testing";
 *
 * const clock = new FakeClock();
 * const wheel = new TimerWheel(clock);
 * const entry: WheelEntry = {
 *   wheelPrevious: undefined,
 *   wheelNext: undefined,
 *   wheelSlot: -1,
 *   expire() {
 *     console.log("due"); // due
 *     return 0;
 *   },
 * };
 * wheel.schedule(entry, 1_000);
 * clock.advance(1_600);
 * ```
 */
export class TimerWheel {
  /**
   * The wheel's own time in milliseconds, with its own origin; it stops while the wheel is empty. Read it to record
   * activity. It lags by less than two ticks, for which `slack` compensates.
   */
  readonly now: number = 0;
  /** Stalls of the process of two ticks or more. */
  readonly stalls: number = 0;
  /** Entries that wait. */
  readonly size: number = 0;
  /** Its source of time. */
  readonly clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #rings: readonly Ring[];
  /** Entries that are being looked at: a ring of one slot, so that they can be cancelled like any other. */
  readonly #due: Ring = new Ring(Infinity, 1);
  /** Number of the finest ring in use, which sets the tick; the number of rings while there is no timer. */
  #finest: number;
  #timer: unknown = undefined;
  /** The clock's reading at time 0, moved on by every stall. */
  #origin = 0;
  #looking = false;
  #lookAt = 0;

  /**
   * Takes a clock.
   *
   * @throws {RangeError} for a tick below 1 ms
   */
  constructor(clock: Clock, options: TimerWheelOptions = {}) {
    const { tick, onError } = options;
    if (tick !== undefined && !(tick >= 1 && tick < Infinity)) {
      throw new RangeError(`make a timer wheel: found a tick of ${tick} ms, expected 1 or more`);
    }
    this.clock = clock;
    this.#onError = onError ?? ((error) =>
      clock.endOfTurn(() => {
        throw error;
      }));
    const ticks = tick === undefined ? wheelTicks : [tick];
    this.#rings = ticks.map((tick) => new Ring(tick, tick === ticks.at(-1) ? ringLength : ringLength / 16));
    this.#finest = ticks.length;
  }

  /** The current tick in milliseconds, 0 while there is no timer. */
  get tick(): number {
    return this.#rings[this.#finest]?.tick ?? 0;
  }

  /** How old a reading of `now` may be, for a wait of `ms`: the wait is over at `reading + ms + slack(ms)`. */
  slack(ms: number): number {
    return 2 * this.#rings[this.#ringFor(ms)]!.tick;
  }

  /**
   * Remaining time at `now` of a wait of `ms` that began at `reading`, including `slack`; 0 or less once it is over.
   * The entry that took the reading must have been waiting at that time, for at most `ms`.
   */
  left(reading: number, ms: number, now: number = this.now): number {
    return ms === Infinity ? Infinity : reading + ms + this.slack(ms) - now;
  }

  /**
   * Schedules the entry to expire after `ms`; reschedules it if it is waiting. `Infinity` means never. The tick is a
   * tenth of `wait`, the shortest of the waits that the entry represents.
   */
  schedule(entry: WheelEntry, ms: number, wait: number = ms): void {
    this.cancel(entry);
    if (ms === Infinity) return;
    if (Number.isNaN(ms)) throw new RangeError("schedule a wait: found NaN ms, expected a number");
    const ring = this.#ringFor(wait);
    if (ring < this.#finest) this.#refine(ring);
    this.#place(entry, ring, this.now + Math.max(0, ms) + 2 * this.#rings[ring]!.tick);
  }

  /** Cancels the entry; does nothing if it is not waiting. */
  cancel(entry: WheelEntry): void {
    if (entry.wheelSlot === unscheduled) return;
    this.#unlink(entry);
    if (this.size === 0) this.#stop();
  }

  #ringFor(ms: number): number {
    let ring = this.#rings.length - 1;
    while (ring > 0 && this.#rings[ring]!.tick * 10 > ms) ring--;
    return ring;
  }

  #place(entry: WheelEntry, number: number, due: number): void {
    const ring = this.#rings[number]!;
    if (ring.count === 0) ring.done = Math.floor(this.now / ring.tick);
    this.#link(entry, number, Math.ceil(due / ring.tick));
  }

  #link(entry: WheelEntry, number: number, tick: number): void {
    const ring = this.#ring(number);
    const slot = tick % ring.heads.length;
    const head = ring.heads[slot];
    entry.wheelSlot = tick * ringNumbers + number;
    entry.wheelNext = head;
    if (head !== undefined) head.wheelPrevious = entry;
    ring.heads[slot] = entry;
    ring.count++;
    (this as { size: number }).size++;
  }

  #unlink(entry: WheelEntry): void {
    const ring = this.#ring(entry.wheelSlot % ringNumbers);
    const { wheelPrevious: previous, wheelNext: next } = entry;
    if (next !== undefined) next.wheelPrevious = previous;
    if (previous !== undefined) previous.wheelNext = next;
    else ring.heads[Math.floor(entry.wheelSlot / ringNumbers) % ring.heads.length] = next;
    entry.wheelPrevious = entry.wheelNext = undefined;
    entry.wheelSlot = unscheduled;
    ring.count--;
    (this as { size: number }).size--;
  }

  #ring(number: number): Ring {
    return this.#rings[number] ?? this.#due;
  }

  /** Goes over to a finer tick, or starts. Readings made before are old, but so are the waits that made them. */
  #refine(finest: number): void {
    const reading = this.clock.now();
    if (this.#timer === undefined) this.#origin = reading - this.now;
    else {
      this.#advance(reading, this.#rings[finest]!.tick);
      this.clock.clearTimer(this.#timer);
    }
    this.#finest = finest;
    this.#arm(reading);
  }

  #stop(): void {
    this.#finest = this.#rings.length;
    this.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  /** Moves time on to the last whole tick of `grid`; a gap of two ticks or more was a stall and counts as one. */
  #advance(reading: number, grid: number): void {
    const { tick } = this;
    let time = reading - this.#origin + early;
    const stalled = time - this.now - (2 * tick - early);
    if (stalled >= 0) {
      (this as { stalls: number }).stalls++;
      time = this.now + tick;
      this.#origin = reading + early - time;
    }
    (this as { now: number }).now = Math.max(this.now, Math.floor(time / grid) * grid);
  }

  #arm(reading: number): void {
    const { tick } = this;
    const next = (Math.floor(this.now / tick) + 1) * tick + this.#origin;
    this.#timer = this.clock.setTimer(this.#ticked, Math.max(1, Math.ceil(next - reading)));
  }

  readonly #ticked: () => void = () => {
    const reading = this.clock.now();
    this.#advance(reading, this.tick);
    this.#finest = this.#rings.findIndex((ring) => ring.count > 0);
    this.#arm(reading);
    if (this.#looking || !this.#someDue()) return;
    this.#looking = true;
    this.#lookAt = this.now;
    // Two turns: on some runtimes the end of a timer's turn comes before the poll for I/O.
    this.clock.endOfTurn(this.#polled);
  };

  readonly #polled: () => void = () => this.clock.endOfTurn(this.#look);

  #someDue(): boolean {
    for (const ring of this.#rings) {
      if (ring.count === 0) continue;
      const last = Math.floor(this.now / ring.tick);
      while (ring.done < last) {
        if (ring.heads[(ring.done + 1) % ring.heads.length] !== undefined) return true;
        ring.done++;
      }
    }
    return false;
  }

  readonly #look: () => void = () => {
    this.#looking = false;
    for (let number = 0; number < this.#rings.length; number++) {
      const ring = this.#rings[number]!;
      const last = Math.floor(this.#lookAt / ring.tick);
      while (ring.count > 0 && ring.done < last) {
        this.#gather(ring, ++ring.done);
        this.#expire(number);
      }
    }
    if (this.size === 0 && this.#timer !== undefined) this.#stop();
  };

  /** Moves what is due at a tick to the due ring; what comes round later stays. */
  #gather(ring: Ring, tick: number): void {
    let entry = ring.heads[tick % ring.heads.length];
    while (entry !== undefined) {
      const next: WheelEntry | undefined = entry.wheelNext;
      if (entry.wheelSlot < (tick + 1) * ringNumbers) {
        this.#unlink(entry);
        this.#link(entry, ringNumbers - 1, 0);
      }
      entry = next;
    }
  }

  #expire(number: number): void {
    let entry: WheelEntry | undefined;
    while ((entry = this.#due.heads[0]) !== undefined) {
      this.#unlink(entry);
      let again = 0;
      try {
        again = entry.expire(this.#lookAt);
      } catch (error) {
        this.#onError(error);
      }
      if (!(again > 0 && again < Infinity) || entry.wheelSlot !== unscheduled) continue;
      if (number < this.#finest) this.#refine(number);
      this.#place(entry, number, this.now + again);
    }
  }
}

const wheels = new WeakMap<Clock, TimerWheel>();

/** The one wheel of a clock, for all connections of the process. */
export function sharedWheel(clock: Clock = systemClock): TimerWheel {
  let wheel = wheels.get(clock);
  if (wheel === undefined) wheels.set(clock, wheel = new TimerWheel(clock));
  return wheel;
}
