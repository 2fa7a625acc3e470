/**
 * The public base for framings of a user's own: they say where a frame ends, the rest is done here.
 *
 * For application code. `found_decoder.ts` holds the bytes; `map_framing.ts` makes messages of the frames.
 */
import { OptionsCheck } from "../options.ts";
import type { SizeInput } from "../text/size.ts";
import { FoundDecoder, type FoundFrame } from "./found_decoder.ts";
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
   * The largest frame to accept, in bytes or as text such as `"64KiB"`, header and trailer included. Over it: `FrameError` `too_large`, as soon as
   * the size is known or so many bytes have come without an end. @default 1 MiB
   */
  readonly maxFrameBytes?: SizeInput | undefined;
  /**
   * What happens after a bad frame: end the connection, or report it and pass over it, where its size is known.
   * @default "close"
   */
  readonly onFrameError?: FrameErrorPolicy | undefined;
  /** What the bytes should look like, for the diagnosis of a wrong peer. @default none */
  readonly hint?: FramingHint | undefined;
  /**
   * Looks for the end of the frame that begins with the first of these bytes, of which there is at least one. Answers the
   * size of the frame, which may be more than has come; or that with what of it to pass on; or what is wrong; or
   * `undefined` where more bytes are needed to tell, upon which it is asked again with more of the same frame.
   *
   * `searched` of the bytes were there when it was last asked about this frame, 0 at first: a search goes on from there,
   * so that no byte is searched twice. The bytes may reach into the next frames, and never over `maxFrameBytes`. They
   * must be looked at in order, so that a fault is found at the same byte however the stream is split, and must not be
   * changed or kept. `atEnd`: the input has ended behind these bytes. If they all are a frame then, answer their number;
   * anything less is a `FrameError` `truncated`.
   */
  find(bytes: Uint8Array, searched: number, atEnd: boolean): number | FoundFrame | undefined;
  /**
   * Writes one frame, with its header and trailer. Throw a `FrameError` for a frame that cannot be written; whatever was
   * written of it is taken back.
   */
  encode(frame: Sent, out: ByteSink): void;
}

const known = ["name", "maxFrameBytes", "onFrameError", "hint", "find", "encode"];

/**
 * A framing of your own from a function that says where a frame ends. Bytes are held until a frame is complete, errors
 * get the offset of their frame, a decoder that has failed stays failed, and the work is linear in the bytes, in
 * whatever pieces they come. Frames are the bytes that `find` says; a frame is a view of the chunk it came in where it
 * came in one: copy it to keep it for long. For messages of another type, see {@linkcode mapFraming}.
 *
 * Hold the result to `assertFramer` of `millrace/testing`.
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
 * @throws {OptionsError} `invalid`, for a definition without `name`, `find` or `encode`, and for an option that makes no
 * sense
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
  const maxFrameBytes = check.size("maxFrameBytes", definition.maxFrameBytes, defaultMaxFrameBytes);
  const policy = check.oneOf("onFrameError", definition.onFrameError, "close", ["close", "skip"]);
  check.done();
  const rules = {
    name,
    maxFrameBytes,
    skip: policy === "skip",
    find: definition.find.bind(definition),
  };
  return {
    name,
    hint,
    decoder: (report) => new FoundDecoder(rules, report),
    encode: definition.encode.bind(definition),
  };
}
