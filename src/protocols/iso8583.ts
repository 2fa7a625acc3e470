/** Links that carry ISO 8583 messages: a length in one of several notations, and what switches put around the message. */
import { showBytes, showHex } from "../core/bytes/bytes.ts";
import { defineFraming } from "../core/framing/define_framing.ts";
import type { FoundFrame } from "../core/framing/found_frame.ts";
import type { FrameErrorPolicy, Framing } from "../core/framing/framing.ts";
import { type DigitFormat, digitReader, largestLength, lengthReader } from "../core/framing/length_value.ts";
import { writeDigits, writeLength } from "../core/framing/length_value.ts";
import { overSent, refusal, requireBytes } from "../core/framing/refusal.ts";
import { checkFlag, OptionsCheck } from "../core/options.ts";
import type { SizeInput } from "../core/text/size.ts";
import { checkLimits } from "./limits.ts";
import { policy, type Preset, size } from "./preset.ts";

/** How a link writes the length of a message. */
export type Iso8583Length = "be2" | "be4" | "bcd2" | "ascii4" | "hex4" | "vml";

/** Options of {@linkcode iso8583}. */
export interface Iso8583Options {
  /**
   * How the length is written: a binary number of 2 or 4 bytes (`"be2"`, `"be4"`), 4 decimal digits in 2 bytes (`"bcd2"`), 4
   * digits in ASCII, decimal (`"ascii4"`) or hexadecimal (`"hex4"`); or 2 bytes and two zeros that it does not count
   * (`"vml"`), as at Visa and in the CSChannel of jPOS. @default "be2"
   */
  readonly length?: Iso8583Length | undefined;
  /** The length counts its own bytes. @default false */
  readonly includesItself?: boolean | undefined;
  /**
   * What precedes each message and is counted by the length, such as a TPDU of 5 bytes: written before what is sent, and so
   * many bytes are removed from what is received, whatever they are. Leave it out to find the TPDU of a request in its
   * frame, to be answered with {@linkcode swapTpdu}. @default none
   */
  readonly header?: Uint8Array | undefined;
  /** What follows each message and is counted by the length, such as `03` on links to BASE24; checked and removed. @default none */
  readonly trailer?: Uint8Array | undefined;
  /**
   * What happens to keepalives, which are messages of length 0: they are frames without a byte, which a handler can send
   * back, or they are dropped. @default "deliver"
   */
  readonly emptyFrames?: "deliver" | "drop" | undefined;
  /** Maximum size of a message with its length; a larger one is a `FrameError` `too_large`. @default 64 KiB */
  readonly maxFrameBytes?: SizeInput | undefined;
  /** Maximum size of a message to send, with its length; a larger one is a `FrameError` `too_large`. @default Infinity */
  readonly maxSentFrameBytes?: SizeInput | undefined;
  /**
   * What happens after a message that is too large or has another trailer: close the connection, or report it and go on with
   * the next. An invalid length closes the connection in any case. @default "close"
   */
  readonly onFrameError?: FrameErrorPolicy | undefined;
}

const notations: Readonly<
  Record<Iso8583Length, { bytes: number; zeros: number; format: "binary" | DigitFormat }>
> = {
  be2: { bytes: 2, zeros: 0, format: "binary" },
  be4: { bytes: 4, zeros: 0, format: "binary" },
  bcd2: { bytes: 2, zeros: 0, format: "bcd" },
  ascii4: { bytes: 4, zeros: 0, format: "decimal" },
  hex4: { bytes: 4, zeros: 0, format: "hex" },
  vml: { bytes: 2, zeros: 2, format: "binary" },
};
const none = new Uint8Array(0);
const defaultMost = 64 * 1024;

/**
 * ISO 8583 messages on a TCP link. The standard does not say how; the options describe the links of most switches, and the
 * channels NAC, BCD, ASCII, HEX, CS and BASE24 of jPOS. Frames are the messages, without length, `header` and `trailer`.
 *
 * @example A server that answers on a link with a TPDU
 * ```ts
 * import { serve } from "@millrace/millrace";
 * import { iso8583, swapTpdu } from "@millrace/millrace/protocols";
 *
 * const server = await serve({
 *   port: 0,
 *   framing: iso8583(),
 *   onFrame(request, connection) {
 *     const message = request.subarray(5);
 *     connection.send(Uint8Array.of(...swapTpdu(request), ...message));
 *   },
 * });
 * await server.close();
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value
 */
