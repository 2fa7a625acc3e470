/** Teltonika's GPS trackers, as a server receives them: the IMEI, then data with a checksum, and pings between. */
import { crc16arc } from "../core/checksum/checksums.ts";
import { defineFraming } from "../core/framing/define_framing.ts";
import type { FoundFrame } from "../core/framing/found_frame.ts";
import type { Framing } from "../core/framing/framing.ts";
import { lengthReader, writeLength } from "../core/framing/length_value.ts";
import { indexOfByte } from "../core/bytes/byte_search.ts";
import { overSent, refusal, requireBytes } from "../core/framing/refusal.ts";
import { OptionsCheck } from "../core/options.ts";
import { checkLimits, limitOptions, type ProtocolLimits } from "./limits.ts";
import type { Preset } from "./preset.ts";

/** Options of {@linkcode teltonika}. */
export interface TeltonikaOptions extends ProtocolLimits {
  /** What happens to the pings `FF` between frames: they are dropped, or frames of one byte. @default "drop" */
  readonly pings?: "deliver" | "drop" | undefined;
}

const ping = 0xff;
const imeiDigits = 15;
const imeiBytes = 2 + imeiDigits;
/** Four zeros and the length. */
const headerBytes = 8;
/** Codec, number of records, and the number again. */
const leastData = 3;
const checksumBytes = 4;
const read4 = lengthReader(4, "big");

/**
 * Teltonika's trackers over TCP, as a server receives them. Frames are the IMEI, which comes first, as 15 digits in ASCII, and
 * then the data, from the codec id to the second number of records. Their checksum (CRC-16/IBM) is verified
 * ("Teltonika Data Sending Protocols").
 *
 * A tracker waits for its answers, which {@linkcode teltonikaAnswer} makes: one byte to its IMEI, and the number of records
 * once they are stored. What is sent is told by its size and its first byte: 1 byte or 4 are such answers, 15 digits an IMEI, and
 * anything else is data, such as a command in codec 12.
 *
 * @example A server that takes everything
 * ```ts
 * import { serve } from "@millrace/millrace";
 * import { teltonika, teltonikaAnswer } from "@millrace/millrace/protocols";
 *
 * const server = await serve({
 *   port: 0,
 *   framing: teltonika(),
 *   onFrame(frame, connection) {
 *     const answer = teltonikaAnswer(frame);
 *     if (answer) connection.send(answer);
 *   },
 * });
 * await server.close();
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value
 */
export function teltonika(options: TeltonikaOptions = {}): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, Object.keys(teltonikaPreset.options));
  const limits = checkLimits(check, options, { least: imeiBytes, maxFrameBytes: 16 * 1024 });
  const pings = check.oneOf("pings", options.pings, "drop", ["deliver", "drop"]);
  check.done();
  const { maxFrameBytes, maxSentFrameBytes, onFrameError } = limits;
  return defineFraming({
    name: "teltonika",
    maxFrameBytes,
    onFrameError,
    find(bytes) {
      if (bytes[0] === ping) return { size: 1, drop: pings === "drop" };
      return find(bytes, maxFrameBytes);
    },
    resync: nextStart,
    encode(frame, out) {
      requireBytes("teltonika", frame);
      const { length } = frame;
      const isAnswer = length === 1 || length === 4;
      if (length < leastData && !isAnswer) {
        throw refusal(
          "teltonika",
          `found ${length} bytes, expected ${leastData} or more of data, an IMEI or an answer`,
        );
      }
      const isImei = isDigit(frame[0]!) && length > 1;
      if (isImei && !(length === imeiDigits && frame.every(isDigit)) && !isAnswer) {
        throw refusal(
          "teltonika",
          `found ${length} bytes that begin with a digit, expected the ${imeiDigits} of an IMEI`,
        );
      }
      const total = isAnswer ? length : isImei ? imeiBytes : headerBytes + length + checksumBytes;
      if (total > maxSentFrameBytes) throw overSent("teltonika", total, maxSentFrameBytes);
      if (isAnswer) return out.bytes(frame);
      if (!isImei) writeLength(0, 4, "big", out);
      writeLength(length, isImei ? 2 : 4, "big", out);
      out.bytes(frame);
      if (!isImei) writeLength(crc16arc(frame), checksumBytes, "big", out);
    },
  });
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function find(bytes: Uint8Array, maxFrameBytes: number): FoundFrame | undefined {
  const { length } = bytes;
  if (bytes[0] !== 0) {
    return { malformed: `found byte ${bytes[0]}, expected an IMEI or data, which begin with 00` };
  }
  if (length < 2) return undefined;
  if (bytes[1] === imeiDigits) {
    if (length < imeiBytes) return undefined;
    const digits = bytes.subarray(2, imeiBytes).every(isDigit);
    return digits
      ? { size: imeiBytes, start: 2 }
      : { malformed: `found an IMEI that is not ${imeiDigits} digits` };
  }
  if (length < headerBytes) return undefined;
  const data = read4(bytes, 4);
  if (read4(bytes, 0) !== 0) {
    return { malformed: "found neither the length of an IMEI nor four zeros before data" };
  }
  if (data < leastData) return { malformed: `found a length of ${data}, expected ${leastData} or more` };
  const end = headerBytes + data;
  const size = end + checksumBytes;
  if (size > maxFrameBytes) return { size };
  if (length < size) return undefined;
  const [found, sum] = [read4(bytes, end), crc16arc(bytes, headerBytes, end)];
  if (found === sum) return { size, start: headerBytes, end };
  return { malformed: `found the checksum ${hex(found)}, expected ${hex(sum)}`, reason: "checksum", size };
}

function hex(sum: number): string {
  return sum.toString(16).toUpperCase().padStart(4, "0");
}

/** Where a zero stands before a zero, before the length of an IMEI, or last. */
function nextStart(bytes: Uint8Array, from: number): number {
  for (let at = from;; at++) {
    at = indexOfByte(bytes, 0, at);
    if (at < 0 || at + 1 === bytes.length || bytes[at + 1] === 0 || bytes[at + 1] === imeiDigits) return at;
  }
}

const recordCodecs: ReadonlySet<number> = new Set([0x08, 0x8e, 0x10]);

/**
 * What a server answers to a frame of a Teltonika tracker: 01 to an IMEI, which accepts it (send 00 to reject it), and the number of
 * records in 4 bytes to data in codec 8, 8 extended or 16. Undefined for other frames, which are not answered.
 *
 * @example
 * ```ts
 * import { teltonikaAnswer } from "@millrace/millrace/protocols";
 *
 * console.log(teltonikaAnswer(new TextEncoder().encode("356307042441013"))?.join()); // 1
 * console.log(teltonikaAnswer(Uint8Array.of(0x08, 0, 0))?.join()); // 0,0,0,0
 * ```
 */
export function teltonikaAnswer(frame: Uint8Array): Uint8Array | undefined {
  if (frame.length === imeiDigits && frame.every(isDigit)) return Uint8Array.of(1);
  return frame.length >= leastData && recordCodecs.has(frame[0]!)
    ? Uint8Array.of(0, 0, 0, frame[1]!)
    : undefined;
}

/** As people name it in text and in a configuration. */
export const teltonikaPreset: Preset = {
  name: "teltonika",
  summary: "IMEI and data of Teltonika's GPS trackers",
  options: { pings: { kind: "choice", of: ["deliver", "drop"] }, ...limitOptions },
  make: teltonika,
};
