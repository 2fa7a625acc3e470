/**
 * One directory of a spool: owned, its segments found and its torn end cut off.
 *
 * Used by `spool.ts` for its own directory and for those that others have left. `log_writer.ts` and `forwarder.ts` work on
 * what is found here.
 */
import type { Logger } from "../../core/logger.ts";
import type { Disk } from "../../host/disk.ts";
import { SpoolError } from "../errors.ts";
import { own, ownerFiles, type Ownership } from "./owner.ts";
import { readSegmentHeader, type RecordSink, segmentHeaderBytes } from "./record.ts";
import { SegmentReader } from "./segment_reader.ts";
import { type Segment, segmentId, segmentName, Segments } from "./segments.ts";
import { type SpoolState, StateFile } from "./state_file.ts";

const stateName = "state";

/** What is counted of one directory. */
export class SpoolCounts {
  written = 0;
  forwarded = 0;
  damaged = 0;
  refused = 0;
  tornBytes = 0;
  failures = 0;
}

/** An open directory. */
export class Place {
  readonly disk: Disk;
  readonly folder: string;
  readonly segments: Segments = new Segments();
  readonly counts: SpoolCounts;
  readonly log: Logger;
  state!: StateFile;
  /** Frames with smaller numbers are done with. */
  confirmed = 1;
  /** Frames with greater numbers that are done with, or missing. */
  ahead = 0;
  #ownership: Ownership | undefined = undefined;
  #stateFailed = false;

  private constructor(disk: Disk, folder: string, log: Logger, counts: SpoolCounts) {
    this.disk = disk;
    this.folder = folder;
    this.log = log;
    this.counts = counts;
  }

  /** Rejects with `SpoolError` `in_use` or `unusable`. */
  static async open(disk: Disk, folder: string, log: Logger, counts: SpoolCounts): Promise<Place> {
    const place = new Place(disk, folder, log, counts);
    try {
      await disk.makeFolder(folder);
      place.#ownership = await own(disk, folder);
      await place.#recover();
      return place;
    } catch (cause) {
      await place.close().catch(() => {});
      if (cause instanceof SpoolError) throw cause;
      throw new SpoolError("unusable", `spool ${folder}: ${(cause as Error).message}`, { cause });
    }
  }

  /** Frames that wait here. */
  get frames(): number {
    return this.segments.next - this.confirmed - this.ahead;
  }

  path(name: string): string {
    return `${this.folder}/${name}`;
  }

  /** Frames are gone: said once for each place where. */
  damage(fields: Readonly<Record<string, unknown>>, text: string): void {
    const error = new SpoolError("damaged", `spool ${this.folder}: ${text}`);
    this.log({ level: "error", message: "spool damaged", fields: { error: error.message, ...fields } });
  }

  async close(): Promise<void> {
    await this.state?.close();
    await this.#ownership?.release();
  }

  /** Removes the directory where nothing is left in it but what belongs to its owner. */
  async removeIfEmpty(): Promise<void> {
    await this.state.close();
    const rest = (await this.disk.list(this.folder)).filter((name) =>
      name !== stateName && !ownerFiles.includes(name)
    );
    if (rest.length === 0) await this.disk.remove(this.path(stateName)).catch(() => {});
    await this.#ownership?.release();
    if (rest.length === 0) await this.disk.removeFolder(this.folder).catch(() => {});
  }

