/**
 * Gathers frames into groups: so many frames, so many bytes, or so many milliseconds, whichever is first.
 *
 * A stage and, as `BatcherStream`, a Web Stream. One batcher serves one connection, or many that feed it through
 * `add`. It never holds more than one group, so it is bounded by the group's limits.
 */
import { checkDuration, type DurationInput } from "../time/duration.ts";
import { byteSize, byteSizeOrZero, type ItemSize } from "../bytes/item_size.ts";
import { checkInteger, OptionsCheck } from "../options.ts";
import type { SizeInput } from "../text/size.ts";
import type { Outlet, TimedStage } from "./timed_stage.ts";
import { sharedWheel, type TimerWheel, type WheelEntry } from "../time/timer_wheel.ts";

/** One frame of a group. */
export interface BatchedFrame<Frame> {
  /** The frame itself. */
  readonly frame: Frame;
  /** Id of the connection it came from; undefined if none was given. */
  readonly connectionId: string | undefined;
  /** When it arrived, in milliseconds since 1970. */
  readonly receivedAt: number;
}

/** What made a group complete. `end`: the input ended. */
export type BatchReason = "frames" | "bytes" | "delay" | "end";

/** Frames in order of arrival; at least one. */
export interface Batch<Frame> {
  /** The frames, oldest first. */
  readonly frames: readonly BatchedFrame<Frame>[];
  /** The sum of their sizes. */
  readonly bytes: number;
  /** Which limit was reached first. */
  readonly completedBy: BatchReason;
}

/** When a group is complete. */
export interface BatcherOptions<Frame> {
  /** Maximum number of frames in a group. @default 256 */
  readonly maxFrames?: number | undefined;
  /** Maximum number of bytes in a group; a larger frame is a group on its own. @default 65_536 */
  readonly maxBytes?: SizeInput | undefined;
  /**
   * Maximum time that the first frame of a group waits for more; the group is delivered up to 30% later. `Infinity`
   * leaves it to the other limits. @default 100
   */
  readonly maxDelay?: DurationInput | undefined;
  /** Size of a frame in bytes. @default length of bytes, UTF-8 length of text; anything else counts as 0, unless maxBytes is given */
  readonly size?: ItemSize<Frame> | undefined;
  /** Connection id for frames that are pushed. @default none */
  readonly connectionId?: string | undefined;
}

const optionNames = ["maxFrames", "maxBytes", "maxDelay", "size", "connectionId"];

/**
 * Collects frames into groups. One batcher serves one connection, or many that feed it through `add`.
 *
 * @example Frames of all connections in groups for a database
 * ```ts
 * import { connect, lines, serve } from "@millrace/millrace";
 * import { Batcher } from "@millrace/millrace/streams";
 *
 * const batcher = new Batcher<string>({ maxFrames: 2, maxDelay: "1 second" });
 * const stored = new Promise<void>((resolve) => {
 *   batcher.start({
 *     full: false,
 *     deliver({ frames, completedBy }) {
 *       console.log(frames.map(({ frame }) => frame).join(), completedBy); // a,b frames
 *       resolve();
 *     },
 *     fail: (error) => console.error(error),
 *   });
 * });
 * const framing = lines({ encoding: "utf-8" });
 * const server = await serve({
 *   port: 0,
 *   framing,
 *   onFrame: (line, { id }) => void batcher.add(line, id),
 * });
 * const connection = await connect({ port: server.address.port, framing });
 * await connection.send("a");
 * await connection.send("b");
 * await stored;
 * batcher.stop();
 * await connection.close();
 * await server.close();
 * ```
 */
