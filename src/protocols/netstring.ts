/** Netstrings: a length in decimal digits, a colon, so many bytes, a comma. */
import { defineFraming } from "../core/framing/define_framing.ts";
import type { FoundFrame } from "../core/framing/found_frame.ts";
import type { Framing } from "../core/framing/framing.ts";
import { overSent, requireBytes } from "../core/framing/refusal.ts";
import { OptionsCheck } from "../core/options.ts";
import { checkLimits, limitOptions, type ProtocolLimits } from "./limits.ts";
import type { Preset } from "./preset.ts";

/** Digits of the largest length that is a safe number. */
const mostDigits = 15;
const trailer = Uint8Array.of(0x2c);
const [zero, nine, colon, comma] = [0x30, 0x39, 0x3a, 0x2c];

/**
 * Netstrings, `5:hello,`, as described by D. J. Bernstein ("Netstrings", 1997). Frames are the bytes between colon and comma.
 * Leading zeros are rejected as `malformed`, as are more than 15 digits.
 *
 * @example
 * ```ts
 * import { netstring } from "@millrace/millrace/protocols";
 * import { FramerStream } from "@millrace/millrace/streams";
 *
 * const frames = new Blob(["5:hello,0:,"]).stream().pipeThrough(new FramerStream(netstring()));
 * for await (const frame of frames) console.log(frame.length);
 * // 5
 * // 0
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value
 */
export function netstring(options: ProtocolLimits = {}): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, Object.keys(netstringPreset.options));
  const { maxFrameBytes, maxSentFrameBytes, onFrameError } = checkLimits(check, options);
  check.done();
  return defineFraming({
    name: "netstring",
    maxFrameBytes,
    onFrameError,
    find,
    encode(frame, out) {
      requireBytes("netstring", frame);
      const head = `${frame.length}:`;
      const total = head.length + frame.length + 1;
      if (total > maxSentFrameBytes) throw overSent("netstring", total, maxSentFrameBytes);
      out.text(head);
      out.bytes(frame);
      out.byte(comma);
    },
  });
}

function find(bytes: Uint8Array): FoundFrame | undefined {
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === colon && at > 0) {
      const start = at + 1;
      const end = start + length;
      return { start, end, size: end + 1, trailer };
    }
    if (byte < zero || byte > nine) return { malformed: `found byte ${byte}, expected a length and a colon` };
    if (at === 1 && bytes[0] === zero) return { malformed: "found a length with a leading zero" };
    if (at === mostDigits) return { malformed: `found a length of more than ${mostDigits} digits` };
    length = length * 10 + byte - zero;
  }
  return undefined;
}

/** As people name it in text and in a configuration. */
export const netstringPreset: Preset = {
  name: "netstring",
  summary: "netstrings, such as 5:hello,",
  options: limitOptions,
  make: netstring,
};
