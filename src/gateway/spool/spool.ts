/**
 * The spool of one endpoint: frames are stored on disk first, and go to the bus from there.
 *
 * To `traffic.ts` it is what the bus is otherwise. Each process has a directory of its own under that of the endpoint, named
 * by a number; directories that nobody owns any more are forwarded as well, and removed.
 */
import type { Clock } from "../../core/time/clock.ts";
import type { Logger } from "../../core/logger.ts";
import { type Disk, disk as ownDisk } from "../../host/disk.ts";
import { membership } from "../../host/member.ts";
import type { Bus, BusMessage, PublishObserver } from "../buses/bus.ts";
import type { SpoolConfig } from "../config/spool.ts";
import { Forwarder } from "./forwarder.ts";
import { LogWriter } from "./log_writer.ts";
import { Owned } from "./owner.ts";
import { Place, SpoolCounts } from "./place.ts";

/** Counters of a spool. */
export interface SpoolStats {
  /** Frames on disk that the bus has not confirmed, or not accepted where it confirms nothing. */
  readonly frames: number;
  /** Bytes of all its files, those that were set aside included. */
  readonly bytes: number;
  /** How long the oldest of these frames has been waiting, in milliseconds; 0 where none is. */
  readonly oldestMs: number;
  /** Frames that are not on disk yet, so that their connections wait. */
  readonly unwritten: number;
  /** Frames stored on disk since the start. */
  readonly written: number;
  /** Frames that the bus has, since the start. */
  readonly forwarded: number;
  /** Frames that were stored and cannot be read any more, found since the start. */
  readonly damaged: number;
  /** Frames that the bus refuses for ever, kept in a file. */
  readonly refused: number;
  /** Bytes of writes that a crash had cut short; none of their frames was acknowledged. */
  readonly tornBytes: number;
  /** Attempts to write that the disk has refused. */
  readonly failures: number;
  /** It holds as much as it may. */
  readonly full: boolean;
}

/** What a spool is given. */
export interface SpoolContext {
  readonly bus: Pick<Bus, "publish" | "stores" | "lastStored">;
  readonly clock: Clock;
  readonly log: Logger;
  /** @default the machine's own */
  readonly disk?: Disk | undefined;
}

/** How often directories that nobody owns are looked for, in ms. */
const lookMs = 15_000;
/** The most processes that have directories under one. */
const mostPlaces = 1024;

/** A directory with its forwarder. */
interface Forwarded {
  readonly place: Place;
  readonly forwarder: Forwarder;
}

/** An open spool. */
export class Spool {
  readonly #config: SpoolConfig;
  readonly #context: SpoolContext;
  readonly #disk: Disk;
  readonly #counts: SpoolCounts;
  readonly #own: Forwarded;
  readonly #writer: LogWriter;
  readonly #left: Set<Forwarded> = new Set();
  #timer: unknown = undefined;
  #looking: Promise<void> | undefined = undefined;
  #closing: Promise<void> | undefined = undefined;
  #hurry: () => void = () => {};

  private constructor(config: SpoolConfig, context: SpoolContext, place: Place) {
    this.#config = config;
    this.#context = context;
    this.#disk = place.disk;
    this.#counts = place.counts;
    this.#own = this.#forwarded(place, () => this.#writer.freed());
    const { clock } = context;
    const written = () => this.#own.forwarder.wake();
    this.#writer = new LogWriter(place, config, { clock, written });
  }

  /** Owns a directory. Rejects with `SpoolError` `in_use` or `unusable`. */
  static async open(config: SpoolConfig, context: SpoolContext): Promise<Spool> {
    const { disk = ownDisk, log } = context;
    const member = membership();
    const counts = new SpoolCounts();
    for (let number = member?.number ?? 1;; number++) {
      try {
        const place = await Place.open(disk, `${config.directory}/${number}`, log, counts);
        return new Spool(config, context, place);
      } catch (error) {
        // The process before this one may still drain, and so may an endpoint that this one takes the place of.
        if (!(error instanceof Owned) || (member === undefined && !error.ours)) throw error;
        if (number > mostPlaces) throw error;
      }
    }
  }

  /** Begins to forward. */
  start(): void {
    this.#own.forwarder.start();
    this.#look();
  }

