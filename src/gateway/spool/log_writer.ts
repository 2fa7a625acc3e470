/**
 * Frames into the last segment of a directory: written and synced together, as many as wait.
 *
 * Used by `spool.ts`. A frame is stored when the device has it; until then it waits here, and after a failure the segment is
 * cut off behind the last frame that is stored, and the rest goes into a new one.
 */
import { type Deferred, deferred } from "../../core/deferred.ts";
import { LimitError } from "../../core/errors.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { DiskFile } from "../../host/disk.ts";
import type { BusMessage, PublishObserver } from "../buses/bus.ts";
import { mostWaiting } from "../buses/subscription.ts";
import type { SpoolConfig } from "../config/spool.ts";
import { SpoolError } from "../errors.ts";
import type { Place } from "./place.ts";
import { Batch, contextBytes, frameBytes, segmentHeaderBytes } from "./record.ts";
import { contextJson } from "./refused_frames.ts";
import { type Segment, segmentName } from "./segments.ts";

/** What is written at a time, and what waits for it before readers are asked to wait. */
const [batchBytes, waitingBytes, waitingFrames] = [1024 * 1024, 1024 * 1024, 4096];
/** From a failure to the next attempt, in ms: doubled each time, up to the second. */
const [firstPauseMs, longestPauseMs] = [100, 5_000];

/** The frames of one connection in the present segment. */
interface WrittenContext {
  readonly segment: number;
  readonly number: number;
  readonly subject: string;
  readonly reply: string | undefined;
}

/** What the writer needs to know of others. */
interface LogWriterContext {
  readonly clock: Clock;
  /** More is written, or a segment is closed. */
  written(): void;
}

/** The writer of one directory. */
export class LogWriter {
  /** It waits for room. */
  full = false;
  readonly #place: Place;
  readonly #config: SpoolConfig;
  readonly #context: LogWriterContext;
  readonly #batch: Batch = new Batch();
  /** Frames that are not stored; `#observers` has who wants to know. */
  #waiting: BusMessage[] = [];
  #observers: (PublishObserver | undefined)[] = [];
  #bytes = 0;
  /** The one that is written to, not among those of the place before it has a frame. */
  #segment: Segment | undefined = undefined;
  #file: DiskFile | undefined = undefined;
  /** A write has failed: what is behind the stored frames of the segment has to be cut off. */
  #broken = false;
  #contexts: WeakMap<object, WrittenContext> = new WeakMap();
  #nextContext = 0;
  #running = false;
  #closed = false;
  #pauseMs = firstPauseMs;
  #pausedUntil = 0;
  #lastSync = -Infinity;
  #timer: unknown = undefined;
  #resume: () => void = () => {};
  #room: Deferred | undefined = undefined;
  #idle: Deferred | undefined = undefined;
  #over: Deferred | undefined = undefined;

  constructor(place: Place, config: SpoolConfig, context: LogWriterContext) {
    this.#place = place;
    this.#config = config;
    this.#context = context;
  }

