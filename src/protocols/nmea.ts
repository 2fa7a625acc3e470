/** NMEA 0183 sentences, with AIS among them and tag blocks before them: lines with a checksum. */
import { indexOfByte } from "../core/bytes/byte_search.ts";
import { showBytes } from "../core/bytes/bytes.ts";
import { xor8 } from "../core/checksum/checksums.ts";
import { defineFraming } from "../core/framing/define_framing.ts";
import type { FoundFrame } from "../core/framing/found_frame.ts";
import type { FrameErrorPolicy, Framing } from "../core/framing/framing.ts";
import { overSent, refusal, requireBytes } from "../core/framing/refusal.ts";
import { checkFlag, OptionsCheck } from "../core/options.ts";
import type { SizeInput } from "../core/text/size.ts";
import { ByteSet } from "./byte_set.ts";
import { hexPair, readHexPair } from "./hex_pair.ts";
import { checkLimits } from "./limits.ts";
import { policy, type Preset, size } from "./preset.ts";

/** Options of {@linkcode nmea}. */
export interface NmeaOptions {
  /**
   * Sentences without a checksum are rejected as `malformed`; older devices send them. A checksum that is there is verified in
   * any case. @default true
   */
  readonly requireChecksum?: boolean | undefined;
  /**
   * Maximum size of a line, with its tag block and its line end. The standard allows 82 bytes for a sentence and 80 for a tag
   * block, and devices send longer ones. A larger one is a `FrameError` `too_large`. @default 1 KiB
   */
  readonly maxFrameBytes?: SizeInput | undefined;
  /**
   * Maximum size of a sentence to send, with its checksum and its line end and without its tag block; a larger one is a
   * `FrameError` `too_large`. @default 82
   */
  readonly maxSentFrameBytes?: SizeInput | undefined;
  /** What happens after a bad line: close the connection, or report it and go on with the next. @default "close" */
  readonly onFrameError?: FrameErrorPolicy | undefined;
}

const [dollar, exclamation, backslash, asterisk, lineFeed, carriageReturn] = [
  0x24,
  0x21,
  0x5c,
  0x2a,
  0x0a,
  0x0d,
];
const starts: ByteSet = new ByteSet([dollar, exclamation, backslash]);
const mostSent = 82;
/** An asterisk and two digits. */
const checksumBytes = 3;

/**
 * NMEA 0183: sentences of GPS receivers, ships and AIS, `$GPGLL,…*hh` and `!AIVDM,…*hh`, one a line. Frames are lines without their
 * line end, which is CR LF, and a tag block (`\…*hh\`) before the sentence is part of its frame. Checksums are verified: a wrong one
 * is a `FrameError` `checksum`. They are added to what is sent where they are missing. Empty lines are dropped.
 *
 * @example
 * ```ts
 * import { nmea } from "@millrace/millrace/protocols";
 * import { FramerStream } from "@millrace/millrace/streams";
 *
 * const bytes = new Blob(["$GPRMC,,V,,,,,,,,,,N*53\r\n"]).stream();
 * for await (const frame of bytes.pipeThrough(new FramerStream(nmea()))) {
 *   console.log(new TextDecoder().decode(frame).split(",")[0]); // $GPRMC
 * }
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value
 */
export function nmea(options: NmeaOptions = {}): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, Object.keys(nmeaPreset.options));
  const limits = checkLimits(check, options, {
    least: 8,
    maxFrameBytes: 1024,
    maxSentFrameBytes: mostSent,
  });
  checkFlag(check, "requireChecksum", options.requireChecksum);
  check.done();
  const { requireChecksum = true } = options;
  const { maxFrameBytes, maxSentFrameBytes, onFrameError } = limits;
  return defineFraming({
    name: "nmea",
    maxFrameBytes,
    onFrameError,
    find(bytes, searched): FoundFrame | undefined {
      const at = indexOfByte(bytes, lineFeed, searched);
      if (at < 0) return undefined;
      const size = at + 1;
      const end = at > 0 && bytes[at - 1] === carriageReturn ? at - 1 : at;
      if (end === 0) return { size, drop: true };
      const wrong = problemIn(bytes, end, requireChecksum);
      return wrong === undefined ? { size, end } : { ...wrong, size };
    },
    resync: (bytes, from, atEnd) => atEnd ? -1 : starts.indexIn(bytes, from),
    encode(frame, out) {
      requireBytes("nmea", frame);
      const { length } = frame;
      const wrong = problemIn(frame, length, false);
      if (wrong !== undefined) throw refusal("nmea", wrong.malformed, wrong.reason);
      if (indexOfByte(frame, lineFeed, 0) >= 0) throw refusal("nmea", "found LF in it, which ends a line");
      const start = frame[0] === backslash ? indexOfByte(frame, backslash, 1) + 1 : 0;
      const missing = checksumAt(frame, start, length) < 0;
      const total = length - start + 2 + (missing ? checksumBytes : 0);
      if (total > maxSentFrameBytes) throw overSent("nmea", total, maxSentFrameBytes);
      out.bytes(frame);
      if (missing) out.text(`*${hexPair(xor8(frame, start + 1, length))}`);
      out.byte(carriageReturn);
      out.byte(lineFeed);
    },
  });
}

interface Problem {
  readonly malformed: string;
  readonly reason: "malformed" | "checksum";
}

function malformed(problem: string): Problem {
  return { malformed: problem, reason: "malformed" };
}

/** What is wrong with the line that ends at `end`. */
function problemIn(bytes: Uint8Array, end: number, requireChecksum: boolean): Problem | undefined {
  if (indexOfByte(bytes.subarray(0, end), carriageReturn, 0) >= 0) return malformed("found CR within a line");
  let start = 0;
  if (bytes[0] === backslash) {
    const close = indexOfByte(bytes, backslash, 1);
    if (close < 0 || close >= end) return malformed("found a tag block without an end");
    const wrong = wrongChecksum(bytes, 0, close, true);
    if (wrong !== undefined) return wrong;
    start = close + 1;
  }
  if (start < end && (bytes[start] === dollar || bytes[start] === exclamation)) {
    return wrongChecksum(bytes, start, end, requireChecksum);
  }
  return malformed(`found ${showBytes(bytes.subarray(start, end))}, expected $ or ! and a sentence`);
}

/** Where the checksum of what begins at `start` and ends at `end` has its asterisk, or -1. */
function checksumAt(bytes: Uint8Array, start: number, end: number): number {
  const at = end - checksumBytes;
  return at > start && bytes[at] === asterisk ? at : -1;
}

function wrongChecksum(
  bytes: Uint8Array,
  start: number,
  end: number,
  required: boolean,
): Problem | undefined {
  const at = checksumAt(bytes, start, end);
  if (at < 0) return required ? malformed("found no checksum at the end, such as *47") : undefined;
  const sum = xor8(bytes, start + 1, at);
  if (readHexPair(bytes, at + 1) === sum) return undefined;
  const found = showBytes(bytes.subarray(at + 1, end));
  return { malformed: `found the checksum ${found}, expected "${hexPair(sum)}"`, reason: "checksum" };
}

/** As people name it in text and in a configuration. */
export const nmeaPreset: Preset = {
  name: "nmea",
  summary: "NMEA 0183 and AIS sentences",
  options: {
    requireChecksum: { kind: "flag" },
    maxFrameBytes: size,
    maxSentFrameBytes: size,
    onFrameError: policy,
  },
  make: nmea,
};