export function iso8583(options: Iso8583Options = {}): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, Object.keys(iso8583Preset.options));
  const limits = checkLimits(check, options, { least: 8, maxFrameBytes: defaultMost });
  const kinds = Object.keys(notations) as Iso8583Length[];
  const notation = notations[check.oneOf("length", options.length, "be2", kinds)];
  const emptyFrames = check.oneOf("emptyFrames", options.emptyFrames, "deliver", ["deliver", "drop"]);
  checkFlag(check, "includesItself", options.includesItself);
  for (const name of ["header", "trailer"] as const) {
    const found: unknown = options[name];
    if (found !== undefined && !(found instanceof Uint8Array && found.length > 0 && found.length < 256)) {
      check.refuse(name, found, "a Uint8Array of 1 to 255 bytes");
    }
  }
  check.done();
  const [header, trailer] = [copyOf(options.header), copyOf(options.trailer)];
  const { bytes: lengthBytes, zeros, format } = notation;
  const counted = options.includesItself ? lengthBytes + zeros : 0;
  const around = header.length + trailer.length;
  const start = lengthBytes + zeros;
  const read = format === "binary" ? lengthReader(lengthBytes, "big") : digitReader(lengthBytes, format);
  const { maxSentFrameBytes } = limits;
  const most = Math.min(largestLength(lengthBytes, format) + start - counted, maxSentFrameBytes);

  const find = (bytes: Uint8Array): FoundFrame | undefined => {
    if (bytes.length < start) return undefined;
    const length = read(bytes, 0) - counted;
    if (length === 0) return { size: start, start, drop: emptyFrames === "drop" };
    if (!(length >= around)) {
      return { malformed: `found a length of ${showBytes(bytes.subarray(0, lengthBytes))}, ${wanted}` };
    }
    const total = start + length;
    if (trailer.length === 0 || total > limits.maxFrameBytes) {
      return { size: total, start: start + header.length };
    }
    if (bytes.length < total) return undefined;
    const end = total - trailer.length;
    for (let at = 0; at < trailer.length; at++) {
      if (bytes[end + at] === trailer[at]) continue;
      const found = showHex(bytes.subarray(end, total));
      return { malformed: `found ${found} at the end, expected ${showHex(trailer)}`, size: total };
    }
    return { size: total, start: start + header.length, end };
  };
  const wanted = `expected ${counted + around} or more, or ${counted} for a keepalive${
    format === "binary" ? "" : `, in ${format} digits`
  }`;
  return defineFraming({
    name: "iso8583",
    maxFrameBytes: limits.maxFrameBytes,
    onFrameError: limits.onFrameError,
    find,
    encode(frame, out) {
      requireBytes("iso8583", frame);
      const { length } = frame;
      const value = length === 0 ? counted : length + around + counted;
      const total = value - counted + start;
      if (total > most) {
        if (most === maxSentFrameBytes) throw overSent("iso8583", total, most);
        const problem = `found ${length} bytes; a length in ${lengthBytes} bytes counts at most ${
          largestLength(lengthBytes, format)
        }`;
        throw refusal("iso8583", problem, "too_large", { size: total, limit: most });
      }
      if (format === "binary") writeLength(value, lengthBytes, "big", out);
      else writeDigits(value, lengthBytes, format, out);
      for (let i = 0; i < zeros; i++) out.byte(0);
      if (length === 0) return;
      out.bytes(header);
      out.bytes(frame);
      out.bytes(trailer);
    },
  });
}

function copyOf(bytes: Uint8Array | undefined): Uint8Array {
  return bytes === undefined ? none : new Uint8Array(bytes);
}

const tpduBytes = 5;

/**
 * The TPDU that answers the one with which this message begins: 5 bytes, in which destination (2 bytes after the first) and
 * source have changed places.
 *
 * @example
 * ```ts
 * import { swapTpdu } from "@millrace/millrace/protocols";
 *
 * console.log(swapTpdu(Uint8Array.of(0x60, 0, 1, 0x80, 0, 8, 0)).join()); // 96,128,0,0,1
 * ```
 *
 * @throws {FrameError} `malformed`, for a message of less than 5 bytes
 */
export function swapTpdu(message: Uint8Array): Uint8Array {
  if (message.length < tpduBytes) {
    throw refusal(
      "swapTpdu",
      `found ${message.length} bytes, expected a TPDU of ${tpduBytes} at the beginning`,
    );
  }
  const [id, first, second, third, fourth] = message as unknown as [number, number, number, number, number];
  return Uint8Array.of(id, third, fourth, first, second);
}

/** As people name it in text and in a configuration. */
export const iso8583Preset: Preset = {
  name: "iso8583",
  summary: "ISO 8583 messages behind a length",
  options: {
    length: { kind: "choice", of: Object.keys(notations) },
    includesItself: { kind: "flag" },
    header: { kind: "bytes" },
    trailer: { kind: "bytes" },
    emptyFrames: { kind: "choice", of: ["deliver", "drop"] },
    maxFrameBytes: size,
    maxSentFrameBytes: size,
    onFrameError: policy,
  },
  make: iso8583,
};
