/** SLIP: frames between END bytes, with escapes in the place of END and ESC inside them. */
import { indexOfByte } from "../core/bytes/byte_search.ts";
import { showHex } from "../core/bytes/bytes.ts";
import type { Framing } from "../core/framing/framing.ts";
import { refusal } from "../core/framing/refusal.ts";
import { checkFlag, OptionsCheck } from "../core/options.ts";
import { limitOptions, type ProtocolLimits } from "./limits.ts";
import type { Preset } from "./preset.ts";
import { stuffed, type Stuffing } from "./stuffed.ts";

/** Options of {@linkcode slip}. The limits are those of the escaped frame, without its END bytes. */
export interface SlipOptions extends ProtocolLimits {
  /**
   * Send an END before each frame too, as RFC 1055 recommends: noise before a frame is then a frame of its own for the receiver.
   * @default true
   */
  readonly leadingEnd?: boolean | undefined;
}

const [END, ESC, ESC_END, ESC_ESC] = [0xc0, 0xdb, 0xdc, 0xdd];

/** From so many bytes on a copy by the engine is faster than a loop. */
const longRun = 48;

const stuffing: Stuffing = {
  name: "slip",
  end: END,
  endShown: "END (0xc0)",
  unstuff(bytes) {
    let at = indexOfByte(bytes, ESC, 0);
    if (at < 0) return bytes;
    const { length } = bytes;
    const frame = new Uint8Array(length - 1);
    let from = 0;
    let to = 0;
    for (; at >= 0; at = indexOfByte(bytes, ESC, from)) {
      to = copy(bytes, from, at, frame, to);
      const escaped = bytes[at + 1];
      if (escaped !== ESC_END && escaped !== ESC_ESC) {
        const found = escaped === undefined ? "END" : showHex(bytes.subarray(at + 1, at + 2));
        return `found ${found} behind ESC (0xdb), expected 0xdc or 0xdd; check that the peer speaks SLIP`;
      }
      frame[to++] = escaped === ESC_END ? END : ESC;
      from = at + 2;
    }
    to = copy(bytes, from, length, frame, to);
    return to === frame.length ? frame : frame.subarray(0, to);
  },
  sizeOf(frame) {
    if (frame.length === 0) throw refusal("slip", "found 0 bytes; receivers drop a frame without bytes");
    let size = frame.length;
    for (let at = 0; at < frame.length; at++) {
      const byte = frame[at]!;
      if (byte === END || byte === ESC) size++;
    }
    return size;
  },
  stuff(frame, into) {
    let to = 0;
    for (let at = 0; at < frame.length; at++) {
      const byte = frame[at]!;
      if (byte === END || byte === ESC) {
        into[to++] = ESC;
        into[to++] = byte === END ? ESC_END : ESC_ESC;
      } else into[to++] = byte;
    }
  },
};

/** Copies bytes `from` to `end`, to `to`; returns where they end there. */
function copy(bytes: Uint8Array, from: number, end: number, frame: Uint8Array, to: number): number {
  if (end - from > longRun) frame.set(bytes.subarray(from, end), to);
  else for (let at = from; at < end; at++) frame[to + at - from] = bytes[at]!;
  return to + end - from;
}

/**
 * SLIP (RFC 1055): frames between END bytes (0xc0), in which 0xdb 0xdc stands for 0xc0 and 0xdb 0xdd for 0xdb. Empty frames, such as
 * between two ENDs, are dropped, and cannot be sent. 0xdb before any other byte is `malformed`, and with `onFrameError: "skip"` the
 * frame is dropped up to its END. A frame without escapes is a view of the chunk it came in: copy it to keep it for long.
 *
 * @example
 * ```ts
 * import { slip } from "@millrace/millrace/protocols";
 * import { FramerStream } from "@millrace/millrace/streams";
 *
 * const bytes = new Blob([Uint8Array.of(0xc0, 1, 0xdb, 0xdc, 2, 0xc0)]).stream();
 * for await (const frame of bytes.pipeThrough(new FramerStream(slip()))) console.log(frame.join()); // 1,192,2
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value
 */
export function slip(options: SlipOptions = {}): Framing<Uint8Array> {
  const check = new OptionsCheck();
  checkFlag(check, "leadingEnd", options?.leadingEnd);
  check.done();
  return stuffed(stuffing, options, Object.keys(slipPreset.options), options.leadingEnd ?? true);
}

/** As people name it in text and in a configuration. */
export const slipPreset: Preset = {
  name: "slip",
  summary: "SLIP (RFC 1055): frames between END bytes, with escapes",
  options: { ...limitOptions, leadingEnd: { kind: "flag" } },
  make: slip,
};
