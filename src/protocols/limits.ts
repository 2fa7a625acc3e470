/**
 * The limits that protocols share, and the sending of frames that include their own header.
 *
 * Used by the files of this folder; knows no protocol.
 */
import { defaultMaxFrameBytes, type FrameErrorPolicy } from "../core/framing/framing.ts";
import type { ByteSink } from "../core/framing/framing.ts";
import { overSent, refusal, requireBytes } from "../core/framing/refusal.ts";
import type { OptionsCheck } from "../core/options.ts";
import type { SizeInput } from "../core/text/size.ts";
import { policy, type PresetValue, size } from "./preset.ts";

/** Options that the framings of `millrace/protocols` share. */
export interface ProtocolLimits {
  /**
   * Maximum size of a frame as it is on the wire, in bytes or as text such as `"64KiB"`. A larger one is a `FrameError`
   * `too_large`, as soon as its size is known or so many bytes have arrived without an end. @default 1 MiB
   */
  readonly maxFrameBytes?: SizeInput | undefined;
  /**
   * Maximum size of a frame to send, as it is on the wire. A larger one is not sent: `FrameError` `too_large`.
   * @default Infinity
   */
  readonly maxSentFrameBytes?: SizeInput | undefined;
  /**
   * What happens after a bad frame: close the connection, or report and skip it where it is known how far. Otherwise
   * the connection closes in any case, because nothing shows where the next frame begins. @default "close"
   */
  readonly onFrameError?: FrameErrorPolicy | undefined;
}

/** What stands in the place of an option that is left out, and the size of the smallest frame. */
interface LimitDefaults {
  readonly least?: number;
  readonly maxFrameBytes?: number;
  readonly maxSentFrameBytes?: number;
  readonly onFrameError?: FrameErrorPolicy;
}

/** The limits in numbers. */
interface CheckedLimits {
  readonly maxFrameBytes: number;
  readonly maxSentFrameBytes: number;
  readonly onFrameError: FrameErrorPolicy;
}

/** The shared options, for a `Preset`. */
export const limitOptions: Readonly<Record<keyof ProtocolLimits, PresetValue>> = {
  maxFrameBytes: size,
  maxSentFrameBytes: size,
  onFrameError: policy,
};

/** Reads them; faults go to `check`. */
export function checkLimits(
  check: OptionsCheck,
  options: ProtocolLimits,
  defaults: LimitDefaults = {},
): CheckedLimits {
  const { least = 1, maxFrameBytes = defaultMaxFrameBytes, maxSentFrameBytes = Infinity } = defaults;
  const range = { least };
  return {
    maxFrameBytes: check.size("maxFrameBytes", options.maxFrameBytes, maxFrameBytes, range),
    maxSentFrameBytes: check.size("maxSentFrameBytes", options.maxSentFrameBytes, maxSentFrameBytes, range),
    onFrameError: check.oneOf("onFrameError", options.onFrameError, defaults.onFrameError ?? "close", [
      "close",
      "skip",
    ]),
  };
}

/** What the bytes of a frame say of it: its size, undefined where they are too few, or what is wrong. */
type SaidSize = number | undefined | { readonly malformed: string };

/** Writes a frame that begins with its own header, after a look whether that tells its size. */
export function writeWhole(
  name: string,
  frame: Uint8Array,
  limit: number,
  sizeOf: (frame: Uint8Array, from: number, to: number) => SaidSize,
  out: ByteSink,
): void {
  requireBytes(name, frame);
  const { length } = frame;
  const said = length === 0 ? undefined : sizeOf(frame, 0, length);
  if (typeof said === "object") throw refusal(name, said.malformed);
  if (said !== length) {
    const problem = said === undefined ? "the end of the frame is missing" : `its header says ${said} bytes`;
    throw refusal(name, `found ${length} bytes, ${problem}; send one whole frame, with its header`);
  }
  if (length > limit) throw overSent(name, length, limit);
  out.bytes(frame);
}
