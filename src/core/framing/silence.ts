/**
 * Frames that end when nothing more comes: those of serial lines that a converter puts into TCP.
 */
import { OptionsCheck } from "../options.ts";
import type { SizeInput } from "../text/size.ts";
import { checkDuration, type DurationInput } from "../time/duration.ts";
import { defaultMaxFrameBytes, type FrameErrorPolicy, type Framing } from "./framing.ts";
import { requireBytes } from "./refusal.ts";
import { SilenceDecoder } from "./silence_decoder.ts";

/** Options of {@linkcode silence}. */
export interface SilenceOptions {
  /** How long nothing comes after the last byte of a frame, such as `"15ms"`. Above 0, and not `Infinity`. */
  readonly gap: DurationInput;
  /** Maximum frame size, in bytes. A larger frame is a `FrameError` `too_large`. @default 1 MiB */
  readonly maxFrameBytes?: SizeInput | undefined;
  /**
   * What happens after a frame that is too large: close the connection, or report it, drop its bytes up to the next
   * silence and continue. @default "close"
   */
  readonly onFrameError?: FrameErrorPolicy | undefined;
}

const known = ["gap", "maxFrameBytes", "onFrameError"];

/**
 * Frames of bytes that end when nothing has come for `gap`, or when the input ends: Modbus RTU over TCP, and other
 * protocols of serial lines behind a converter. It says nothing of whether a frame is complete or correct; for that, use
 * {@linkcode mapFraming} and check the checksum.
 *
 * A frame is never cut early: the time is measured from the moment that its last byte was read, and time during which
 * this side does not read, or during which the process stands still, does not count. It is cut a little late: up to 15 ms after the
 * gap for gaps of less than 100 ms, and up to three tenths of the gap for longer ones, of which no more than 750 ms. Two frames are
 * certain to be two if the peer is silent between them for that much longer than the gap, and if they were read as they
 * came: what waits in the kernel while reading is stopped shows no silence.
 *
 * Sending writes the bytes and nothing else: to keep two frames apart, wait for the answer, or for longer than the
 * peer's gap.
 *
 * @example
 * ```ts
 * import { connect, serve, silence } from "@millrace/millrace";
 *
 * await using server = await serve({
 *   port: 0,
 *   framing: silence({ gap: "20ms", maxFrameBytes: 256 }),
 *   onFrame: (frame, connection) => connection.send(frame),
 * });
 * const framing = silence({ gap: "20ms" });
 * await using connection = await connect({ port: server.address.port, framing });
 * await connection.send(Uint8Array.of(1, 3, 0, 0, 0, 1, 0x84, 0x0a));
 * for await (const answer of connection) {
 *   console.log(answer.length); // 8
 *   break;
 * }
 * ```
 *
 * @throws {OptionsError} `invalid`, for an invalid option
 */
export function silence(options: SilenceOptions): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, known);
  const gap = checkGap(check, options.gap);
  const maxFrameBytes = check.size("maxFrameBytes", options.maxFrameBytes, defaultMaxFrameBytes);
  const skip = check.oneOf("onFrameError", options.onFrameError, "close", ["close", "skip"]) === "skip";
  check.done();
  const rules = { gap, maxFrameBytes, skip };
  return {
    name: "silence",
    hint: { kind: "raw" },
    decoder: (report) => new SilenceDecoder(rules, report),
    encode(frame, out) {
      requireBytes("silence", frame);
      out.bytes(frame);
    },
  };
}

/** A time after which nothing more is expected, in milliseconds. */
export function checkGap(check: OptionsCheck, gap: DurationInput): number {
  const found = checkDuration(check, "gap", gap, Infinity);
  if (found === Infinity) check.refuse("gap", gap, 'a duration above 0, such as "15ms"');
  return found;
}
