/** FIX messages in tag=value form: BeginString, BodyLength, fields, CheckSum. */
import { indexOfByte } from "../core/bytes/byte_search.ts";
import { showBytes } from "../core/bytes/bytes.ts";
import { Pattern } from "../core/bytes/pattern.ts";
import { sum8 } from "../core/checksum/checksums.ts";
import { defineFraming } from "../core/framing/define_framing.ts";
import type { FoundFrame } from "../core/framing/found_frame.ts";
import type { ByteSink, FrameErrorPolicy, Framing } from "../core/framing/framing.ts";
import { overSent, refusal, requireBytes } from "../core/framing/refusal.ts";
import { OptionsCheck } from "../core/options.ts";
import type { SizeInput } from "../core/text/size.ts";
import { checkLimits } from "./limits.ts";
import { nextPlace } from "./next_place.ts";
import { policy, type Preset, size } from "./preset.ts";

/** Options of {@linkcode fix}. */
export interface FixOptions {
  /** Maximum size of a message, from `8=` to the last SOH; a larger one is a `FrameError` `too_large`. @default 1 MiB */
  readonly maxFrameBytes?: SizeInput | undefined;
  /** Maximum size of a message to send; a larger one is a `FrameError` `too_large`. @default Infinity */
  readonly maxSentFrameBytes?: SizeInput | undefined;
  /**
   * What happens after a bad message. As FIX demands, it is reported and ignored: behind it the next one follows if only its
   * checksum was wrong, otherwise the next is looked for at the next `8=FIX`. Or the connection is closed. @default "skip"
   */
  readonly onFrameError?: FrameErrorPolicy | undefined;
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const [soh, zero] = [0x01, 0x30];
const begin = ascii("8=FIX");
const beginPattern: Pattern = new Pattern(begin);
const lengthTag = ascii("9=");
const checksumTag = ascii("10=");
/** `10=ddd` and SOH. */
const trailerBytes = 7;
/** No BeginString and no BodyLength is longer. */
const [mostBegin, mostDigits] = [32, 9];

/**
 * FIX messages in tag=value form. Frames are whole messages, from `8=FIX` to the SOH behind `10=`. BodyLength says where a
 * message ends, so that data fields may contain SOH; then CheckSum is verified (FIX 4.4 volume 2, FIX TagValue Encoding).
 *
 * What is sent is verified in the same way, and completed: where BodyLength is not the second field, it is written behind the
 * first, and CheckSum at the end.
 *
 * @example Sending a heartbeat without length and checksum, which are added
 * ```ts
 * import { fix } from "@millrace/millrace/protocols";
 * import { EncoderStream } from "@millrace/millrace/streams";
 *
 * const heartbeat = "8=FIX.4.4|35=0|49=A|56=B|34=2|52=20261127-21:00:00|".replaceAll("|", "\x01");
 * const encoder = new EncoderStream(fix());
 * const written = new Response(encoder.readable).text();
 * const writer = encoder.writable.getWriter();
 * await writer.write(new TextEncoder().encode(heartbeat));
 * await writer.close();
 * console.log((await written).replaceAll("\x01", "|").slice(0, 15), (await written).slice(-7, -1)); // 8=FIX.4.4|9=41| 10=127
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value
 */
export function fix(options: FixOptions = {}): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, Object.keys(fixPreset.options));
  const limits = checkLimits(check, options, { least: 32, onFrameError: "skip" });
  check.done();
  const { maxFrameBytes, maxSentFrameBytes, onFrameError } = limits;
  return defineFraming({
    name: "fix",
    maxFrameBytes,
    onFrameError,
    find: (bytes) => find(bytes, maxFrameBytes),
    resync: (bytes, from) => nextPlace(beginPattern, bytes, from),
    encode(frame, out) {
      requireBytes("fix", frame);
      const first = indexOfByte(frame, soh, 0) + 1;
      if (first === 0 || first > mostBegin || !startsWith(frame, begin, 0)) {
        throw refusal("fix", "found no BeginString, 8=FIX, as the first field");
      }
      if (!startsWith(frame, lengthTag, first)) return complete(frame, first, maxSentFrameBytes, out);
      const found = find(frame, Infinity);
      if (found?.malformed !== undefined) throw refusal("fix", found.malformed, found.reason);
      if (found?.size !== frame.length) {
        throw refusal("fix", `found ${frame.length} bytes, expected one whole message, as BodyLength says`);
      }
      if (frame.length > maxSentFrameBytes) throw overSent("fix", frame.length, maxSentFrameBytes);
      out.bytes(frame);
    },
  });
}

