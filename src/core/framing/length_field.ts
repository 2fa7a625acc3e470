/**
 * Frames with their length in a field of fixed size before them.
 */
import { showHex } from "../bytes/bytes.ts";
import type { FrameError } from "../errors.ts";
import type { ByteSink, Framing } from "./framing.ts";
import { type LengthFieldOptions, type LengthSettings, readLengthOptions } from "./length_options.ts";
import { digitReader, largestLength, lengthReader, writeDigits, writeLength } from "./length_value.ts";
import { overSent, refusal, requireBytes } from "./refusal.ts";
import { SizedDecoder, type SizeRules } from "./sized_decoder.ts";

/**
 * Frames with a length field of fixed size, as a binary number or as digits. Received frames can be sent unchanged: a header that is part of the frame is
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
  const settings = readLengthOptions(options);
  const { lengthOffset, lengthBytes, headerBytes, addedBytes, maxFrameBytes, writtenBytes } = settings;
  const { format, endian, bits, maxSentFrameBytes } = settings;
  const lengthEnd = lengthOffset + lengthBytes;
  const rules = sizeRules(settings);
  const plain = format === "binary" && bits === undefined && settings.frameSize === undefined;
  const hint = plain
    ? {
      kind: "length_field",
      lengthOffset,
      lengthBytes,
      endian,
      addedBytes,
      headerBytes,
      maxFrameBytes,
    } as const
    : undefined;
  const framing = { name: "lengthField", hint, decoder: (report: Report) => new SizedDecoder(rules, report) };
  if (!settings.writeHeader) {
    return {
      ...framing,
      encode(frame, out) {
        requireBytes("lengthField", frame);
        const size = frame.length < lengthEnd ? NaN : rules.size(frame, 0);
        if (frame.length < headerBytes || size !== frame.length) refuseHeader(frame, size, headerBytes);
        if (size > maxSentFrameBytes) throw overSent("lengthField", size, maxSentFrameBytes);
        out.bytes(frame);
      },
    };
  }
  const header = settings.header === undefined
    ? new Uint8Array(writtenBytes)
    : new Uint8Array(settings.header);
  const least = headerBytes - writtenBytes;
  const largest = bits === undefined ? largestLength(lengthBytes, format) : bits.values - 1;
  const limit = Math.min(largest + addedBytes, maxSentFrameBytes);
  const write = lengthWriter(settings, header);
  return {
    ...framing,
    encode(frame, out) {
      requireBytes("lengthField", frame);
      const { length } = frame;
      const value = writtenBytes + length - addedBytes;
      if (length < least || value < 0) {
        throw refusal(
          "lengthField",
          `found ${length} bytes, expected ${Math.max(least, addedBytes - writtenBytes)} or more`,
        );
      }
      if (writtenBytes + length > limit) {
        if (limit === maxSentFrameBytes) throw overSent("lengthField", writtenBytes + length, limit);
        const field = bits === undefined ? `${lengthBytes} bytes hold` : "lengthMask leaves";
        const problem = `found ${length} bytes, a length of ${value}; ${field} at most ${largest}`;
        throw refusal("lengthField", problem, "too_large", {
          size: writtenBytes + length,
          limit,
        });
      }
      for (let i = 0; i < lengthOffset; i++) out.byte(header[i]!);
      write(value, out);
      for (let i = lengthEnd; i < writtenBytes; i++) out.byte(header[i]!);
      out.bytes(frame);
    },
  };
}

type Report = (error: FrameError) => void;

/** How the size of a frame is read. */
function sizeRules(settings: LengthSettings): SizeRules {
  const { lengthOffset, lengthBytes, format, endian, bits, addedBytes, frameSize, dropEmpty } = settings;
  const { headerBytes, maxFrameBytes, strip, skip } = settings;
  const number = format === "binary" ? lengthReader(lengthBytes, endian) : digitReader(lengthBytes, format);
  const read: typeof number = bits === undefined
    ? number
    : (bytes, at) => Math.floor(number(bytes, at) / bits.unit) % bits.values;
  return {
    name: "lengthField",
    // What is dropped has to be there, or its end could be missing unnoticed.
    headerBytes: dropEmpty ? headerBytes : lengthOffset + lengthBytes,
    minFrameBytes: Math.max(dropEmpty ? headerBytes + 1 : headerBytes, strip),
    maxFrameBytes,
    droppedBytes: dropEmpty ? headerBytes : undefined,
    strip,
    skip,
    size: frameSize === undefined
      ? (bytes, at) => read(bytes, at + lengthOffset) + addedBytes
      : (bytes, at) => sizeOf(frameSize, read(bytes, at + lengthOffset)),
    show(bytes, at) {
      const value = read(bytes, at + lengthOffset);
      const field = showHex(bytes.subarray(at + lengthOffset, at + lengthOffset + lengthBytes));
      if (!Number.isNaN(value)) {
        return `a length of ${value} (${field})${
          frameSize === undefined ? "" : problemWith(frameSize, value)
        }`;
      }
      if (format === "binary") return `a length of 2^63 or more (${field})`;
      return `a length that is not in ${format === "hex" ? "hexadecimal" : "decimal"} digits (${field})`;
    },
    advice: format === "binary"
      ? "check endian, lengthOffset, lengthIncludesHeader and adjustment against the peer's protocol"
      : "check lengthFormat, lengthBytes and lengthOffset against the peer's protocol",
  };
}

/** What the user's function says, or `NaN` where that is no size. */
function sizeOf(frameSize: (length: number) => number, length: number): number {
  if (Number.isNaN(length)) return NaN;
  try {
    const size = frameSize(length);
    return Number.isInteger(size) ? size : NaN;
  } catch {
    return NaN;
  }
}

/** For messages: why the function gave no size, as the end of a clause. */
function problemWith(frameSize: (length: number) => number, length: number): string {
  try {
    const size: unknown = frameSize(length);
    return Number.isInteger(size) ? "" : `, for which frameSize returned ${size}`;
  } catch (error) {
    return `, for which frameSize threw ${error}`;
  }
}

/** Writes the field, with the bits of the header's that are not the length. */
function lengthWriter(
  { lengthOffset, lengthBytes, format, endian, bits }: LengthSettings,
  header: Uint8Array,
): (value: number, out: ByteSink) => void {
  if (format !== "binary") return (value, out) => writeDigits(value, lengthBytes, format, out);
  if (bits === undefined) return (value, out) => writeLength(value, lengthBytes, endian, out);
  const { unit, values } = bits;
  const field = lengthReader(lengthBytes, endian)(header, lengthOffset);
  const others = field - Math.floor(field / unit) % values * unit;
  return (value, out) => writeLength(others + value * unit, lengthBytes, endian, out);
}

function refuseHeader(frame: Uint8Array, size: number, headerBytes: number): never {
  const problem = frame.length < headerBytes
    ? `found ${frame.length} bytes, expected a header of ${headerBytes} and a body`
    : `found ${frame.length} bytes whose length field says ${size}`;
  throw refusal("lengthField", `${problem}; with strip or writeHeader the header is written for you`);
}
