/**
 * Frames of one directory to the bus, in order, each until the bus has it.
 *
 * What the bus stores is done with when it says so, everything else when it is accepted. After a failure sending goes on
 * behind the last frame that is done with: a bus that stores knows the others again by their ids.
 */
import { type Deferred, deferred } from "../../core/deferred.ts";
import type { MillraceError } from "../../core/errors.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { DiskFile } from "../../host/disk.ts";
import type { Bus, BusMessage, PublishObserver } from "../buses/bus.ts";
import { BusError } from "../errors.ts";
import { Sparingly } from "../log.ts";
import { type FrameContext, type KnownContext, Outgoing } from "./outgoing.ts";
import type { Place } from "./place.ts";
import type { RecordSink } from "./record.ts";
import { keepRefused } from "./refused_frames.ts";
import { Retirement } from "./retirement.ts";
import { SegmentReader } from "./segment_reader.ts";
import type { Segment } from "./segments.ts";

/** Frames, and bytes of them, that the bus may have without having confirmed them. */
const [mostFrames, mostBytes] = [4096, 8 * 1024 * 1024];
/** From a failure to the next attempt, in ms: doubled each time, up to the second. */
const [firstPauseMs, longestPauseMs] = [100, 5_000];

const decoder = new TextDecoder();

/** What a forwarder is given. */
interface ForwarderContext {
  readonly bus: Pick<Bus, "publish" | "stores" | "lastStored">;
  readonly clock: Clock;
  /** A segment is done with and gone. */
  freed(): void;
}

/** The forwarder of one directory. */
export class Forwarder implements RecordSink, PublishObserver {
  readonly #place: Place;
  readonly #context: ForwarderContext;
  readonly #sparingly: Sparingly;
  readonly #retirement: Retirement;
  readonly #contexts: Map<number, KnownContext> = new Map();
  /** Not done with, in order; those before `#head` are. */
  #flying: Outgoing[] = [];
  #head = 0;
  #bytes = 0;
  #segment: Segment | undefined = undefined;
  #file: DiskFile | undefined = undefined;
  /** The number that comes next; those that are missing before it have been counted up to `#counted`. */
  #expected = 0;
  #counted = 0;
  #stopped = false;
  /** Something has failed: what is on its way does not count any more. */
  #failure: unknown = undefined;
  #attempt = 0;
  #more: Deferred | undefined = undefined;
  #room: Deferred | undefined = undefined;
  #idle: Deferred | undefined = undefined;
  #pauseMs = firstPauseMs;
  #timer: unknown = undefined;
  #resume: () => void = () => {};
  #refusing: Promise<void> = Promise.resolve();

  constructor(place: Place, context: ForwarderContext) {
    this.#place = place;
    this.#context = context;
    this.#sparingly = new Sparingly(place.log);
    this.#retirement = new Retirement(place, () => context.freed());
  }

  start(): void {
    void this.#run();
  }

  /** There may be more to read. */
  wake(): void {
    this.#more?.resolve();
    this.#more = undefined;
  }