function find(bytes: Uint8Array, maxFrameBytes: number): Exclude<FoundFrame, number> | undefined {
  const { length } = bytes;
  for (let at = 0; at < begin.length; at++) {
    if (at === length) return undefined;
    if (bytes[at] !== begin[at]) {
      return { malformed: `found ${showBytes(bytes.subarray(0, at + 1))}, expected 8=FIX` };
    }
  }
  const first = indexOfByte(bytes.subarray(0, mostBegin), soh, begin.length) + 1;
  if (first === 0) {
    return length < mostBegin ? undefined : { malformed: "found a BeginString without an end" };
  }
  let body = 0;
  let at = first;
  for (;; at++) {
    if (at === length) return undefined;
    const byte = bytes[at]!;
    const place = at - first;
    if (place < lengthTag.length) {
      if (byte !== lengthTag[place]) return { malformed: "found no BodyLength, 9=, as the second field" };
      continue;
    }
    if (byte === soh && place > lengthTag.length) break;
    const digit = byte - zero;
    if (!(digit >= 0 && digit <= 9) || place - lengthTag.length === mostDigits) {
      return { malformed: `found a BodyLength that is not of 1 to ${mostDigits} digits` };
    }
    body = body * 10 + digit;
  }
  const end = at + 1 + body;
  const size = end + trailerBytes;
  if (size > maxFrameBytes) return { size };
  if (length < size) return undefined;
  if (bytes[end - 1] !== soh || !startsWith(bytes, checksumTag, end) || bytes[size - 1] !== soh) {
    return {
      malformed: `found a BodyLength of ${body}, and no CheckSum, 10=, where it says that the message ends`,
    };
  }
  const said = bytes.subarray(end + checksumTag.length, size - 1);
  const sum = digits(sum8(bytes, 0, end));
  if (said.every((byte, place) => byte === sum.charCodeAt(place))) return { size };
  return { malformed: `found the CheckSum ${showBytes(said)}, expected "${sum}"`, reason: "checksum", size };
}

function startsWith(bytes: Uint8Array, text: Uint8Array, from: number): boolean {
  return text.every((byte, at) => bytes[from + at] === byte);
}

/** Three digits. */
function digits(sum: number): string {
  return String(sum).padStart(3, "0");
}

/** Writes a message that has neither BodyLength nor CheckSum. */
function complete(frame: Uint8Array, first: number, maxSent: number, out: ByteSink): void {
  const body = frame.subarray(first);
  if (body.length < 2 || body[body.length - 1] !== soh) {
    throw refusal("fix", "found no fields that end with SOH behind BeginString");
  }
  if (startsWith(body, checksumTag, body.lastIndexOf(soh, body.length - 2) + 1)) {
    throw refusal("fix", "found CheckSum without BodyLength; leave out both, or neither");
  }
  const length = ascii(`9=${body.length}\x01`);
  const total = frame.length + length.length + trailerBytes;
  if (total > maxSent) throw overSent("fix", total, maxSent);
  const sum = sum8(body, 0, body.length, sum8(length, 0, length.length, sum8(frame, 0, first)));
  out.bytes(frame.subarray(0, first));
  out.bytes(length);
  out.bytes(body);
  out.text(`10=${digits(sum)}\x01`);
}

/** As people name it in text and in a configuration. */
export const fixPreset: Preset = {
  name: "fix",
  summary: "FIX messages, tag=value",
  options: { maxFrameBytes: size, maxSentFrameBytes: size, onFrameError: policy },
  make: fix,
};
