/**
 * A checksum at the end of each frame, around any framing of bytes.
 *
 * For application code, and for framings of protocols. How frames are cut is the framing's business.
 */
import { OptionsCheck } from "../options.ts";
import { ChecksumField } from "./checksum_field.ts";
import { type ChecksumOptions, readChecksumOptions } from "./checksum_options.ts";
import type { Framing } from "./framing.ts";
import { mapFraming } from "./map_framing.ts";
import { refusal, requireBytes } from "./refusal.ts";

/** Memory for frames to send with their checksum behind them; larger ones get their own. */
const scratch = new Uint8Array(64 * 1024);

/**
 * The same framing with a checksum at the end of each frame: verified and removed from received frames, and written to those
 * that are sent. A wrong one is a `FrameError` `checksum` with the offset of the frame. The checksum covers the frame as the
 * framing gives it, with its header if that is kept and without a delimiter that is removed.
 *
 * With `onFrameError: "skip"` a frame with a wrong checksum is reported, and the next is where the framing finds it. Behind a
 * length that was itself damaged that may be anywhere; behind a delimiter it is right.
 *
 * @example Sentences of NMEA 0183
 * ```ts
 * import { checksummed, lines } from "@millrace/millrace";
 * import { FramerStream } from "@millrace/millrace/streams";
 *
 * const bytes = new Blob(["$GPGLL,4916.45,N,12311.12,W,225444,A*31\r\n"]).stream();
 * const framing = checksummed(lines({ newline: "\r\n" }), { type: "xor", format: "hex", separator: "*", from: 1 });
 * for await (const sentence of bytes.pipeThrough(new FramerStream(framing))) {
 *   console.log(new TextDecoder().decode(sentence)); // $GPGLL,4916.45,N,12311.12,W,225444,A
 * }
 * ```
 *
 * @throws {OptionsError} `invalid`, for an invalid option, and for two that contradict each other
 */
export function checksummed(
  framing: Framing<Uint8Array>,
  options: ChecksumOptions,
): Framing<Uint8Array> {
  const check = new OptionsCheck();
  const rules = readChecksumOptions(check, options);
  if (typeof framing?.decoder !== "function") check.refuse("framing", framing, "a framing, such as lines()");
  else if (framing.hint?.kind === "raw") {
    check.refuse("framing", "raw", "a framing whose frames do not end where the network likes");
  } else if (framing.hint?.kind === "delimited" && framing.hint.kept) {
    check.refuse("framing", framing.name, "no keepDelimiter: a checksum would stand behind the delimiter");
  }
  const onFrameError = check.oneOf("onFrameError", options.onFrameError, "close", ["close", "skip"]);
  check.done();
  const { name } = framing;
  const field = new ChecksumField(rules);
  const { size } = field;
  return mapFraming(framing, {
    onFrameError,
    decode(frame) {
      if (!(frame instanceof Uint8Array)) throw new TypeError(`found a ${typeof frame}, expected bytes`);
      const body = field.check(frame);
      return rules.keep ? frame : frame.subarray(0, body);
    },
    encode(frame) {
      requireBytes(name, frame);
      const { length } = frame;
      try {
        if (rules.keep) {
          field.check(frame);
          return frame;
        }
        const whole = length + size <= scratch.length
          ? scratch.subarray(0, length + size)
          : new Uint8Array(length + size);
        whole.set(frame);
        field.append(whole, length);
        return whole;
      } catch (error) {
        const { reason, message } = error as { reason: "checksum" | "malformed"; message: string };
        throw refusal(name, message, reason, { size: length });
      }
    },
  });
}