export class Batcher<Frame = Uint8Array> implements TimedStage<Frame, Batch<Frame>> {
  readonly #wait: WheelEntry = {
    wheelPrevious: undefined,
    wheelNext: undefined,
    wheelSlot: -1,
    expire: (now) => this.#look(now),
  };
  readonly #wheel: TimerWheel;
  readonly #maxFrames: number;
  readonly #maxBytes: number;
  readonly #maxDelay: number;
  readonly #size: ItemSize<Frame>;
  readonly #connectionId: string | undefined;
  #outlet: Outlet<Batch<Frame>> | undefined = undefined;
  #frames: BatchedFrame<Frame>[] = [];
  #bytes = 0;
  #begun = 0;

  /**
   * Takes the limits of a group.
   *
   * @throws {OptionsError} `invalid`, for a limit below 1, or a delay that is not above 0
   */
  constructor(options: BatcherOptions<Frame> = {}, wheel: TimerWheel = sharedWheel()) {
    const { maxFrames, maxBytes, maxDelay, size, connectionId } = options;
    const check = new OptionsCheck();
    check.keys(options, optionNames);
    this.#maxFrames = checkInteger(check, "maxFrames", maxFrames, 256, 1);
    this.#maxBytes = check.size("maxBytes", maxBytes, 65_536);
    this.#maxDelay = checkDuration(check, "maxDelay", maxDelay, 100);
    if (size !== undefined && typeof size !== "function") check.refuse("size", size, "a function");
    if (this.#maxFrames === Infinity && this.#maxBytes === Infinity) {
      check.refuse("maxFrames", maxFrames, "a limit, of frames or of bytes");
    }
    check.done();
    this.#size = size ?? (maxBytes === undefined ? byteSizeOrZero : byteSize);
    this.#connectionId = connectionId;
    this.#wheel = wheel;
  }

  /** Frames in the group that is not complete yet. */
  get length(): number {
    return this.#frames.length;
  }

  /** From now on, groups completed by time or by `add` are delivered to this outlet. */
  start(outlet: Outlet<Batch<Frame>>): void {
    this.#outlet = outlet;
  }

  /** Stops waiting. The incomplete group is discarded. */
  stop(): void {
    this.#outlet = undefined;
    this.#wheel.cancel(this.#wait);
  }

  /** Adds a frame of the connection given in the options; passes on the group that it completes. */
  push(frame: Frame, next: (batch: Batch<Frame>) => void): void {
    this.#add(frame, this.#connectionId, next);
  }

  /** Passes on the current group, complete or not. */
  flush(next: (batch: Batch<Frame>) => void): void {
    this.#complete("end", next);
  }

  /** Adds a frame of a connection. Groups are delivered to the outlet. Returns false after `stop`. */
  add(frame: Frame, connectionId: string): boolean {
    const outlet = this.#outlet;
    if (outlet === undefined) return false;
    this.#add(frame, connectionId, this.#deliver);
    return true;
  }

  readonly #deliver: (batch: Batch<Frame>) => void = (batch) => this.#outlet?.deliver(batch);

  #add(frame: Frame, connectionId: string | undefined, next: (batch: Batch<Frame>) => void): void {
    const size = this.#size(frame);
    if (this.#frames.length > 0 && this.#bytes + size > this.#maxBytes) this.#complete("bytes", next);
    if (this.#frames.length === 0) this.#begin();
    this.#frames.push({ frame, connectionId, receivedAt: this.#wheel.clock.wallTime() });
    this.#bytes += size;
    if (this.#bytes >= this.#maxBytes) this.#complete("bytes", next);
    else if (this.#frames.length === this.#maxFrames) this.#complete("frames", next);
  }

  /** The entry of the group before may still wait; it looks then how old this one is. */
  #begin(): void {
    if (this.#wait.wheelSlot < 0 && this.#outlet !== undefined) {
      this.#wheel.schedule(this.#wait, this.#maxDelay);
    }
    this.#begun = this.#wheel.now;
  }

  #complete(completedBy: BatchReason, next: (batch: Batch<Frame>) => void): void {
    const frames = this.#frames;
    if (frames.length === 0) return;
    const bytes = this.#bytes;
    this.#frames = [];
    this.#bytes = 0;
    next({ frames, bytes, completedBy });
  }

  #look(now: number): number {
    if (this.#frames.length === 0) return 0;
    const left = this.#wheel.left(this.#begun, this.#maxDelay, now);
    if (left > 0) return left;
    this.#complete("delay", this.#deliver);
    return 0;
  }
}