  /** Every frame is stored. */
  stores(): boolean {
    return true;
  }

  /** Takes a frame; a promise means that its connection should wait. */
  publish(message: BusMessage, observer?: PublishObserver): void | Promise<void> {
    return this.#writer.push(message, observer);
  }

  /** Resolves when everything that was taken is stored. */
  flush(): Promise<void> {
    return this.#writer.idle();
  }

  stats(): SpoolStats {
    const all = [this.#own, ...this.#left];
    const sum = (value: (each: Forwarded) => number): number =>
      all.reduce((total, each) => total + value(each), 0);
    const oldest = Math.min(...all.map(({ forwarder }) => forwarder.oldest ?? Infinity));
    return {
      frames: sum(({ place }) => place.frames),
      bytes: sum(({ place }) => place.segments.bytes),
      oldestMs: oldest === Infinity ? 0 : Math.max(0, this.#context.clock.wallTime() - oldest),
      unwritten: this.#writer.waiting,
      ...this.#counts,
      full: this.#writer.full,
    };
  }

  /**
   * Forwards what it can within `deadlineMs`; what is left stays on disk. Another call may shorten that. Never rejects.
   */
  close(deadlineMs: number): Promise<void> {
    if (deadlineMs <= 0) this.#hurry();
    return this.#closing ??= this.#close(deadlineMs);
  }

  async #close(deadlineMs: number): Promise<void> {
    const { clock } = this.#context;
    if (deadlineMs > 0) {
      let timer: unknown = undefined;
      const late = new Promise<void>((resolve) => {
        this.#hurry = resolve;
        timer = clock.setTimer(resolve, deadlineMs);
      });
      await Promise.race([late, this.#drained()]);
      clock.clearTimer(timer);
    }
    clock.clearTimer(this.#timer);
    this.#timer = undefined;
    await this.#looking;
    await this.#writer.close();
    await Promise.all([this.#own, ...this.#left].map(async ({ place, forwarder }) => {
      await forwarder.stop();
      await place.close();
    }));
    const { frames } = this.stats();
    if (frames === 0) return;
    const fields = { frames, directory: this.#config.directory };
    this.#context.log({ level: "info", message: "frames stay in the spool", fields });
  }

  async #drained(): Promise<void> {
    await this.flush();
    await Promise.all([this.#own, ...this.#left].map(({ forwarder }) => forwarder.idle()));
  }

  #forwarded(place: Place, freed: () => void): Forwarded {
    return { place, forwarder: new Forwarder(place, { ...this.#context, freed }) };
  }

  /** Looks for what others have left, now and then. */
  #look(): void {
    this.#looking = this.#adopt().catch((error: Error) => {
      const fields = { directory: this.#config.directory, error: error.message };
      this.#context.log({ level: "warn", message: "spool: what others have left cannot be read", fields });
    }).then(() => {
      this.#looking = undefined;
      if (this.#closing !== undefined) return;
      this.#timer = this.#context.clock.setTimer(() => this.#look(), lookMs);
    });
  }

  async #adopt(): Promise<void> {
    const { directory } = this.#config;
    for (const name of await this.#disk.list(directory)) {
      const folder = `${directory}/${name}`;
      const known = [this.#own, ...this.#left].some(({ place }) => place.folder === folder);
      if (known || !/^\d{1,4}$/.test(name) || this.#closing !== undefined) continue;
      if (!await this.#hasFrames(folder)) continue;
      const place = await Place.open(this.#disk, folder, this.#context.log, this.#counts)
        .catch((error) => {
          if (error instanceof Owned) return undefined;
          throw error;
        });
      if (place !== undefined) this.#forwardLeft(place);
    }
  }

  async #hasFrames(folder: string): Promise<boolean> {
    return (await this.#disk.list(folder)).some((name) => name.endsWith(".seg"));
  }

  #forwardLeft(place: Place): void {
    const left = this.#forwarded(place, () => {
      if (place.segments.all.length > 0 || this.#closing !== undefined) return;
      this.#left.delete(left);
      void left.forwarder.stop().then(() => place.removeIfEmpty());
    });
    this.#left.add(left);
    const fields = { directory: place.folder, frames: place.frames };
    this.#context.log({ level: "info", message: "spool: frames that another process has left", fields });
    left.forwarder.start();
  }
}
