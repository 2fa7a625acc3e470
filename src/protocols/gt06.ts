/** GT06, the protocol of Concox and of many GPS trackers like theirs. */
import { indexOfByte } from "../core/bytes/byte_search.ts";
import { crc16x25 } from "../core/checksum/checksums.ts";
import { defineFraming } from "../core/framing/define_framing.ts";
import type { FoundFrame } from "../core/framing/found_frame.ts";
import type { Framing } from "../core/framing/framing.ts";
import { refusal } from "../core/framing/refusal.ts";
import { OptionsCheck } from "../core/options.ts";
import { ByteSet } from "./byte_set.ts";
import { checkLimits, limitOptions, type ProtocolLimits, writeWhole } from "./limits.ts";
import type { Preset } from "./preset.ts";

/** Options of {@linkcode gt06}. */
export interface Gt06Options extends ProtocolLimits {
  /**
   * What becomes of a packet at whose end, as its length says, `0D 0A` does not stand; some devices send wrong lengths. It
   * ends at the first `0D 0A` behind its length then, and is a `FrameError` `malformed`, or accepted without a look at its
   * checksum. @default "error"
   */
  readonly wrongLength?: "error" | "accept" | undefined;
}

const [short, long] = [0x78, 0x79];
const starts: ByteSet = new ByteSet([short, long]);
const [carriageReturn, lineFeed] = [0x0d, 0x0a];
/** The checksum and `0D 0A`. */
const trailerBytes = 4;
/** What a length counts at least: protocol, serial number and checksum. */
const leastLength = 5;

/**
 * GT06 of Concox (GPS trackers): packets from `78 78` with a length of one byte, or `79 79` with one of two, to `0D 0A`. Frames are
 * whole packets: start, length, protocol number, content, serial number (2 bytes), checksum (2), end. The checksum
 * (CRC-16/X-25) is verified in both directions ("GT06 GPS Tracker Communication Protocol", 4.1 to 4.6).
 *
 * A login has to be answered within 5 seconds, by {@linkcode gt06Answer}.
 *
 * @example A server that answers logins and heartbeats
 * ```ts
 * import { serve } from "@millrace/millrace";
 * import { gt06, gt06Answer } from "@millrace/millrace/protocols";
 *
 * const server = await serve({
 *   port: 0,
 *   framing: gt06(),
 *   onFrame(packet, connection) {
 *     if (packet[3] === 0x01 || packet[3] === 0x13) connection.send(gt06Answer(packet));
 *   },
 * });
 * await server.close();
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value
 */
export function gt06(options: Gt06Options = {}): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, Object.keys(gt06Preset.options));
  const limits = checkLimits(check, options, { least: leastLength + 5, maxFrameBytes: 4096 });
  const wrongLength = check.oneOf("wrongLength", options.wrongLength, "error", ["error", "accept"]);
  check.done();
  const { maxFrameBytes, maxSentFrameBytes, onFrameError } = limits;
  return defineFraming({
    name: "gt06",
    maxFrameBytes,
    onFrameError,
    find(bytes, searched) {
      const found = find(bytes, searched, maxFrameBytes);
      return wrongLength === "accept" && found?.wrong !== undefined ? found.wrong : found;
    },
    resync: (bytes, from, atEnd) => atEnd ? -1 : starts.indexIn(bytes, from),
    encode: (frame, out) =>
      writeWhole("gt06", frame, maxSentFrameBytes, (bytes) => {
        const found = find(bytes, 0, Infinity);
        return found?.malformed === undefined ? found?.size : { malformed: found.malformed };
      }, out),
  });
}

/** What was found, and the size of a packet whose length is wrong. */
type Found = FoundFrame & { readonly wrong?: number };

function find(bytes: Uint8Array, searched: number, maxFrameBytes: number): Found | undefined {
  const { length } = bytes;
  const start = bytes[0]!;
  if (!starts.has(start)) {
    return { malformed: `found byte ${start}, expected the start of a packet, 78 78 or 79 79` };
  }
  if (length < 2) return undefined;
  if (bytes[1] !== start) {
    return { malformed: `found byte ${bytes[1]} after ${start}, expected 78 78 or 79 79` };
  }
  const content = start === short ? 3 : 4;
  if (length < content) return undefined;
  const said = start === short ? bytes[2]! : bytes[2]! << 8 | bytes[3]!;
  const size = content + said + 2;
  if (size > maxFrameBytes) return { size };
  if (length < size) return undefined;
  if (said >= leastLength && endsAt(bytes, size)) {
    const at = size - trailerBytes;
    const [found, sum] = [bytes[at]! << 8 | bytes[at + 1]!, crc16x25(bytes, 2, at)];
    if (found === sum) return { size };
    return { malformed: `found the checksum ${hex(found)}, expected ${hex(sum)}`, reason: "checksum", size };
  }
  let at = searched >= size ? searched : content + 1;
  do at = indexOfByte(bytes, lineFeed, at) + 1; while (at > 0 && !endsAt(bytes, at));
  if (at === 0) return undefined;
  const malformed = `found a length of ${said}, and no 0D 0A where it says that the packet ends`;
  return { malformed, size: at, wrong: at };
}

function endsAt(bytes: Uint8Array, end: number): boolean {
  return bytes[end - 2] === carriageReturn && bytes[end - 1] === lineFeed;
}

function hex(sum: number): string {
  return sum.toString(16).toUpperCase().padStart(4, "0");
}

/**
 * The answer to a packet of a GT06 tracker: a packet with its protocol number and its serial number, and with content where the
 * protocol number asks for it. Logins (01) and heartbeats (13) are answered without content.
 *
 * @example
 * ```ts
 * import { gt06Answer } from "@millrace/millrace/protocols";
 *
 * const login = Uint8Array.of(0x78, 0x78, 5, 1, 0, 1, 0xd9, 0xdc, 0x0d, 0x0a);
 * console.log(gt06Answer(login).join()); // 120,120,5,1,0,1,217,220,13,10
 * ```
 *
 * @throws {FrameError} `malformed`, for what is no packet; `too_large`, for more than 250 bytes of content
 */
export function gt06Answer(packet: Uint8Array, content: Uint8Array = new Uint8Array(0)): Uint8Array {
  if (packet.length < leastLength + 5 || !starts.has(packet[0]!)) {
    throw refusal("gt06Answer", `found ${packet.length} bytes, expected a whole packet`);
  }
  const length = leastLength + content.length;
  if (length > 255) {
    throw refusal("gt06Answer", `found ${content.length} bytes of content`, "too_large", {
      size: length,
      limit: 255,
    });
  }
  const answer = new Uint8Array(length + 5);
  const serial = packet.length - trailerBytes - 2;
  answer.set([short, short, length, packet[packet[0] === short ? 3 : 4]!]);
  answer.set(content, 4);
  answer.set(packet.subarray(serial, serial + 2), length - 1);
  const sum = crc16x25(answer, 2, length + 1);
  answer.set([sum >> 8, sum & 255, carriageReturn, lineFeed], length + 1);
  return answer;
}

/** As people name it in text and in a configuration. */
export const gt06Preset: Preset = {
  name: "gt06",
  summary: "packets of GPS trackers (Concox GT06)",
  options: { wrongLength: { kind: "choice", of: ["error", "accept"] }, ...limitOptions },
  make: gt06,
};
