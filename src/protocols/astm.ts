/** The link of laboratory instruments: ASTM E1381, which is CLSI LIS01-A2. */
import { indexOfByte } from "../core/bytes/byte_search.ts";
import { showBytes } from "../core/bytes/bytes.ts";
import { sum8 } from "../core/checksum/checksums.ts";
import { defineFraming } from "../core/framing/define_framing.ts";
import type { FoundFrame } from "../core/framing/found_frame.ts";
import type { Framing } from "../core/framing/framing.ts";
import { overSent, refusal, requireBytes } from "../core/framing/refusal.ts";
import { OptionsCheck } from "../core/options.ts";
import { ByteSet } from "./byte_set.ts";
import { hexPair, readHexPair } from "./hex_pair.ts";
import { checkLimits, limitOptions, type ProtocolLimits } from "./limits.ts";
import type { Preset } from "./preset.ts";

const [startOfText, endOfText, endOfBlock, lineFeed, carriageReturn, zero] = [
  0x02,
  0x03,
  0x17,
  0x0a,
  0x0d,
  0x30,
];
const endOfTransmission = 0x04;
const [enquiry, acknowledge, notAcknowledge] = [0x05, 0x06, 0x15];
const controls: ByteSet = new ByteSet([endOfTransmission, enquiry, acknowledge, notAcknowledge]);
const starts: ByteSet = new ByteSet([startOfText, endOfTransmission, enquiry, acknowledge, notAcknowledge]);
/** Two digits of the checksum, CR, LF. */
const trailerBytes = 4;
/** STX, the number of the frame, ETX or ETB. */
const leastBytes = 3;
/** 63,993 characters of text in LIS01-A2, and 7 around them. */
const mostBytes = 64_000;

/**
 * The link of laboratory instruments (ASTM E1381, CLSI LIS01-A2). Frames are of two kinds: the control characters ENQ (05), ACK
 * (06), NAK (15) and EOT (04), one byte each; and those from STX (02) to ETX (03) or ETB (17), number and text between
 * them. Their checksum, CR and LF are verified, removed, and written. The maximum is 64,000 bytes unless it is set.
 *
 * The link is half-duplex: each frame is answered with ACK or NAK before the next is sent, which is up to the handler.
 *
 * @example An instrument's host, which acknowledges everything
 * ```ts
 * import { serve } from "@millrace/millrace";
 * import { astm } from "@millrace/millrace/protocols";
 *
 * const server = await serve({
 *   port: 0,
 *   framing: astm(),
 *   onFrame(frame, connection) {
 *     if (frame[0] === 0x05 || frame[0] === 0x02) connection.send(Uint8Array.of(0x06));
 *   },
 * });
 * await server.close();
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value
 */
export function astm(options: ProtocolLimits = {}): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, Object.keys(astmPreset.options));
  const limits = checkLimits(check, options, { least: leastBytes + trailerBytes, maxFrameBytes: mostBytes });
  check.done();
  const { maxFrameBytes, maxSentFrameBytes, onFrameError } = limits;
  return defineFraming({
    name: "astm",
    maxFrameBytes,
    onFrameError,
    find,
    resync: (bytes, from, atEnd) => atEnd ? -1 : starts.indexIn(bytes, from),
    encode(frame, out) {
      requireBytes("astm", frame);
      if (frame.length === 1 && controls.has(frame[0]!)) return out.byte(frame[0]!);
      const { length } = frame;
      const problem = frame[0] !== startOfText
        ? "found neither a control character nor STX"
        : problemIn(frame, length);
      if (problem !== undefined) throw refusal("astm", problem);
      if (indexOfByte(frame, lineFeed, 0) >= 0) throw refusal("astm", "found LF in it, which ends a frame");
      const total = length + trailerBytes;
      if (total > maxSentFrameBytes) throw overSent("astm", total, maxSentFrameBytes);
      out.bytes(frame);
      out.text(hexPair(sum8(frame, 1)));
      out.byte(carriageReturn);
      out.byte(lineFeed);
    },
  });
}

function find(bytes: Uint8Array, searched: number): FoundFrame | number | undefined {
  const byte = bytes[0]!;
  if (controls.has(byte)) return 1;
  if (byte !== startOfText) return { malformed: `found byte ${byte}, expected STX, ENQ, ACK, NAK or EOT` };
  const at = indexOfByte(bytes, lineFeed, Math.max(1, searched));
  if (at < 0) return undefined;
  const size = at + 1;
  const end = size - trailerBytes;
  const problem = bytes[at - 1] === carriageReturn ? problemIn(bytes, end) : "found LF without CR before it";
  if (problem !== undefined) return { malformed: problem, size };
  const sum = sum8(bytes, 1, end);
  if (readHexPair(bytes, end) === sum) return { size, end };
  const found = showBytes(bytes.subarray(end, end + 2));
  return { malformed: `found the checksum ${found}, expected "${hexPair(sum)}"`, reason: "checksum", size };
}

/** What is wrong with the frame from STX to `end`. */
function problemIn(bytes: Uint8Array, end: number): string | undefined {
  const [number, last] = [bytes[1]! - zero, bytes[end - 1]];
  if (end < leastBytes || (last !== endOfText && last !== endOfBlock)) {
    return "found no ETX or ETB at the end";
  }
  return number >= 0 && number <= 7 ? undefined : "found no number of a frame, 0 to 7, behind STX";
}

/** As people name it in text and in a configuration. */
export const astmPreset: Preset = {
  name: "astm",
  summary: "frames and control characters of laboratory instruments (ASTM E1381, LIS01-A2)",
  options: limitOptions,
  make: astm,
};
