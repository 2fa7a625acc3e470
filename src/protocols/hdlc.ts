/** HDLC as DLMS/COSEM uses it: frames between flags, with a length and a checksum, of electricity, gas and water meters. */
import { indexOfByte } from "../core/bytes/byte_search.ts";
import { crc16x25 } from "../core/checksum/checksums.ts";
import { defineFraming } from "../core/framing/define_framing.ts";
import type { FoundFrame } from "../core/framing/found_frame.ts";
import type { FrameErrorPolicy, Framing } from "../core/framing/framing.ts";
import { refusal, requireBytes } from "../core/framing/refusal.ts";
import { OptionsCheck } from "../core/options.ts";
import { policy, type Preset } from "./preset.ts";

/** Options of {@linkcode hdlc}. */
export interface HdlcOptions {
  /**
   * What happens after a bad frame: close the connection, or report it and go on: behind one with a wrong checksum, otherwise at the
   * next flag. @default "close"
   */
  readonly onFrameError?: FrameErrorPolicy | undefined;
}

const flag = 0x7e;
const checksumBytes = 2;
/** Format, one byte each of destination, source and control, and the checksum. */
const leastLength = 7;
/** 11 bits, and the flag behind them. */
const mostFrameBytes = 2048;

/**
 * HDLC frames of DLMS/COSEM meters (IEC 62056-46, frame format type 3). Frames are what stands between two flags `7E`, from the
 * format field, `A` and 11 bits of length, to the information, without the checksum (FCS, CRC-16/X-25), which is verified
 * and written. One flag may end a frame and begin the next, and more of them may stand between. The length says where a
 * frame ends, so that `7E` may stand in it.
 *
 * @example
 * ```ts
 * import { hdlc } from "@millrace/millrace/protocols";
 * import { FramerStream } from "@millrace/millrace/streams";
 *
 * const bytes = new Blob([Uint8Array.of(0x7e, 0xa0, 8, 2, 0x23, 0x21, 0x93, 0xbd, 0x64, 0x7e)]).stream();
 * for await (const frame of bytes.pipeThrough(new FramerStream(hdlc()))) console.log(frame.join());
 * // 160,8,2,35,33,147
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value
 */
export function hdlc(options: HdlcOptions = {}): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, Object.keys(hdlcPreset.options));
  const onFrameError = check.oneOf("onFrameError", options.onFrameError, "close", ["close", "skip"]);
  check.done();
  return defineFraming({
    name: "hdlc",
    maxFrameBytes: mostFrameBytes,
    onFrameError,
    find,
    resync: (bytes, from) => indexOfByte(bytes, flag, from),
    encode(frame, out) {
      requireBytes("hdlc", frame);
      const said = frame.length < 2 ? NaN : lengthOf(frame);
      if (!isFormat(frame[0]!) || said !== frame.length + checksumBytes || said < leastLength) {
        const wanted = `a format field, A and a length of ${frame.length + checksumBytes}`;
        throw refusal("hdlc", `found ${frame.length} bytes that do not begin with ${wanted}`);
      }
      const sum = crc16x25(frame);
      out.byte(flag);
      out.bytes(frame);
      out.byte(sum & 255);
      out.byte(sum >> 8);
      out.byte(flag);
    },
  });
}

function isFormat(byte: number): boolean {
  return byte >> 4 === 0xa;
}

function lengthOf(bytes: Uint8Array): number {
  return (bytes[0]! & 7) << 8 | bytes[1]!;
}

function find(bytes: Uint8Array): FoundFrame | undefined {
  // The flag before a frame says nothing more, since that of another may have been behind it.
  if (bytes[0] === flag) return { size: 1, drop: true };
  if (!isFormat(bytes[0]!)) {
    return { malformed: `found byte ${bytes[0]}, expected a flag or a format field of type 3` };
  }
  if (bytes.length < 2) return undefined;
  const length = lengthOf(bytes);
  if (length < leastLength) {
    return { malformed: `found a length of ${length}, expected ${leastLength} or more` };
  }
  if (bytes.length <= length) return undefined;
  if (bytes[length] !== flag) {
    return { malformed: `found a length of ${length}, and no flag where the frame ends` };
  }
  const end = length - checksumBytes;
  const [found, sum] = [bytes[end]! | bytes[end + 1]! << 8, crc16x25(bytes, 0, end)];
  if (found === sum) return { size: length + 1, end };
  return { malformed: `found the checksum ${found}, expected ${sum}`, reason: "checksum", size: length + 1 };
}

/** As people name it in text and in a configuration. */
export const hdlcPreset: Preset = {
  name: "hdlc",
  summary: "HDLC frames of DLMS/COSEM meters",
  options: { onFrameError: policy },
  make: hdlc,
};
