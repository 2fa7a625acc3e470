/**
 * Frames that say their own length in a binary number (F-4, F-5).
 */
import { showHex } from "../bytes/bytes.ts";
import type { FrameError } from "../errors.ts";
import { checkInteger, OptionsCheck } from "../options.ts";
import type { SizeInput } from "../text/size.ts";
import { defaultMaxFrameBytes, type FrameErrorPolicy, type Framing } from "./framing.ts";
import { type Endian, lengthReader, writeLength } from "./length_value.ts";
import { refusal, requireBytes } from "./refusal.ts";
import { SizedDecoder, type SizeRules } from "./sized_decoder.ts";

/** Position and meaning of the length field. */
export interface LengthRules {
  /** Bytes before the length field. @default 0 */
  readonly lengthOffset?: number | undefined;
  /** Size of the length field in bytes; the length is unsigned. @default 4 */
  readonly lengthBytes?: 1 | 2 | 3 | 4 | 8 | undefined;
  /** Byte order of the length. @default "big" */
  readonly endian?: Endian | undefined;
  /** Bytes before the body, and the minimum size of a frame. @default lengthOffset + lengthBytes */
  readonly headerBytes?: number | undefined;
  /** The length counts the whole frame, not only what follows the header. @default false */
  readonly lengthIncludesHeader?: boolean | undefined;
  /** Added to the length, if it counts something else. May be negative. @default 0 */
  readonly adjustment?: number | undefined;
  /**
   * Bytes to remove from the beginning of each received frame: 0 leaves the header in the frame, the size of the
   * header leaves only the body. @default 0
   */
  readonly strip?: number | undefined;
  /**
   * Maximum frame size in bytes, including the header. A larger frame is a `FrameError` `too_large`, known from its
   * header. @default 1 MiB
   */
  readonly maxFrameBytes?: SizeInput | undefined;
  /**
   * What happens after a frame over the limit: close the connection, or report it and skip as many bytes as it
   * claims. An invalid length (`malformed`) always closes the connection, because the start of the next frame is
   * unknown. @default "close"
   */
  readonly onFrameError?: FrameErrorPolicy | undefined;
}

/** Options of {@linkcode lengthField}. */
export type LengthFieldOptions =
  | LengthRules & {
    /**
     * Write the header of each frame that is sent: as much of it as `strip` removes, or all of it if `strip` is 0.
     * Otherwise frames are sent with a header of their own, and rejected (`FrameError` `malformed`) if its length
     * does not match their size.
     * @default true if `strip` is set
     */
    readonly writeHeader?: true | undefined;
    /** Only the length field is written. */
    readonly header?: undefined;
  }
  | LengthRules
    & {
      /**
       * The header to write before each frame, with any value in place of the length. Required if the header has more
       * than the length field.
       */
      readonly header: Uint8Array;
    }
    & (
      | { readonly writeHeader: true }
      | { readonly strip: number; readonly writeHeader?: true | undefined }
    )
  | LengthRules & { readonly writeHeader: false; readonly header?: undefined };

const known = [
  "lengthOffset",
  "lengthBytes",
  "endian",
  "headerBytes",
  "lengthIncludesHeader",
  "adjustment",
  "strip",
  "maxFrameBytes",
  "onFrameError",
  "writeHeader",
  "header",
];
const largestHeader = 65_535;

/**
 * Frames with a binary length field. Received frames can be sent unchanged: a header that is part of the frame is
 * checked, a header that was stripped is written again. A frame is a view of the chunk it came in where possible:
 * copy it to keep it for long.
 *
 * @example Messages behind a length of two bytes, little-endian
 * ```ts
 * import { lengthField } from "@millrace/millrace";
 * import { FramerStream } from "@millrace/millrace/streams";
 *
 * const bytes = new Blob([Uint8Array.of(2, 0, 7, 8, 1, 0, 9)]).stream();
 * const framing = lengthField({ lengthBytes: 2, endian: "little", strip: 2, maxFrameBytes: "16KiB" });
 * for await (const message of bytes.pipeThrough(new FramerStream(framing))) console.log(message.join());
 * // 7,8
 * // 9
 * ```
 *
 * @throws {OptionsError} `invalid`, for an invalid option, and for options that contradict each other
 */
