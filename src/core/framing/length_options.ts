/**
 * The options of `lengthField`, and which of them go together.
 */
import { checkInteger, OptionsCheck } from "../options.ts";
import type { SizeInput } from "../text/size.ts";
import { defaultMaxFrameBytes, type FrameErrorPolicy } from "./framing.ts";
import { type DigitFormat, type Endian, type LengthBits, lengthBits } from "./length_value.ts";

/** Position of the length field, and what is done with a frame. */
export interface LengthRules {
  /** Bytes before the length field. @default 0 */
  readonly lengthOffset?: number | undefined;
  /** Size of the length field in bytes; the length is unsigned. @default 4 */
  readonly lengthBytes?: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | undefined;
  /** Bytes before the body, and the minimum size of a frame. @default lengthOffset + lengthBytes */
  readonly headerBytes?: number | undefined;
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
   * Maximum size of a frame to send, in bytes, including the header. A larger frame is not sent: `FrameError`
   * `too_large`. @default Infinity, as far as the length can say it
   */
  readonly maxSentFrameBytes?: SizeInput | undefined;
  /**
   * What happens to received frames without a body, which many protocols send as keepalives. With `"drop"` the handler
   * never sees them. They can be sent either way. @default "deliver"
   */
  readonly emptyFrames?: "deliver" | "drop" | undefined;
  /**
   * What happens after a frame over the limit: close the connection, or report it and skip as many bytes as it
   * claims. An invalid length (`malformed`) always closes the connection, because the start of the next frame is
   * unknown. @default "close"
   */
  readonly onFrameError?: FrameErrorPolicy | undefined;
}

/** How the length is written in its field. */
export type LengthNotation =
  | {
    /** A binary number. @default "binary" */
    readonly lengthFormat?: "binary" | undefined;
    /** Byte order of the length. @default "big" */
    readonly endian?: Endian | undefined;
    /**
     * The bits of the field that hold the length, contiguous and counted in the byte order of `endian`: of the field
     * `0xa02c`, `0x07ff` is a length of 44, and `0xf000` one of 10. The other bits are ignored in received frames, and
     * those of `header` are sent, or zeros. For fields of up to 6 bytes. @default all bits
     */
    readonly lengthMask?: number | undefined;
  }
  | {
    /**
     * Digits, with zeros before them, as many as the field has room for: ASCII characters, decimal or hexadecimal in
     * upper or lower case (upper case is sent), or two decimal digits a byte (`"bcd"`). Anything else in the field is a
     * `FrameError` `malformed`.
     */
    readonly lengthFormat: DigitFormat;
    readonly endian?: undefined;
    readonly lengthMask?: undefined;
  };

/** What the length says of the size of the frame. */
export type LengthMeaning =
  | {
    /** The length counts the whole frame, not only what follows the header. @default false */
    readonly lengthIncludesHeader?: boolean | undefined;
    /** Added to the length, if it counts something else. May be negative. @default 0 */
    readonly adjustment?: number | undefined;
    /** The size is the length, plus what these options say. */
    readonly frameSize?: undefined;
  }
  | {
    /**
     * The size of the whole frame, with its header, for its length, where that is more than a sum. It must return the
     * same for the same length, and `NaN` for a length that is invalid: `FrameError` `malformed`, and so is what it
     * throws. Frames are sent with a header of their own: not with `strip`, unless `writeHeader` is `false`.
     */
    readonly frameSize: (length: number) => number;
    readonly lengthIncludesHeader?: undefined;
    readonly adjustment?: undefined;
  };

/** Options of {@linkcode lengthField}. */
export type LengthFieldOptions = LengthRules & LengthNotation & LengthMeaning & HeaderWriting;