  #remembered(): SpoolState {
    const { all, next, nextId } = this.segments;
    const last = all.at(-1);
    return {
      confirmed: this.confirmed,
      written: next,
      segment: last?.id ?? nextId - 1,
      end: last?.end ?? 0,
    };
  }

  async #recover(): Promise<void> {
    const { disk, segments } = this;
    const { file, state } = await StateFile.open(
      disk,
      this.path(stateName),
      () => this.#remembered(),
      (error) => this.#stateLost(error),
    );
    this.state = file;
    const names = await disk.list(this.folder);
    const ids: number[] = [];
    segments.nextId = (state?.segment ?? 0) + 1;
    for (const name of names.sort()) {
      const number = segmentId(name.slice(0, 14));
      if (number === undefined) continue;
      segments.nextId = Math.max(segments.nextId, number + 1);
      segments.bytes += await disk.sizeOf(this.path(name));
      if (segmentId(name) !== undefined) ids.push(number);
    }
    this.confirmed = state?.confirmed ?? 0;
    for (const id of ids) await this.#addSegment(id, state, id === ids.at(-1));
    this.#count(state);
  }

  /** One that is there. Of the last one it is found out where it ends. */
  async #addSegment(id: number, state: SpoolState | undefined, isLast: boolean): Promise<void> {
    const { disk, segments } = this;
    const path = this.path(segmentName(id));
    const handle = await disk.open(path, "r+");
    try {
      const size = await handle.size();
      const bytes = new Uint8Array(segmentHeaderBytes);
      const read = await handle.read(bytes, 0);
      const header = readSegmentHeader(bytes.subarray(0, read));
      if (header === undefined) {
        // One that was about to be made is not written, whatever is in it.
        if (isLast && (state === undefined || state.segment < id)) return await this.#drop(path, size);
        return await this.setAside(path, id, "its header cannot be read");
      }
      const segment: Segment = {
        id,
        path,
        ...header,
        after: header.first,
        end: size,
        closed: true,
        found: true,
        damaged: false,
      };
      const before = segments.all.at(-1);
      if (before !== undefined) before.after = header.first;
      segments.all.push(segment);
      if (!isLast) return;
      const { whole, after } = await lastOf(segment, new SegmentReader(handle, segment));
      segment.after = after;
      const certain = state?.segment === id ? state.end : 0;
      if (whole < size && whole >= certain) {
        await handle.truncate(whole);
        await handle.sync();
        segment.end = whole;
        this.#torn(size - whole);
      }
    } finally {
      await handle.close();
    }
  }

  #torn(bytes: number): void {
    this.segments.bytes -= bytes;
    this.counts.tornBytes += bytes;
    const fields = { bytes, directory: this.folder };
    this.log({ level: "warn", message: "spool: an unfinished write was cut off", fields });
  }

  async #drop(path: string, size: number): Promise<void> {
    await this.disk.remove(path);
    this.#torn(size);
  }

  /** Keeps a file for people to look at. */
  async setAside(path: string, id: number, why: string): Promise<void> {
    const kept = `${path}.damaged`;
    await this.disk.rename(path, kept);
    this.damage({ file: kept, segment: id }, `segment ${id} is kept as ${kept}: ${why}`);
  }

  /** Whether all that was written and is not done with is there. */
  #count(state: SpoolState | undefined): void {
    const { all } = this.segments;
    const last = all.at(-1);
    const found = Math.max(last?.after ?? 1, this.confirmed, 1);
    const next = this.segments.next = Math.max(found, state?.written ?? 1);
    // What is missing at the end counts as part of the last segment, and is found missing when that is read.
    if (last !== undefined) last.after = next;
    const first = all[0]?.first ?? next;
    const missing = first - Math.max(this.confirmed, 1);
    if (state !== undefined && missing > 0) {
      this.counts.damaged += missing;
      this.damage({ frames: missing }, `${missing} frames are missing`);
    }
    this.confirmed = Math.max(this.confirmed, first);
  }

  #stateLost(error: unknown): void {
    if (this.#stateFailed) return;
    this.#stateFailed = true;
    const fields = { error: (error as Error).message, directory: this.folder };
    const message = "spool: its state cannot be written; after a crash frames may be sent again";
    this.log({ level: "warn", message, fields });
  }
}

/** Where the last whole record ends, and the number of the frame that would follow. */
async function lastOf(
  { first, end: size }: Segment,
  reader: SegmentReader,
): Promise<{ readonly whole: number; readonly after: number }> {
  let [after, whole] = [first, size];
  const sink: RecordSink = {
    context: () => {},
    frame: (number) => void (after = Math.max(after, number + 1)),
    damaged(from, to) {
      if (to === size) whole = from;
    },
  };
  await reader.read(sink, () => false);
  return { whole, after };
}
