// Spools over real directories, buses that do what a test says, and disks that fail when told.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogRecord } from "../../../src/core/logger.ts";
import { systemClock } from "../../../src/core/time/clock.ts";
import type { BusMessage, PublishObserver } from "../../../src/gateway/buses/bus.ts";
import type { SpoolConfig } from "../../../src/gateway/config/spool.ts";
import type { SpoolError } from "../../../src/gateway/errors.ts";
import { Spool, type SpoolContext } from "../../../src/gateway/spool/spool.ts";
import { type Disk, disk, type DiskFile } from "../../../src/host/disk.ts";
import type { Cleaner } from "../../support/program.ts";
import { soon } from "../support.ts";

/** A directory for one test. */
export function folderFor(t: Cleaner): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-spool-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Checks again whenever something has happened; fails after ten seconds. */
export async function until(done: () => boolean, what: string): Promise<void> {
  let over = false;
  const look = async (): Promise<void> => {
    while (!done() && !over) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  await soon(look(), what).finally(() => over = true);
}

/** A bus that takes frames, or does not. */
export class FakeBus {
  readonly taken: BusMessage[] = [];
  /** It says of each frame whether it is stored; otherwise a frame that is taken is done with. */
  storing = false;
  /** Nothing is taken: publishers wait. */
  away = false;
  /** What publishing this frame fails with. */
  refusal: ((message: BusMessage) => Error | undefined) | undefined = undefined;
  /** Taken and not confirmed. */
  readonly open: { readonly message: BusMessage; readonly observer: PublishObserver }[] = [];
  #waiting: (() => void)[] = [];

  stores(): boolean {
    return this.storing;
  }

  publish(message: BusMessage, observer?: PublishObserver): void | Promise<void> {
    const error = this.refusal?.(message);
    if (error !== undefined) throw error;
    if (this.away) {
      return new Promise<void>((resolve) => this.#waiting.push(resolve))
        .then(() => this.publish(message, observer));
    }
    this.taken.push(message);
    if (observer !== undefined) this.open.push({ message, observer });
  }

  back(): void {
    this.away = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Confirms so many. */
  confirm(count: number = this.open.length): void {
    for (const { message, observer } of this.open.splice(0, count)) observer.stored?.(message);
  }

  get texts(): string[] {
    return this.taken.map(({ payload }) => new TextDecoder().decode(payload));
  }
}

const encoder = new TextEncoder();

/** One connection's frames. */
export class Device implements PublishObserver {
  readonly metadata: Readonly<Record<string, string>>;
  readonly stored_: string[] = [];
  readonly failures: SpoolError[] = [];
  #seq = 0;

  constructor(id: string) {
    this.metadata = Object.freeze({ "conn.id": id, endpoint: "meters" });
  }

  frame(text: string): BusMessage {
    return {
      subject: `millrace.meters.in.${this.metadata["conn.id"]}`,
      reply: `millrace.meters.out.${this.metadata["conn.id"]}`,
      metadata: this.metadata,
      payload: encoder.encode(text),
      seq: ++this.#seq,
      received: 1_700_000_000_000 + this.#seq,
    };
  }

  send(spool: Spool, text: string): void | Promise<void> {
    return spool.publish(this.frame(text), this);
  }

  stored({ payload }: BusMessage): void {
    this.stored_.push(new TextDecoder().decode(payload));
  }

  failed(_: BusMessage, error: unknown): void {
    this.failures.push(error as SpoolError);
  }
}

export const standard: Omit<SpoolConfig, "directory"> = {
  maxBytes: 1024 * 1024,
  segmentBytes: 64 * 1024,
  sync: "always",
  whenFull: "wait",
};

/** An open spool that forwards to `bus`. */
export async function openSpool(
  t: Cleaner,
  directory: string,
  bus: SpoolContext["bus"],
  { disk, ...config }: Partial<SpoolConfig> & { readonly disk?: Disk } = {},
): Promise<{ readonly spool: Spool; readonly log: LogRecord[] }> {
  const log: LogRecord[] = [];
  const context = { bus, clock: systemClock, log: (record: LogRecord) => void log.push(record), disk };
  const spool = await Spool.open({ ...standard, ...config, directory }, context);
  t.after(() => spool.close(0));
  spool.start();
  return { spool, log };
}

/** A disk that fails while told. */
export class FaultyDisk {
  /** What writing fails with, after it has written half. */
  writing: string | undefined = undefined;
  /** What syncing fails with. */
  syncing: string | undefined = undefined;
  truncations = 0;
  readonly disk: Disk = {
    ...disk,
    open: async (path, mode) => this.#faulty(path, await disk.open(path, mode)),
  };

  #faulty(path: string, file: DiskFile): DiskFile {
    if (!path.endsWith(".seg")) return file;
    return {
      read: (into, at) => file.read(into, at),
      size: () => file.size(),
      close: () => file.close(),
      truncate: (size) => {
        this.truncations++;
        return file.truncate(size);
      },
      write: async (bytes, at) => {
        if (this.writing === undefined) return await file.write(bytes, at);
        await file.write(bytes.subarray(0, bytes.length >> 1), at);
        throw failure(this.writing);
      },
      sync: async () => {
        if (this.syncing !== undefined) throw failure(this.syncing);
        await file.sync();
      },
    };
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: the disk is not well`), { code });
}