export function lengthField(options: LengthFieldOptions = {}): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, known);
  const lengthOffset = checkInteger(check, "lengthOffset", options.lengthOffset, 0, 0, largestHeader);
  const { lengthBytes = 4, lengthIncludesHeader = false, writeHeader = (options.strip ?? 0) > 0 } = options;
  if (![1, 2, 3, 4, 8].includes(lengthBytes)) check.refuse("lengthBytes", lengthBytes, "1, 2, 3, 4 or 8");
  const endian = check.oneOf("endian", options.endian, "big", ["big", "little"]);
  const lengthEnd = lengthOffset + lengthBytes;
  const headerBytes = checkInteger(
    check,
    "headerBytes",
    options.headerBytes,
    lengthEnd,
    lengthEnd,
    largestHeader,
  );
  const adjustment = checkInteger(check, "adjustment", options.adjustment, 0, -(2 ** 31), 2 ** 31);
  const maxFrameBytes = check.size("maxFrameBytes", options.maxFrameBytes, defaultMaxFrameBytes, {
    least: headerBytes,
  });
  const strip = checkInteger(check, "strip", options.strip, 0, 0, Math.min(maxFrameBytes, largestHeader));
  const policy = check.oneOf("onFrameError", options.onFrameError, "close", ["close", "skip"]);
  const written = strip > 0 ? strip : headerBytes;
  checkHeader(check, {
    strip,
    written,
    lengthOffset,
    lengthEnd,
    headerBytes,
    writeHeader,
    header: options.header,
  });
  check.done();

  const read = lengthReader(lengthBytes, endian);
  const addedBytes = adjustment + (lengthIncludesHeader ? 0 : headerBytes);
  const minFrameBytes = Math.max(headerBytes, strip);
  const rules: SizeRules = {
    name: "lengthField",
    headerBytes: lengthEnd,
    minFrameBytes,
    maxFrameBytes,
    strip,
    skip: policy === "skip",
    size: (bytes, at) => read(bytes, at + lengthOffset) + addedBytes,
    show(bytes, at) {
      const value = read(bytes, at + lengthOffset);
      const field = showHex(bytes.subarray(at + lengthOffset, at + lengthEnd));
      return `a length of ${Number.isNaN(value) ? "2^63 or more" : value} (${field})`;
    },
    advice: "check endian, lengthOffset, lengthIncludesHeader and adjustment against the peer's protocol",
  };
  const hint = {
    kind: "length_field",
    lengthOffset,
    lengthBytes,
    endian,
    addedBytes,
    headerBytes,
    maxFrameBytes,
  } as const;
  const framing = { name: "lengthField", hint, decoder: (report: Report) => new SizedDecoder(rules, report) };
  if (!writeHeader) {
    return {
      ...framing,
      encode(frame, out) {
        requireBytes("lengthField", frame);
        const size = frame.length < lengthEnd ? NaN : rules.size(frame, 0);
        if (frame.length < headerBytes || size !== frame.length) refuseHeader(frame, size, headerBytes);
        out.bytes(frame);
      },
    };
  }
  const header = options.header === undefined ? new Uint8Array(written) : new Uint8Array(options.header);
  const least = headerBytes - written;
  const largest = 256 ** lengthBytes - 1;
  return {
    ...framing,
    encode(frame, out) {
      requireBytes("lengthField", frame);
      const { length } = frame;
      const value = written + length - addedBytes;
      if (length < least || value < 0) {
        throw refusal(
          "lengthField",
          `found ${length} bytes, expected ${Math.max(least, addedBytes - written)} or more`,
        );
      }
      if (value > largest) {
        const problem =
          `found ${length} bytes, a length of ${value}; ${lengthBytes} bytes hold at most ${largest}`;
        throw refusal("lengthField", problem, "too_large", {
          size: written + length,
          limit: largest + addedBytes,
        });
      }
      for (let i = 0; i < lengthOffset; i++) out.byte(header[i]!);
      writeLength(value, lengthBytes, endian, out);
      for (let i = lengthEnd; i < written; i++) out.byte(header[i]!);
      out.bytes(frame);
    },
  };
}

type Report = (error: FrameError) => void;

interface HeaderOptions {
  readonly strip: number;
  readonly written: number;
  readonly lengthOffset: number;
  readonly lengthEnd: number;
  readonly headerBytes: number;
  readonly writeHeader: boolean;
  readonly header: Uint8Array | undefined;
}

/** Whether frames can be written the way they are read. */
function checkHeader(check: OptionsCheck, options: HeaderOptions): void {
  const { strip, written, lengthOffset, lengthEnd, headerBytes, writeHeader, header } = options;
  if (!writeHeader) {
    if (header !== undefined) {
      check.refuse("header", header, "writeHeader or strip too; without them it is never written");
    }
    return;
  }
  if (strip !== 0 && (strip < lengthEnd || strip > headerBytes)) {
    check.refuse(
      "strip",
      strip,
      `0, or ${lengthEnd} to ${headerBytes}, so that only the header is cut off, with the whole length field; ` +
        `or writeHeader: false`,
    );
  } else if (header !== undefined) {
    if (!(header instanceof Uint8Array) || header.length !== written) {
      check.refuse("header", header, `a Uint8Array of ${written} bytes, the header of each frame`);
    }
  } else if (lengthOffset > 0 || written > lengthEnd) {
    check.refuse(
      "header",
      header,
      `the ${written} bytes to write before each frame, because the header is longer than the length field; ` +
        `or writeHeader: false`,
    );
  }
}

function refuseHeader(frame: Uint8Array, size: number, headerBytes: number): never {
  const problem = frame.length < headerBytes
    ? `found ${frame.length} bytes, expected a header of ${headerBytes} and a body`
    : `found ${frame.length} bytes whose length field says ${size}`;
  throw refusal("lengthField", `${problem}; with strip or writeHeader the header is written for you`);
}