/** Whether and how headers are written. */
export type HeaderWriting =
  | {
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
  | {
    /**
     * The header to write before each frame, with any value in place of the length. Required if the header has more
     * than the length field.
     */
    readonly header: Uint8Array;
    readonly writeHeader: true;
  }
  | { readonly header: Uint8Array; readonly strip: number; readonly writeHeader?: true | undefined }
  | { readonly writeHeader: false; readonly header?: undefined };

const known = [
  "lengthOffset",
  "lengthBytes",
  "lengthFormat",
  "endian",
  "lengthMask",
  "headerBytes",
  "lengthIncludesHeader",
  "adjustment",
  "frameSize",
  "strip",
  "maxFrameBytes",
  "maxSentFrameBytes",
  "emptyFrames",
  "onFrameError",
  "writeHeader",
  "header",
];
const largestHeader = 65_535;

/** What the options say, without gaps. */
export interface LengthSettings {
  readonly lengthOffset: number;
  readonly lengthBytes: number;
  readonly format: "binary" | DigitFormat;
  readonly endian: Endian;
  readonly bits: LengthBits | undefined;
  readonly headerBytes: number;
  /** How much longer the whole frame is than its length says, unless there is `frameSize`. */
  readonly addedBytes: number;
  readonly frameSize: ((length: number) => number) | undefined;
  readonly strip: number;
  readonly maxFrameBytes: number;
  readonly maxSentFrameBytes: number;
  readonly dropEmpty: boolean;
  readonly skip: boolean;
  readonly writeHeader: boolean;
  /** Size of the header that is written: as much of it as was stripped. */
  readonly writtenBytes: number;
  readonly header: Uint8Array | undefined;
}

/** Reads the options, and throws `OptionsError` with everything that is wrong with them. */
export function readLengthOptions(options: LengthFieldOptions): LengthSettings {
  const check = new OptionsCheck();
  check.keys(options, known);
  const lengthOffset = checkInteger(check, "lengthOffset", options.lengthOffset, 0, 0, largestHeader);
  const lengthBytes = checkInteger(check, "lengthBytes", options.lengthBytes, 4, 1, 8);
  const formats = ["binary", "decimal", "hex", "bcd"] as const;
  const format = check.oneOf("lengthFormat", options.lengthFormat, "binary", formats);
  const endian = check.oneOf("endian", options.endian, "big", ["big", "little"]);
  if (format !== "binary" && options.endian !== undefined) {
    check.refuse("endian", options.endian, `nothing with lengthFormat ${format}, whose first digit is first`);
  }
  const bits = readMask(check, options.lengthMask, lengthBytes, format);
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
  const maxSentFrameBytes = check.size("maxSentFrameBytes", options.maxSentFrameBytes, Infinity, {
    least: headerBytes,
  });
  const strip = checkInteger(check, "strip", options.strip, 0, 0, Math.min(maxFrameBytes, largestHeader));
  const emptyFrames = check.oneOf("emptyFrames", options.emptyFrames, "deliver", ["deliver", "drop"]);
  const policy = check.oneOf("onFrameError", options.onFrameError, "close", ["close", "skip"]);
  const { lengthIncludesHeader = false, frameSize, writeHeader = (options.strip ?? 0) > 0 } = options;
  const settings: LengthSettings = {
    lengthOffset,
    lengthBytes,
    format,
    endian,
    bits,
    headerBytes,
    addedBytes: adjustment + (lengthIncludesHeader ? 0 : headerBytes),
    frameSize,
    strip,
    maxFrameBytes,
    maxSentFrameBytes,
    dropEmpty: emptyFrames === "drop",
    skip: policy === "skip",
    writeHeader,
    writtenBytes: strip > 0 ? strip : headerBytes,
    header: options.header,
  };
  if (frameSize !== undefined) checkFrameSize(check, options, writeHeader);
  checkHeader(check, settings);
  check.done();
  return settings;
}

function readMask(
  check: OptionsCheck,
  mask: number | undefined,
  lengthBytes: number,
  format: string,
): LengthBits | undefined {
  if (mask === undefined) return undefined;
  const bits = lengthBits(mask, lengthBytes);
  if (format !== "binary") check.refuse("lengthMask", mask, `nothing with lengthFormat ${format}`);
  else if (lengthBytes > 6) check.refuse("lengthMask", mask, "a length of 6 bytes or less too");
  else if (bits === undefined) {
    check.refuse("lengthMask", mask, `contiguous bits of ${lengthBytes} bytes, such as 0x7f`);
  }
  return bits;
}

/** A function cannot be turned around, to tell the length of a frame to be written. */
function checkFrameSize(check: OptionsCheck, options: LengthFieldOptions, writeHeader: boolean): void {
  check.functions(options, ["frameSize"]);
  for (const name of ["lengthIncludesHeader", "adjustment"] as const) {
    if (options[name] !== undefined) {
      check.refuse(name, options[name], "nothing with frameSize, which says all of it");
    }
  }
  if (writeHeader) {
    check.refuse("frameSize", options.frameSize, "writeHeader: false too, or neither strip nor writeHeader");
  }
}

/** Whether frames can be written the way they are read. */
function checkHeader(check: OptionsCheck, settings: LengthSettings): void {
  const { strip, writtenBytes, lengthOffset, lengthBytes, headerBytes, writeHeader, header } = settings;
  const lengthEnd = lengthOffset + lengthBytes;
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
    if (!(header instanceof Uint8Array) || header.length !== writtenBytes) {
      check.refuse("header", header, `a Uint8Array of ${writtenBytes} bytes, the header of each frame`);
    }
  } else if (lengthOffset > 0 || writtenBytes > lengthEnd) {
    check.refuse(
      "header",
      header,
      `the ${writtenBytes} bytes to write before each frame, because the header is longer than the length field; ` +
        `or writeHeader: false`,
    );
  }
}
