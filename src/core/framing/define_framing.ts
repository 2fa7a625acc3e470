/**
 * The public base for framings of a user's own: they say where a frame ends, the rest is done here.
 *
 * For application code. `found_decoder.ts` holds the bytes; `map_framing.ts` makes messages of the frames.
 */
import { OptionsCheck } from "../options.ts";
import type { SizeInput } from "../text/size.ts";
import { FoundDecoder } from "./found_decoder.ts";
import { findInView, type FoundFrame } from "./found_frame.ts";
import {
  type ByteSink,
  defaultMaxFrameBytes,
  type FrameErrorPolicy,
  type Framing,
  type FramingHint,
} from "./framing.ts";

/** A framing for {@linkcode defineFraming}. */
export interface FramingDefinition<Sent = Uint8Array> {
  /** For errors, logs and `inspect()`, such as `"varint"`. */
  readonly name: string;
  /**
   * Maximum frame size, in bytes or as text such as `"64KiB"`, including header and trailer. A larger frame is a
   * `FrameError` `too_large`, as soon as its size is known or so many bytes have arrived without an end. @default 1
   * MiB
   */
  readonly maxFrameBytes?: SizeInput | undefined;
  /**
   * What happens after a bad frame: close the connection, or report it and skip it, if its size is known or `resync` is
   * there. @default "close"
   */
  readonly onFrameError?: FrameErrorPolicy | undefined;
  /** What the bytes should look like, for the diagnosis of a wrong peer. @default none */
  readonly hint?: FramingHint | undefined;
  /**
   * Finds the end of the frame that begins with the first of these bytes, of which there is at least one. Returns the
   * size of the frame, which may be more than has arrived; or the size and the part to pass on; or what is wrong; or
   * `undefined` if more bytes are needed, in which case it is called again with more bytes of the same frame.
   *
   * `searched` of the bytes were there at the last call for this frame, 0 at first. A search that continues from
   * there looks at each byte once. The bytes may reach into the next frames, but never beyond `maxFrameBytes`. Look
   * at them in order, so that an error is found at the same byte however the stream is split, and do not change or
   * keep them. `atEnd`: the input has ended after these bytes. If together they are the last frame, return their
   * number; otherwise the result is a `FrameError` `truncated`.
   */
  find(bytes: Uint8Array, searched: number, atEnd: boolean): number | FoundFrame | undefined;
  /**
   * Looks for the next frame after a bad one whose end is unknown, if `onFrameError` is `"skip"`. Returns the first place, at
   * `from` or after it, where a frame may begin, or -1. `find` is then asked about that place; what it finds wrong there
   * is not reported again. `atEnd`: the input has ended, and the frame before was incomplete; return -1 if then none
   * behind it can be complete. Look at each byte once, and only as far as the place that is returned.
   * @default the connection ends after a bad frame whose end is unknown
   */
  resync?(bytes: Uint8Array, from: number, atEnd: boolean): number;
  /**
   * Writes one frame, with its header and trailer. Throw a `FrameError` for a frame that cannot be written; what was
   * written of it is discarded.
   */
  encode(frame: Sent, out: ByteSink): void;
}

const known = ["name", "maxFrameBytes", "onFrameError", "hint", "find", "resync", "encode"];

/**
 * Makes a framing from a function that finds the end of a frame. The rest is provided: bytes are held until a frame
 * is complete, errors have the offset of their frame, a decoder that has failed stays failed, and the work is linear
 * in the number of bytes, however they are split. A frame is a view of the chunk it came in where possible: copy it
 * to keep it for long. For messages of another type, see {@linkcode mapFraming}.
 *
 * Test the result with `assertFramer` of `millrace/testing`.
 *
 * @example Frames behind a length in the varint form of Protocol Buffers
 * ```ts
 * import { defineFraming } from "@millrace/millrace";
 * import { assertFramer } from "@millrace/millrace/testing";
 *
 * const varint = defineFraming({
 *   name: "varint",
 *   find(bytes) {
 *     let length = 0;
 *     for (let at = 0; at < bytes.length; at++) {
 *       length += (bytes[at]! & 0x7f) * 2 ** (7 * at);
 *       if (bytes[at]! < 0x80) return { start: at + 1, size: at + 1 + length };
 *       if (at === 4) return { malformed: "found a length of more than 5 bytes" };
 *     }
 *     return undefined;
 *   },
 *   encode(frame, out) {
 *     let rest = frame.length;
 *     for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.byte(rest % 0x80 + 0x80);
 *     out.byte(rest);
 *     out.bytes(frame);
 *   },
 * });
 * assertFramer(varint, [
 *   { bytes: Uint8Array.of(0, 2, 7, 8), frames: [new Uint8Array(), Uint8Array.of(7, 8)], exact: true },
 *   { bytes: Uint8Array.of(3, 7), frames: [], error: "truncated" },
 * ]);
 * ```
 *
 * @throws {OptionsError} `invalid`, for a definition without `name`, `find` or `encode`, and for an invalid option
 */
export function defineFraming<Sent = Uint8Array>(
  definition: FramingDefinition<Sent>,
): Framing<Uint8Array, Sent> {
  const check = new OptionsCheck();
  check.keys(definition, known);
  const { name, hint } = definition;
  if (typeof name !== "string" || name === "") check.refuse("name", name, 'a name, such as "varint"');
  for (const part of ["find", "encode"] as const) {
    if (typeof definition[part] !== "function") check.refuse(part, definition[part], "a function");
  }
  check.functions(definition, ["resync"]);
  const maxFrameBytes = check.size("maxFrameBytes", definition.maxFrameBytes, defaultMaxFrameBytes);
  const policy = check.oneOf("onFrameError", definition.onFrameError, "close", ["close", "skip"]);
  check.done();
  const rules = {
    name,
    maxFrameBytes,
    skip: policy === "skip",
    find: findInView(definition.find.bind(definition)),
    resync: definition.resync?.bind(definition),
  };
  return {
    name,
    hint,
    decoder: (report) => new FoundDecoder(rules, report),
    encode: definition.encode.bind(definition),
  };
}
