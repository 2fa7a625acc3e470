/** MLLP, which carries HL7 messages: a start byte, the message, two end bytes; and the acknowledgements of its release 2. */
import { indexOfByte } from "../core/bytes/byte_search.ts";
import { defineFraming } from "../core/framing/define_framing.ts";
import type { FoundFrame } from "../core/framing/found_frame.ts";
import type { FrameErrorPolicy, Framing } from "../core/framing/framing.ts";
import { overSent, refusal, requireBytes } from "../core/framing/refusal.ts";
import { OptionsCheck } from "../core/options.ts";
import type { SizeInput } from "../core/text/size.ts";
import { checkLimits } from "./limits.ts";
import { policy, type Preset, size } from "./preset.ts";

/** Options of {@linkcode mllp}. */
export interface MllpOptions {
  /**
   * What becomes of bytes between blocks, such as the NULs or line ends that some peers send: a `FrameError` `malformed`, or
   * they are dropped without a word. @default "error"
   */
  readonly between?: "error" | "skip" | undefined;
  /**
   * Maximum size of a block, in bytes or as text such as `"64KiB"`, including its start byte and its two end bytes. A
   * larger one is a `FrameError` `too_large`, as soon as so many bytes have come without an end. @default 1 MiB
   */
  readonly maxFrameBytes?: SizeInput | undefined;
  /** Maximum size of a block to send; a larger one is a `FrameError` `too_large`. @default Infinity */
  readonly maxSentFrameBytes?: SizeInput | undefined;
  /**
   * What happens after a bad block: close the connection, or report it and go on with the next start byte. @default "close"
   */
  readonly onFrameError?: FrameErrorPolicy | undefined;
}

const [startByte, endByte, carriageReturn] = [0x0b, 0x1c, 0x0d];
const around = 3;

/**
 * MLLP blocks, `0B message 1C 0D`. Frames are the messages, without these bytes. `malformed` are: bytes between blocks, unless
 * `between` is `"skip"`; an empty block; and a `1C` that no `0D` follows, which is not sent either. Nothing else is
 * demanded of a message (HL7 "Transport Specification: MLLP, Release 1").
 *
 * The commit acknowledgements of Release 2 are blocks of one byte, 06 or 15: frames like others, which
 * {@linkcode mllpCommit} makes and {@linkcode mllpCommitOf} recognises.
 *
 * @example A server that acknowledges each message
 * ```ts
 * import { serve } from "@millrace/millrace";
 * import { hl7Answer, mllp } from "@millrace/millrace/protocols";
 *
 * const server = await serve({
 *   port: 0,
 *   framing: mllp(),
 *   onFrame: (message, connection) => connection.send(hl7Answer(message, "AA")),
 * });
 * await server.close();
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value
 */
export function mllp(options: MllpOptions = {}): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, Object.keys(mllpPreset.options));
  const limits = checkLimits(check, options, { least: around + 1 });
  const between = check.oneOf("between", options.between, "error", ["error", "skip"]);
  check.done();
  const { maxFrameBytes, maxSentFrameBytes, onFrameError } = limits;
  return defineFraming({
    name: "mllp",
    maxFrameBytes,
    onFrameError,
    find: (bytes, searched) => find(bytes, searched, between === "skip"),
    resync: (bytes, from, atEnd) => atEnd ? -1 : indexOfByte(bytes, startByte, from),
    encode(frame, out) {
      requireBytes("mllp", frame);
      if (frame.length === 0) throw refusal("mllp", "found an empty message");
      if (indexOfByte(frame, endByte, 0) >= 0) {
        throw refusal("mllp", "found byte 1C in a message, which ends a block");
      }
      const total = frame.length + around;
      if (total > maxSentFrameBytes) throw overSent("mllp", total, maxSentFrameBytes);
      out.byte(startByte);
      out.bytes(frame);
      out.byte(endByte);
      out.byte(carriageReturn);
    },
  });
}

function find(bytes: Uint8Array, searched: number, skipsBetween: boolean): FoundFrame | undefined {
  if (bytes[0] !== startByte) {
    if (!skipsBetween) {
      return { malformed: `found byte ${bytes[0]} between blocks, expected the start byte 0B` };
    }
    const start = indexOfByte(bytes, startByte, 1);
    return { size: start < 0 ? bytes.length : start, drop: true };
  }
  // The byte after the end byte may not have been there.
  const end = indexOfByte(bytes, endByte, Math.max(1, searched - 1));
  if (end < 0) return undefined;
  if (end === 1) return { malformed: "found an empty block", passed: 2 };
  const size = end + 2;
  if (size > bytes.length) return undefined;
  if (bytes[end + 1] === carriageReturn) return { size, start: 1, end };
  return { malformed: `found byte ${bytes[end + 1]} after 1C, expected 0D`, passed: end + 1 };
}

const [acknowledged, rejected] = [0x06, 0x15];

/**
 * A commit acknowledgement of MLLP Release 2, to be sent as a frame: `"ack"` once the message is stored safely, `"nak"` if it
 * is not.
 *
 * @example
 * ```ts
 * import { mllpCommit, mllpCommitOf } from "@millrace/millrace/protocols";
 *
 * console.log(mllpCommitOf(mllpCommit("ack"))); // ack
 * console.log(mllpCommitOf(new TextEncoder().encode("MSH|"))); // undefined
 * ```
 */
export function mllpCommit(commit: "ack" | "nak"): Uint8Array {
  return Uint8Array.of(commit === "ack" ? acknowledged : rejected);
}

/**
 * What a received frame acknowledges in MLLP Release 2, or undefined if it is a message.
 *
 * @example
 * ```ts
 * import { mllpCommitOf } from "@millrace/millrace/protocols";
 *
 * console.log(mllpCommitOf(Uint8Array.of(0x15))); // nak
 * ```
 */
export function mllpCommitOf(frame: Uint8Array): "ack" | "nak" | undefined {
  if (frame.length !== 1) return undefined;
  return frame[0] === acknowledged ? "ack" : frame[0] === rejected ? "nak" : undefined;
}

/** As people name it in text and in a configuration. */
export const mllpPreset: Preset = {
  name: "mllp",
  summary: "MLLP blocks, which carry HL7 messages",
  options: {
    between: { kind: "choice", of: ["error", "skip"] },
    maxFrameBytes: size,
    maxSentFrameBytes: size,
    onFrameError: policy,
  },
  make: mllp,
};
