/** COBS: frames that end with a zero byte, whose own zeros are written as distances. */
import type { Framing } from "../core/framing/framing.ts";
import { limitOptions, type ProtocolLimits } from "./limits.ts";
import type { Preset } from "./preset.ts";
import { stuffed, type Stuffing } from "./stuffed.ts";

/** The code of a block of 254 bytes without a zero, behind which none is meant. */
const full = 255;
/** From so many bytes on a copy by the engine is faster than a loop. */
const longBlock = 24;

const stuffing: Stuffing = {
  name: "cobs",
  end: 0,
  endShown: "a zero byte",
  unstuff(bytes) {
    const { length } = bytes;
    const frame = new Uint8Array(length - 1);
    let to = 0;
    for (let at = 0; at < length;) {
      const code = bytes[at]!;
      const end = at + code;
      if (end > length) {
        return `found a block of ${code} bytes with ${
          length - at
        } before the zero; check that the peer speaks COBS`;
      }
      if (code > longBlock) {
        frame.set(bytes.subarray(at + 1, end), to);
        to += code - 1;
      } else for (let from = at + 1; from < end; from++) frame[to++] = bytes[from]!;
      at = end;
      if (code < full && at < length) frame[to++] = 0;
    }
    return to === frame.length ? frame : frame.subarray(0, to);
  },
  sizeOf(frame) {
    // A code for the frame itself, and one more behind each full block that something follows.
    let size = frame.length + 1;
    let run = 0;
    for (let at = 0; at < frame.length; at++) {
      if (run === full - 1) {
        size++;
        run = 0;
      }
      run = frame[at] === 0 ? 0 : run + 1;
    }
    return size;
  },
  stuff(frame, into) {
    let codeAt = 0;
    let to = 1;
    for (let at = 0; at < frame.length; at++) {
      if (to - codeAt === full) {
        into[codeAt] = full;
        codeAt = to++;
      }
      const byte = frame[at]!;
      if (byte === 0) {
        into[codeAt] = to - codeAt;
        codeAt = to++;
      } else into[to++] = byte;
    }
    into[codeAt] = to - codeAt;
  },
};

/**
 * COBS, Consistent Overhead Byte Stuffing (Cheshire and Baker, IEEE/ACM Transactions on Networking 7(2), 1999): frames of any bytes,
 * each followed by a zero byte, at the cost of one byte for every 254. A full block at the end is accepted with and without a code of
 * 1 behind it, and is sent without. Nothing between two zero bytes is dropped; an empty frame is sent as 0x01 0x00. A block that is
 * longer than its frame is `malformed`, and with `onFrameError: "skip"` the frame is dropped up to its zero byte. The limits are those
 * of the frame as it is on the wire, without the zero byte.
 *
 * @example
 * ```ts
 * import { cobs } from "@millrace/millrace/protocols";
 * import { FramerStream } from "@millrace/millrace/streams";
 *
 * const bytes = new Blob([Uint8Array.of(2, 1, 2, 2, 0)]).stream();
 * for await (const frame of bytes.pipeThrough(new FramerStream(cobs()))) console.log(frame.join()); // 1,0,2
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value
 */
export function cobs(options: ProtocolLimits = {}): Framing<Uint8Array> {
  return stuffed(stuffing, options, Object.keys(cobsPreset.options), false);
}

/** As people name it in text and in a configuration. */
export const cobsPreset: Preset = {
  name: "cobs",
  summary: "COBS: frames that end with a zero byte, whose own zeros are written as distances",
  options: limitOptions,
  make: cobs,
};
