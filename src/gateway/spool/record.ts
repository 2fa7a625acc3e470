/**
 * How frames lie in a segment of the spool.
 *
 * A segment begins with a header of 32 bytes: `MRSPOOL1`, a marker of 4 random bytes, the number of its first frame and the
 * time as doubles, and a CRC-32. Then records: the marker, a CRC-32 of what follows it, the length of the body, the frame's
 * number from the segment's first on, and the body. Everything is big-endian. The body of a context is 1, its number, and
 * JSON of what frames of one connection have in common; that of a frame is 2, the number of its context, `seq`,
 * `received`, and the payload. A peer cannot know the marker, so nothing that it sends looks like a record.
 */
import { crc32 } from "../../core/checksum/checksums.ts";

export const segmentHeaderBytes = 32;
/** Marker, CRC, length, number. */
export const recordHeaderBytes = 16;
/** Kind and context. */
export const contextBytes: number = recordHeaderBytes + 5;
/** And `seq` and `received`. */
export const frameBytes: number = contextBytes + 16;

const magic = new TextEncoder().encode("MRSPOOL1");
const [contextKind, frameKind] = [1, 2];

/** What a segment's header says. */
interface SegmentHeader {
  readonly marker: number;
  /** The number of its first frame. */
  readonly first: number;
}

/** Bytes that are gathered for one write. */
export class Batch {
  #bytes: Uint8Array = new Uint8Array(64 * 1024);
  #view: DataView = new DataView(this.#bytes.buffer);
  length = 0;

  /** Until the next change. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  header({ marker, first }: SegmentHeader, time: number): void {
    const at = this.#grow(segmentHeaderBytes);
    this.#bytes.set(magic, at);
    this.#view.setUint32(at + 8, marker);
    this.#view.setFloat64(at + 12, first);
    this.#view.setFloat64(at + 20, time);
    this.#view.setUint32(at + 28, crc32(this.#bytes, at, at + 28));
  }

  context(marker: number, number: number, context: number, json: Uint8Array): void {
    const at = this.#grow(contextBytes + json.length);
    this.#bytes.set(json, at + contextBytes);
    this.#finish(at, marker, number, contextKind!, context);
  }

  frame(
    marker: number,
    number: number,
    context: number,
    frame: { readonly seq: number; readonly received: number; readonly payload: Uint8Array },
  ): void {
    const at = this.#grow(frameBytes + frame.payload.length);
    this.#view.setFloat64(at + contextBytes, frame.seq);
    this.#view.setFloat64(at + contextBytes + 8, frame.received);
    this.#bytes.set(frame.payload, at + frameBytes);
    this.#finish(at, marker, number, frameKind!, context);
  }

  #grow(more: number): number {
    const at = this.length;
    this.length += more;
    if (this.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  #finish(at: number, marker: number, number: number, kind: number, context: number): void {
    this.#view.setUint32(at, marker);
    this.#view.setUint32(at + 8, this.length - at - recordHeaderBytes);
    this.#view.setUint32(at + 12, number);
    this.#bytes[at + 16] = kind;
    this.#view.setUint32(at + 17, context);
    this.#view.setUint32(at + 4, crc32(this.#bytes, at + 8, this.length));
  }
}

/** Undefined where it is not one. */
export function readSegmentHeader(bytes: Uint8Array): SegmentHeader | undefined {
  if (bytes.length < segmentHeaderBytes || magic.some((byte, at) => bytes[at] !== byte)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (view.getUint32(28) !== crc32(bytes, 0, 28)) return undefined;
  return { marker: view.getUint32(8), first: view.getFloat64(12) };
}

/** Hears of the records of a segment, in order. What it returns is waited for. */
export interface RecordSink {
  context(context: number, json: Uint8Array): void | Promise<void>;
  frame(
    number: number,
    context: number,
    seq: number,
    received: number,
    payload: Uint8Array,
  ): void | Promise<void>;
  /** From here to there nothing can be read. */
  damaged(from: number, to: number): void;
}

/** Where the record ends that begins at `at`; beyond `bytes` where it is not complete; 0 where there is none. */
export function endOfRecord(bytes: Uint8Array, view: DataView, at: number, marker: number): number {
  if (bytes.length - at < recordHeaderBytes) return at + recordHeaderBytes;
  if (view.getUint32(at) !== marker) return 0;
  const end = at + recordHeaderBytes + view.getUint32(at + 8);
  if (end > bytes.length) return end;
  if (end < at + contextBytes || view.getUint32(at + 4) !== crc32(bytes, at + 8, end)) return 0;
  const kind = bytes[at + 16];
  return kind === contextKind || (kind === frameKind && end >= at + frameBytes) ? end : 0;
}

/** Passes on a record that has been found whole; `first` is the number of the segment's first frame. */
export function tellRecord(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  first: number,
  sink: RecordSink,
): void | Promise<void> {
  const context = view.getUint32(at + 17);
  if (bytes[at + 16] === contextKind) return sink.context(context, bytes.subarray(at + contextBytes, end));
  return sink.frame(
    first + view.getUint32(at + 12),
    context,
    view.getFloat64(at + contextBytes),
    view.getFloat64(at + contextBytes + 8),
    bytes.subarray(at + frameBytes, end),
  );
}
