/** What a function that looks for the end of a frame says of it. Asked for by `found_decoder.ts`. */
import { equalBytes, showBytes } from "../bytes/bytes.ts";

/** What `find` of a `FramingDefinition` may return, besides a number or nothing. */
export type FoundFrame =
  | {
    /** Size of the whole frame, in bytes, whether or not all of them have arrived. */
    readonly size: number;
    /** Position of the first byte to pass on, after a header. @default 0 */
    readonly start?: number | undefined;
    /** Position after the last byte to pass on, before a trailer. @default size */
    readonly end?: number | undefined;
    /** Drop the frame instead of passing it on, such as a keepalive. @default false */
    readonly drop?: boolean | undefined;
    /**
     * Bytes that the frame must end with: checked when it is complete, so that its size can be told before. Without
     * them it is `malformed`, and the connection ends even if `onFrameError` is `"skip"`. @default none
     */
    readonly trailer?: Uint8Array | undefined;
    readonly malformed?: undefined;
    readonly atLeast?: undefined;
  }
  | {
    /**
     * The frame has so many bytes or more; where it ends is not known yet. Over `maxFrameBytes` it is a `FrameError`
     * `too_large` at once, otherwise more bytes are awaited.
     */
    readonly atLeast: number;
    /**
     * How many bytes to skip to reach the next frame, 1 or more, if it is too large. Without it the start of the next
     * frame is unknown, as below.
     */
    readonly skip?: number | undefined;
    readonly malformed?: undefined;
    readonly size?: undefined;
  }
  | {
    /** What is wrong with the bytes, for the message of the `FrameError`: `"found a length of more than 5 bytes"`. */
    readonly malformed: string;
    /** The reason of the error. @default "malformed" */
    readonly reason?: "malformed" | "checksum" | undefined;
    /**
     * How many bytes to skip to reach the next frame, 1 or more. Without it the start of the next frame is unknown:
     * `resync` looks for it, and without that the connection ends even if `onFrameError` is `"skip"`.
     */
    readonly size?: number | undefined;
    /** Without `size`: how many bytes are certainly not the next frame's, so that `resync` looks behind them. @default 1 */
    readonly passed?: number | undefined;
    readonly atLeast?: undefined;
  };

/**
 * As `find` of a `FramingDefinition`, of the bytes from `from` to `to`: for framings of ours, which need no array of their own
 * for each frame. Sizes and places count from `from`.
 */
export type FindFrame = (
  bytes: Uint8Array,
  from: number,
  to: number,
  searched: number,
  atEnd: boolean,
) => number | FoundFrame | undefined;

/** Whether a size and the part to pass on make sense together. */
export function isSound(size: number, start: number, end: number): boolean {
  return Number.isInteger(size) && size > 0 && isPlace(start) && isPlace(end) && start <= end && end <= size;
}

function isPlace(value: number): boolean {
  return Number.isInteger(value) && value >= 0;
}

/** What is wrong with a frame that ends at `end` and not with its trailer; undefined where nothing is. */
export function wrongEnd(
  bytes: Uint8Array,
  end: number,
  trailer: Uint8Array | undefined,
): string | undefined {
  if (trailer === undefined) return undefined;
  const found = bytes.subarray(Math.max(0, end - trailer.length), end);
  if (equalBytes(found, trailer)) return undefined;
  return `the frame ends with ${showBytes(found)}, expected ${showBytes(trailer)}`;
}

/** Of one that gets its bytes as an array of their own. */
export function findInView(
  find: (bytes: Uint8Array, searched: number, atEnd: boolean) => number | FoundFrame | undefined,
): FindFrame {
  return (bytes, from, to, searched, atEnd) =>
    find(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to), searched, atEnd);
}
