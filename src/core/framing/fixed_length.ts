/**
 * Frames that are all of one size.
 */
import { OptionsCheck } from "../options.ts";
import type { SizeInput } from "../text/size.ts";
import type { Framing } from "./framing.ts";
import { refusal, requireBytes } from "./refusal.ts";
import { SizedDecoder, type SizeRules } from "./sized_decoder.ts";

/** Options of {@linkcode fixedLength}. */
export interface FixedLengthOptions {
  /** Size of every frame, in bytes. The decoder holds no more than one. */
  readonly frameBytes: SizeInput;
}

/**
 * Frames of one size, however they arrive. `send` rejects a frame of another size with a `FrameError` `malformed`. A
 * frame is a view of the chunk it came in where possible: copy it to keep it for long.
 *
 * @example
 * ```ts
 * import { fixedLength } from "@millrace/millrace";
 * import { FramerStream } from "@millrace/millrace/streams";
 *
 * const bytes = new Blob([Uint8Array.of(1, 2, 3, 4, 5, 6)]).stream();
 * const framing = fixedLength({ frameBytes: 3 });
 * for await (const frame of bytes.pipeThrough(new FramerStream(framing))) console.log(frame.join());
 * // 1,2,3
 * // 4,5,6
 * ```
 *
 * @throws {OptionsError} `invalid`, unless `frameBytes` is a whole number, 1 or more
 */
export function fixedLength(options: FixedLengthOptions): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, ["frameBytes"]);
  const most = 2 ** 32;
  const frameBytes = check.size("frameBytes", options.frameBytes ?? 0, 1, { most });
  check.done();
  const rules: SizeRules = {
    name: "fixedLength",
    headerBytes: 1,
    minFrameBytes: frameBytes,
    maxFrameBytes: frameBytes,
    droppedBytes: undefined,
    strip: 0,
    skip: false,
    size: () => frameBytes,
    // Never asked for: every size is right.
    show: () => `a frame of ${frameBytes} bytes`,
    advice: "",
  };
  return {
    name: "fixedLength",
    hint: { kind: "fixed", frameBytes },
    decoder: (report) => new SizedDecoder(rules, report),
    encode(frame, out) {
      requireBytes("fixedLength", frame);
      if (frame.length !== frameBytes) {
        throw refusal(
          "fixedLength",
          `found ${frame.length} bytes, expected ${frameBytes}, the size of every frame`,
        );
      }
      out.bytes(frame);
    },
  };
}
