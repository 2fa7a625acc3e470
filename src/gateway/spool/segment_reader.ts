/**
 * Reads the records of a segment in order, up to what is known to be written, and finds the next whole one behind damage.
 *
 * Used by `forwarder.ts`, and by `place.ts` for a segment that was being written when its process ended.
 */
import type { DiskFile } from "../../host/disk.ts";
import { endOfRecord, recordHeaderBytes, type RecordSink, segmentHeaderBytes, tellRecord } from "./record.ts";
import type { Segment } from "./segments.ts";

/** What is read at a time; payloads are views of it. */
const blockBytes = 256 * 1024;

/** A place in one segment. */
export class SegmentReader {
  readonly #file: DiskFile;
  readonly #segment: Pick<Segment, "marker" | "first" | "end">;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#bytes.buffer);
  /** Where `#bytes` begins in the file. */
  #start = 0;
  /** The place in the file. */
  offset: number = segmentHeaderBytes;

  constructor(file: DiskFile, segment: Pick<Segment, "marker" | "first" | "end">) {
    this.#file = file;
    this.#segment = segment;
  }

  /** Tells all records up to the segment's end of this moment, or until `over` says that nobody wants more. */
  async read(sink: RecordSink, over: () => boolean): Promise<void> {
    const { marker, first } = this.#segment;
    while (this.offset < this.#segment.end && !over()) {
      const end = await this.#whole();
      if (end === 0) {
        const from = this.offset;
        await this.#resync();
        sink.damaged(from, this.offset);
        continue;
      }
      const at = this.offset - this.#start;
      const wait = tellRecord(this.#bytes, this.#view, at, end - this.#start, first, sink);
      if (wait !== undefined) await wait;
      this.offset = end;
      // Those that follow in the same block cost no promise.
      for (let next = end - this.#start; !over();) {
        const last = endOfRecord(this.#bytes, this.#view, next, marker);
        if (last === 0 || last > this.#bytes.length) break;
        const wait = tellRecord(this.#bytes, this.#view, next, last, first, sink);
        if (wait !== undefined) await wait;
        this.offset = this.#start + last;
        next = last;
      }
    }
  }

  /** Where the record ends that begins at the place; 0 where there is no whole one. */
  async #whole(): Promise<number> {
    const { marker, end } = this.#segment;
    for (let least = recordHeaderBytes;;) {
      if (this.offset + least > end) return 0;
      if (!this.#has(least) && !await this.#fill(least)) return 0;
      const at = this.offset - this.#start;
      const last = endOfRecord(this.#bytes, this.#view, at, marker);
      if (last === 0) return 0;
      if (last <= this.#bytes.length) return this.#start + last;
      least = last - at;
    }
  }

  /** Goes to the next place where a whole record begins, or to the end. */
  async #resync(): Promise<void> {
    const { end, marker } = this.#segment;
    const pattern = [marker >>> 24, marker >>> 16 & 255, marker >>> 8 & 255, marker & 255] as const;
    for (this.offset++; this.offset + recordHeaderBytes <= end; this.offset++) {
      if (!this.#has(recordHeaderBytes) && !await this.#fill(recordHeaderBytes)) break;
      const bytes = this.#bytes;
      let at = this.offset - this.#start;
      for (const last = bytes.length - recordHeaderBytes; at <= last; at++) {
        if (
          bytes[at] === pattern[0] && bytes[at + 1] === pattern[1] && bytes[at + 2] === pattern[2] &&
          bytes[at + 3] === pattern[3]
        ) break;
      }
      this.offset = this.#start + at;
      if (at + recordHeaderBytes > bytes.length) this.offset--;
      else if (await this.#whole() > 0) return;
    }
    this.offset = end;
  }

  #has(bytes: number): boolean {
    return this.offset >= this.#start && this.offset + bytes <= this.#start + this.#bytes.length;
  }

  /** Reads from the place on; false where the file ends before `least` bytes. */
  async #fill(least: number): Promise<boolean> {
    const length = Math.min(Math.max(blockBytes, least), this.#segment.end - this.offset);
    const bytes = new Uint8Array(length);
    const read = await this.#file.read(bytes, this.offset);
    this.#bytes = bytes.subarray(0, read);
    this.#view = new DataView(bytes.buffer);
    this.#start = this.offset;
    return read >= least;
  }
}
