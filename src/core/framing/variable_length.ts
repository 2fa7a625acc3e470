/**
 * Frames behind a length of variable size: what `varintField` and `berField` have in common.
 *
 * They say how a length is read and written; cutting is the work of `found_decoder.ts`.
 */
import { checkFlag, checkInteger, OptionsCheck } from "../options.ts";
import type { SizeInput } from "../text/size.ts";
import { FoundDecoder } from "./found_decoder.ts";
import type { FoundFrame } from "./found_frame.ts";
import { type ByteSink, defaultMaxFrameBytes, type FrameErrorPolicy, type Framing } from "./framing.ts";
import { overSent, refusal, requireBytes } from "./refusal.ts";

/** Options of `varintField` and `berField`. */
export type VariableLengthOptions =
  & {
    /** Maximum size of the length, in bytes, 1 to 5. A longer one is a `FrameError` `malformed`. @default 5 */
    readonly maxLengthBytes?: 1 | 2 | 3 | 4 | 5 | undefined;
    /**
     * Reject a length that takes more bytes than it needs: `FrameError` `malformed`. The shortest form is sent either
     * way. @default false
     */
    readonly shortestForm?: boolean | undefined;
    /**
     * Maximum frame size in bytes, including the header. A larger frame is a `FrameError` `too_large`, known from its
     * header. @default 1 MiB
     */
    readonly maxFrameBytes?: SizeInput | undefined;
    /**
     * Maximum size of a frame to send, in bytes, including the header. A larger frame is not sent: `FrameError`
     * `too_large`. @default Infinity, as far as the length can say it
     */
    readonly maxSentFrameBytes?: SizeInput | undefined;
    /**
     * What happens to received frames without a body, which many protocols send as keepalives. With `"drop"` the
     * handler never sees them. They can be sent either way. @default "deliver"
     */
    readonly emptyFrames?: "deliver" | "drop" | undefined;
    /**
     * What happens after a frame over the limit: close the connection, or report it and skip as many bytes as it
     * claims. An invalid length (`malformed`) always closes the connection, because the start of the next frame is
     * unknown. @default "close"
     */
    readonly onFrameError?: FrameErrorPolicy | undefined;
  }
  & (
    | {
      /** Bytes before the length, such as a type or a tag. @default 0 */
      readonly lengthOffset?: 0 | undefined;
      /**
       * Frames include their header. Such frames are sent with a header of their own, and rejected (`FrameError`
       * `malformed`) if its length does not match their size. Otherwise the length is removed, and written again.
       * @default true if `lengthOffset` is over 0
       */
      readonly keepHeader?: boolean | undefined;
    }
    | { readonly lengthOffset: number; readonly keepHeader?: true | undefined }
  );

/** How lengths are read and written. */
export interface LengthCodec {
  readonly name: string;
  /** The largest that fits into so many bytes. */
  largest(lengthBytes: number): number;
  /** Reads the length that begins at `at` in the bytes up to `to`: undefined if more bytes are needed, a text if it is wrong. */
  read(bytes: Uint8Array, at: number, to: number, limits: LengthLimits): FoundLength | undefined | string;
  /** How many bytes a length takes in its shortest form. */
  size(length: number): number;
  /** Writes a length that fits, in its shortest form. */
  write(length: number, out: ByteSink): void;
}

/** What a length may look like. */
interface LengthLimits {
  readonly maxLengthBytes: number;
  readonly shortestForm: boolean;
}

/** A length, and where it ends. */
interface FoundLength {
  readonly length: number;
  readonly end: number;
}

const known = [
  "maxLengthBytes",
  "shortestForm",
  "maxFrameBytes",
  "maxSentFrameBytes",
  "emptyFrames",
  "onFrameError",
  "lengthOffset",
  "keepHeader",
];

/** A framing with such lengths. */
export function variableLength(codec: LengthCodec, options: VariableLengthOptions): Framing<Uint8Array> {
  const { name } = codec;
  const check = new OptionsCheck();
  check.keys(options, known);
  const maxLengthBytes = checkInteger(check, "maxLengthBytes", options.maxLengthBytes, 5, 1, 5);
  const lengthOffset = checkInteger(check, "lengthOffset", options.lengthOffset, 0, 0, 65_530);
  checkFlag(check, "shortestForm", options.shortestForm);
  checkFlag(check, "keepHeader", options.keepHeader);
  const { shortestForm = false, keepHeader = lengthOffset > 0 } = options;
  if (lengthOffset > 0 && !keepHeader) {
    check.refuse("keepHeader", keepHeader, "true with lengthOffset: what precedes the length would be lost");
  }
  const maxFrameBytes = check.size("maxFrameBytes", options.maxFrameBytes, defaultMaxFrameBytes, {
    least: lengthOffset + 1,
  });
  const maxSentFrameBytes = check.size("maxSentFrameBytes", options.maxSentFrameBytes, Infinity, {
    least: lengthOffset + 1,
  });
  const emptyFrames = check.oneOf("emptyFrames", options.emptyFrames, "deliver", ["deliver", "drop"]);
  const policy = check.oneOf("onFrameError", options.onFrameError, "close", ["close", "skip"]);
  check.done();

  const limits = { maxLengthBytes, shortestForm };
  const dropEmpty = emptyFrames === "drop";
  const find = (bytes: Uint8Array, from: number, to: number): FoundFrame | undefined => {
    const found = codec.read(bytes, from + lengthOffset, to, limits);
    if (found === undefined) return undefined;
    if (typeof found === "string") return { malformed: `${found}; check that the peer speaks ${name}` };
    const { length } = found;
    const end = found.end - from;
    return { size: end + length, start: keepHeader ? 0 : end, drop: dropEmpty && length === 0 };
  };
  const rules = { name, maxFrameBytes, skip: policy === "skip", find };
  const largest = codec.largest(maxLengthBytes);
  return {
    name,
    decoder: (report) => new FoundDecoder(rules, report),
    encode(frame, out) {
      requireBytes(name, frame);
      const { length } = frame;
      if (keepHeader) {
        const size = find(frame, 0, frame.length)?.size;
        if (size !== length) {
          const says = size === undefined ? "do not begin with a header" : `say that they are ${size}`;
          throw refusal(name, `found ${length} bytes that ${says}; without keepHeader the length is written`);
        }
        if (length > maxSentFrameBytes) throw overSent(name, length, maxSentFrameBytes);
      } else {
        if (length > largest) {
          const problem = `found ${length} bytes; a length of ${maxLengthBytes} bytes is at most ${largest}`;
          throw refusal(name, problem, "too_large", { size: length, limit: largest });
        }
        const size = codec.size(length) + length;
        if (size > maxSentFrameBytes) throw overSent(name, size, maxSentFrameBytes);
        codec.write(length, out);
      }
      out.bytes(frame);
    },
  };
}