  /** Frames that are not stored yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes one; a promise means that its connection should wait. */
  push(message: BusMessage, observer: PublishObserver | undefined): void | Promise<void> {
    if (this.#closed) {
      return void observer?.failed?.(message, this.#error("closed", "the gateway is stopping"));
    }
    if (this.#waiting.length >= waitingFrames + mostWaiting) {
      const text = `spool ${this.#place.folder}: ${this.#waiting.length} frames wait to be written`;
      return void observer?.failed?.(message, new LimitError("waiting_sends", waitingFrames, text));
    }
    this.#waiting.push(message);
    this.#observers.push(observer);
    this.#bytes += message.payload.length;
    if (!this.#running) {
      this.#running = true;
      // All frames of this turn are one write.
      this.#context.clock.endOfTurn(() => void this.#run());
    }
    if (this.#bytes < waitingBytes && this.#waiting.length < waitingFrames && !this.full) return;
    return (this.#room ??= deferred()).promise;
  }

  /** Resolves when nothing waits. */
  idle(): Promise<void> {
    return this.#waiting.length === 0 ? Promise.resolve() : (this.#idle ??= deferred()).promise;
  }

  /** There may be room again. */
  freed(): void {
    if (this.full) this.#resume();
  }

  /** What is not stored fails. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#resume();
    if (this.#running) await (this.#over = deferred()).promise;
    this.#rejectAll(this.#error("closed", "the gateway is stopping"));
    await this.#file?.close().catch(() => {});
    if (this.#segment !== undefined) this.#segment.closed = true;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#closed) {
      try {
        await this.#write();
      } catch (error) {
        await this.#failed(error as Error);
      }
    }
    this.#running = false;
    this.#over?.resolve();
  }

  /** Writes one batch, or finds out why not. */
  async #write(): Promise<void> {
    const { sync, whenFull } = this.#config;
    const { clock } = this.#context;
    if (this.#pausedUntil > clock.now()) {
      return this.#rejectAll(this.#error("not_written", "the disk failed"));
    }
    const wait = typeof sync === "number" ? this.#lastSync + sync - clock.now() : 0;
    if (wait > 0) await this.#pause(wait);
    if (this.#broken) await this.#repair();
    const count = this.#encode();
    if (count === "next") return await this.#finishSegment();
    if (count === "large") return this.#rejectFirst();
    if (count === "full") {
      // What is done with must not keep its place because nothing follows.
      if (this.#segment!.end > 0) return await this.#finishSegment();
      if (whenFull === "close") return this.#rejectAll(this.#error("full", "it holds as much as it may"));
      this.full = true;
      await new Promise<void>((resolve) => this.#resume = resolve);
      this.full = false;
      return;
    }
    const segment = this.#segment!;
    this.#broken = true;
    this.#file ??= await this.#place.disk.open(segment.path, "wx+");
    await this.#file.write(this.#batch.bytes, segment.end);
    if (sync !== "never") {
      this.#lastSync = clock.now();
      await this.#file.sync();
      if (segment.end === 0) await this.#place.disk.syncFolder(this.#place.folder);
    }
    this.#broken = false;
    this.#pauseMs = firstPauseMs;
    this.#stored(segment, count);
  }

  /** Gathers frames for one write; returns how many, or why there are none. */
  #encode(): number | "next" | "large" | "full" {
    const batch = this.#batch;
    const { segments } = this.#place;
    const { maxBytes, segmentBytes } = this.#config;
    const segment = this.#segment ??= this.#newSegment();
    batch.length = 0;
    if (segment.end === 0) batch.header(segment, this.#context.clock.wallTime());
    let count = 0;
    for (const message of this.#waiting) {
      const known = this.#known(message, segment.id);
      const json = known === undefined ? contextJson(message) : undefined;
      const bytes = frameBytes + message.payload.length +
        (json === undefined ? 0 : contextBytes + json.length);
      const [end, begun] = [segment.end + batch.length + bytes, count > 0 || segment.end > 0];
      const why = bytes + segmentHeaderBytes > maxBytes / 2
        ? "large"
        : begun && end > segmentBytes
        ? "next"
        : segments.bytes + batch.length + bytes > maxBytes
        ? "full"
        : undefined;
      if (why !== undefined) return count > 0 ? count : why;
      if (count > 0 && batch.length + bytes > batchBytes) return count;
      const number = segments.next + count - segment.first;
      const context = known?.number ?? this.#addContext(message, segment, number, json!);
      const { seq = NaN, received = NaN, payload } = message;
      batch.frame(segment.marker, number, context, { seq, received, payload });
      count++;
    }
    return count;
  }

  /** The context that the message has in this segment. */
  #known({ metadata, subject, reply }: BusMessage, segment: number): WrittenContext | undefined {
    const known = this.#contexts.get(metadata);
    const same = known?.segment === segment && known.subject === subject && known.reply === reply;
    return same ? known : undefined;
  }

  #addContext(
    { metadata, subject, reply }: BusMessage,
    segment: Segment,
    at: number,
    json: Uint8Array,
  ): number {
    const number = this.#nextContext++;
    this.#contexts.set(metadata, { segment: segment.id, number, subject, reply });
    this.#batch.context(segment.marker, at, number, json);
    return number;
  }

  #newSegment(): Segment {
    const { segments } = this.#place;
    const id = segments.nextId++;
    this.#contexts = new WeakMap();
    this.#nextContext = 0;
    return {
      id,
      path: this.#place.path(segmentName(id)),
      marker: crypto.getRandomValues(new Uint32Array(1))[0]!,
      first: segments.next,
      after: segments.next,
      end: 0,
      closed: false,
      found: false,
      damaged: false,
    };
  }

  /** The device has them. */
  #stored(segment: Segment, count: number): void {
    const { segments, counts, state } = this.#place;
    if (segment.end === 0) segments.all.push(segment);
    segment.end += this.#batch.length;
    segments.bytes += this.#batch.length;
    segments.next += count;
    segment.after = segments.next;
    counts.written += count;
    state.save();
    const [messages, observers] = this.#shift(count);
    for (const [index, message] of messages.entries()) observers[index]?.stored?.(message);
    this.#context.written();
    this.#relax();
  }

  #shift(count: number): readonly [BusMessage[], (PublishObserver | undefined)[]] {
    const messages = this.#waiting.splice(0, count);
    for (const { payload } of messages) this.#bytes -= payload.length;
    return [messages, this.#observers.splice(0, count)];
  }

  #relax(): void {
    if (this.#bytes <= waitingBytes / 2 && this.#waiting.length <= waitingFrames / 2) {
      this.#room?.resolve();
      this.#room = undefined;
    }
    if (this.#waiting.length > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  /** Nothing more is added to the segment. */
  async #finishSegment(): Promise<void> {
    const [segment, file] = [this.#segment, this.#file];
    this.#segment = this.#file = undefined;
    await file?.close().catch(() => {});
    if (segment === undefined || segment.end === 0) return;
    segment.closed = true;
    this.#context.written();
  }

  /** Cuts off what was not stored. */
  async #repair(): Promise<void> {
    const { disk } = this.#place;
    const [segment, file] = [this.#segment!, this.#file];
    if (segment.end > 0) {
      await file!.truncate(segment.end);
      await file!.sync();
    } else if (file !== undefined) await disk.remove(segment.path);
    this.#broken = false;
    await this.#finishSegment();
  }

  /** The disk did not take it: all wait, or all connections that wait are closed. */
  async #failed(error: Error): Promise<void> {
    const { counts, folder, log } = this.#place;
    const { clock } = this.#context;
    if (counts.failures++ % 100 === 0) {
      const fields = { directory: folder, error: error.message, frames: this.#waiting.length };
      log({ level: "error", message: "spool: the disk takes no frames", fields });
    }
    if (this.#config.whenFull === "close") {
      this.#rejectAll(this.#error("not_written", error.message));
      this.#pausedUntil = clock.now() + this.#pauseMs;
    } else await this.#pause(this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
  }

  #pause(ms: number): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const { clock } = this.#context;
    return new Promise((resolve) => {
      this.#timer = clock.setTimer(resolve, ms);
      this.#resume = () => {
        clock.clearTimer(this.#timer);
        resolve();
      };
    });
  }

  #error(reason: "closed" | "full" | "not_written" | "too_large", text: string): SpoolError {
    return new SpoolError(reason, `spool ${this.#place.folder}: ${text}`);
  }

  #rejectFirst(): void {
    const { length } = this.#waiting[0]!.payload;
    const most = this.#config.maxBytes / 2;
    this.#reject(1, this.#error("too_large", `a frame of ${length} bytes, expected less than ${most}`));
  }

  #rejectAll(error: SpoolError): void {
    this.#reject(this.#waiting.length, error);
  }

  #reject(count: number, error: SpoolError): void {
    const [messages, observers] = this.#shift(count);
    for (const [index, message] of messages.entries()) observers[index]?.failed?.(message, error);
    this.#relax();
  }
}
