/** DNP3, of electricity and water utilities: a header and blocks of up to 16 bytes, each with a checksum. */
import { Pattern } from "../core/bytes/pattern.ts";
import { crc16dnp } from "../core/checksum/checksums.ts";
import { defineFraming } from "../core/framing/define_framing.ts";
import type { FoundFrame } from "../core/framing/found_frame.ts";
import type { FrameErrorPolicy, Framing } from "../core/framing/framing.ts";
import { mapFraming } from "../core/framing/map_framing.ts";
import { refusal, requireBytes } from "../core/framing/refusal.ts";
import { OptionsCheck } from "../core/options.ts";
import { nextPlace } from "./next_place.ts";
import { policy, type Preset } from "./preset.ts";

/** Options of {@linkcode dnp3}. */
export interface Dnp3Options {
  /**
   * What happens after a bad frame: close the connection, or report it and go on: behind it if only data were damaged, at the
   * next `05 64` if its header was. @default "close"
   */
  readonly onFrameError?: FrameErrorPolicy | undefined;
}

const startBytes = Uint8Array.of(0x05, 0x64);
const startPattern: Pattern = new Pattern(startBytes);
/** Start, length, control, destination and source. */
const headerBytes = 8;
const checksumBytes = 2;
/** The length counts control, destination and source, and user data. */
const countedHeader = 5;
const blockBytes = 16;
const mostFrameBytes = 292;

/**
 * Link frames of DNP3 (IEEE 1815, section 9). Frames are the header of 8 bytes, `05 64`, length, control, destination and source
 * (2 bytes each, little-endian), and the user data of all blocks in one piece. The checksums behind the header and behind
 * each block of 16 bytes are verified, removed, and written. The length says how much data there are, 0 to 250 bytes.
 *
 * @example A server that shows who speaks to whom
 * ```ts
 * import { serve } from "@millrace/millrace";
 * import { dnp3 } from "@millrace/millrace/protocols";
 *
 * const server = await serve({
 *   port: 0,
 *   framing: dnp3(),
 *   onFrame(frame) {
 *     const header = new DataView(frame.buffer, frame.byteOffset);
 *     console.log(`${header.getUint16(6, true)} to ${header.getUint16(4, true)}: ${frame.length - 8} bytes`);
 *   },
 * });
 * await server.close();
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value
 */
export function dnp3(options: Dnp3Options = {}): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, Object.keys(dnp3Preset.options));
  const onFrameError = check.oneOf("onFrameError", options.onFrameError, "close", ["close", "skip"]);
  check.done();
  const whole = defineFraming({
    name: "dnp3",
    maxFrameBytes: mostFrameBytes,
    onFrameError,
    find,
    resync: (bytes, from) => nextPlace(startPattern, bytes, from),
    encode: (frame, out) => out.bytes(frame),
  });
  return mapFraming(whole, { decode: joined, encode: inBlocks });
}

function find(bytes: Uint8Array): FoundFrame | undefined {
  for (let at = 0; at < startBytes.length; at++) {
    if (at === bytes.length) return undefined;
    if (bytes[at] !== startBytes[at]) {
      return { malformed: `found byte ${bytes[at]}, expected a frame, 05 64` };
    }
  }
  if (bytes.length < headerBytes + checksumBytes) return undefined;
  if (!isIntact(bytes, 0, headerBytes)) {
    return { malformed: "found a header with a wrong checksum", reason: "checksum" };
  }
  const data = bytes[2]! - countedHeader;
  if (data < 0) return { malformed: `found a length of ${bytes[2]}, expected ${countedHeader} or more` };
  const size = headerBytes + checksumBytes + data + checksumBytes * Math.ceil(data / blockBytes);
  if (bytes.length < size) return undefined;
  for (let at = headerBytes + checksumBytes; at < size; at += blockBytes + checksumBytes) {
    if (isIntact(bytes, at, Math.min(at + blockBytes, size - checksumBytes))) continue;
    return {
      malformed: `found a block with a wrong checksum, ${at} bytes into a frame`,
      reason: "checksum",
      size,
    };
  }
  return { size };
}

function isIntact(bytes: Uint8Array, start: number, end: number): boolean {
  return crc16dnp(bytes, start, end) === (bytes[end]! | bytes[end + 1]! << 8);
}

/** The header and the user data, without checksums. */
function joined(whole: Uint8Array): Uint8Array {
  const frame = new Uint8Array(whole[2]! + headerBytes - countedHeader);
  frame.set(whole.subarray(0, headerBytes));
  let from = headerBytes + checksumBytes;
  for (let at = headerBytes; at < frame.length; at += blockBytes) {
    frame.set(whole.subarray(from, from + Math.min(blockBytes, frame.length - at)), at);
    from += blockBytes + checksumBytes;
  }
  return frame;
}

/** A frame as it is on the wire. */
function inBlocks(frame: Uint8Array): Uint8Array {
  requireBytes("dnp3", frame);
  const data = frame.length - headerBytes;
  if (data < 0 || frame[0] !== startBytes[0] || frame[1] !== startBytes[1]) {
    throw refusal(
      "dnp3",
      `found ${frame.length} bytes, expected a header of ${headerBytes} that begins with 05 64`,
    );
  }
  if (frame[2] !== data + countedHeader) {
    throw refusal(
      "dnp3",
      `found a length of ${frame[2]} and ${data} bytes of data, for which it is ${data + countedHeader}`,
    );
  }
  const whole = new Uint8Array(frame.length + checksumBytes * (1 + Math.ceil(data / blockBytes)));
  let to = 0;
  for (let at = 0; at < frame.length;) {
    const end = at === 0 ? headerBytes : Math.min(at + blockBytes, frame.length);
    whole.set(frame.subarray(at, end), to);
    to += end - at;
    const sum = crc16dnp(frame, at, end);
    whole[to++] = sum & 255;
    whole[to++] = sum >> 8;
    at = end;
  }
  return whole;
}

/** As people name it in text and in a configuration. */
export const dnp3Preset: Preset = {
  name: "dnp3",
  summary: "link frames of DNP3",
  options: { onFrameError: policy },
  make: dnp3,
};