  /** Resolves when the bus has everything that is written, or when it stops. */
  idle(): Promise<void> {
    if (this.#place.frames === 0 || this.#stopped) return this.#retirement.done();
    return (this.#idle ??= deferred()).promise;
  }

  /** When the oldest frame that waits was received, as far as it is known. */
  get oldest(): number | undefined {
    return this.#flying[this.#head]?.received;
  }

  /** Sends no more; what is not done with stays. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#context.clock.clearTimer(this.#timer);
    this.#resume();
    this.wake();
    this.#release();
    this.#idle?.resolve();
    await this.#closeFile();
    await this.#refusing;
    await this.#retirement.done();
  }

  // What the reader tells.

  context(number: number, json: Uint8Array): void | Promise<void> {
    const facts = JSON.parse(decoder.decode(json)) as FrameContext;
    const { bus } = this.#context;
    const stores = bus.stores?.(facts.subject) === true;
    this.#contexts.set(number, { ...facts, stores, last: 0 });
    // Whoever was killed may have sent them.
    if (!this.#segment!.found || !stores || bus.lastStored === undefined) return;
    return bus.lastStored({ ...facts, payload: new Uint8Array(0) }).then((last = 0) => {
      this.#contexts.set(number, { ...facts, stores, last });
    });
  }

  frame(
    number: number,
    contextNumber: number,
    seq: number,
    received: number,
    payload: Uint8Array,
  ): void | Promise<void> {
    if (number < this.#expected) return;
    const context = this.#contexts.get(contextNumber);
    // Its context was where the damage is: it counts as damaged as well.
    if (context === undefined) return;
    this.#miss(number);
    this.#expected = number + 1;
    const frame = new Outgoing(context, number, this.#segment!, payload, {
      seq,
      received,
      run: this.#attempt,
    });
    this.#flying.push(frame);
    this.#bytes += payload.length;
    if (seq <= context.last) return this.#finish(frame);
    return this.#publish(frame, context.stores);
  }

  damaged(from: number, to: number): void {
    const segment = this.#segment!;
    if (segment.damaged) return;
    segment.damaged = true;
    const text = `segment ${segment.id} cannot be read from byte ${from} to ${to}; the file will be kept`;
    this.#place.damage({ file: segment.path, from, to }, text);
  }

  // What the bus tells.

  stored(message: BusMessage): void {
    this.#finish(message as Outgoing);
  }

  failed(message: BusMessage, error: MillraceError): void {
    if (isPermanent(error)) this.#refuse(message as Outgoing, error);
    else this.#fail(error);
  }

  #publish(frame: Outgoing, stores: boolean): void | Promise<void> {
    let wait: void | Promise<void>;
    try {
      wait = this.#context.bus.publish(frame, stores ? this : undefined);
    } catch (error) {
      return this.#failedAtOnce(frame, error);
    }
    if (!stores) {
      if (wait === undefined) this.#finish(frame);
      else return wait.then(() => this.#finish(frame), (error) => this.#failedAtOnce(frame, error));
    } else if (wait === undefined && this.#isFull) return (this.#room ??= deferred()).promise;
    return wait;
  }

  #failedAtOnce(frame: Outgoing, error: unknown): void {
    if (!isPermanent(error)) throw error;
    this.#refuse(frame, error);
  }

  get #isFull(): boolean {
    return this.#flying.length - this.#head >= mostFrames || this.#bytes >= mostBytes;
  }

  #finish(frame: Outgoing): void {
    // One of before a failure is sent again.
    if (this.#stopped || !Outgoing.finish(frame, this.#attempt)) return;
    this.#place.counts.forwarded++;
    this.#place.ahead++;
    this.#pauseMs = firstPauseMs;
    this.#advance();
  }

  #advance(): void {
    const [flying, place] = [this.#flying, this.#place];
    while (this.#head < flying.length && Outgoing.isDone(flying[this.#head]!)) {
      this.#bytes -= flying[this.#head++]!.payload.length;
    }
    const first = flying[this.#head];
    const confirmed = first === undefined ? this.#expected : Outgoing.number(first);
    place.ahead -= confirmed - place.confirmed;
    place.confirmed = confirmed;
    if (this.#head * 2 >= flying.length) {
      flying.splice(0, this.#head);
      this.#head = 0;
    }
    if (flying.length - this.#head <= mostFrames / 2 && this.#bytes <= mostBytes / 2) this.#release();
    place.state.save();
    this.#retirement.look();
    if (place.frames > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  #release(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** Numbers up to this one that have not come are those of frames that cannot be read. */
  #miss(number: number): void {
    this.#place.ahead += Math.max(0, number - this.#expected);
    const missing = number - Math.max(this.#expected, this.#counted);
    this.#counted = Math.max(this.#counted, number);
    if (missing <= 0) return;
    this.#place.counts.damaged += missing;
    this.#segment!.damaged = true;
    const { id, path } = this.#segment!;
    this.#place.damage({ file: path, frames: missing }, `segment ${id} lacks frames: ${missing}`);
  }

  /** Frames that the bus will never take are put aside. */
  #refuse(frame: Outgoing, error: BusError): void {
    this.#refusing = this.#refusing.then(async () => {
      if (this.#stopped) return;
      try {
        const number = Outgoing.number(frame);
        const file = await keepRefused(this.#place, Outgoing.segment(frame), number, frame);
        if (!Outgoing.finish(frame, this.#attempt)) return;
        this.#place.counts.refused++;
        this.#place.ahead++;
        const { seq } = frame;
        const fields = { "conn.id": frame.metadata["conn.id"], seq, file, error: error.message };
        this.#sparingly.warn("spool: the bus refuses a frame for ever; it is kept in a file", fields);
        this.#advance();
      } catch (failure) {
        this.#fail(failure);
      }
    });
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.wake();
    this.#release();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#failure = undefined;
      this.#attempt++;
      this.#flying = [];
      this.#head = this.#bytes = this.#place.ahead = 0;
      this.#expected = this.#place.confirmed;
      this.#retirement.look();
      try {
        while (this.#goesOn()) await this.#pass();
      } catch (error) {
        this.#failure ??= error;
      }
      if (this.#stopped) return;
      const error = this.#failure instanceof Error ? this.#failure.message : String(this.#failure);
      const fields = { error, directory: this.#place.folder, frames: this.#place.frames };
      this.#sparingly.warn("spool: forwarding failed and is tried again", fields);
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
        this.#timer = this.#context.clock.setTimer(resolve, this.#pauseMs);
      });
      this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
    }
  }

  #goesOn(): boolean {
    return !this.#stopped && this.#failure === undefined;
  }

  /** Reads one segment to its end. */
  async #pass(): Promise<void> {
    const { segments, disk } = this.#place;
    const segment = segments.all.find(({ after, closed }) => !closed || after > this.#expected);
    if (segment === undefined || segment.end === 0) return await this.#wait();
    this.#segment = segment;
    this.#contexts.clear();
    const file = this.#file = await disk.open(segment.path, "r");
    try {
      const reader = new SegmentReader(file, segment);
      while (this.#goesOn()) {
        await reader.read(this, () => !this.#goesOn());
        if (!this.#goesOn()) return;
        if (reader.offset < segment.end) continue;
        if (segment.closed) break;
        await this.#wait();
      }
    } finally {
      await this.#closeFile();
    }
    if (!this.#goesOn()) return;
    this.#miss(segment.after);
    this.#expected = Math.max(this.#expected, segment.after);
    this.#advance();
  }

  /** Also when a publish that it waits for never ends. */
  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => {});
  }

  #wait(): Promise<void> {
    return (this.#more ??= deferred()).promise;
  }
}

/** No attempt will ever succeed. */
function isPermanent(error: unknown): error is BusError {
  return error instanceof BusError && (error.reason === "rejected" || error.reason === "invalid_subject");
}
