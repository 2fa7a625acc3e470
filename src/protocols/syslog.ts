/** Syslog over TCP and TLS: messages behind their length, or lines. */
import { indexOfByte } from "../core/bytes/byte_search.ts";
import { FoundDecoder } from "../core/framing/found_decoder.ts";
import { findInView, type FoundFrame } from "../core/framing/found_frame.ts";
import type { Framing } from "../core/framing/framing.ts";
import { overSent, refusal, requireBytes } from "../core/framing/refusal.ts";
import { OptionsCheck } from "../core/options.ts";
import { checkLimits, limitOptions, type ProtocolLimits } from "./limits.ts";
import type { Preset } from "./preset.ts";

/** Options of {@linkcode syslog}. */
export interface SyslogOptions extends ProtocolLimits {
  /**
   * What is received: `"counted"`, messages behind their length (octet counting); `"lf"`, messages that a line feed ends;
   * `"auto"`, either, decided for each message by its first byte, which is a digit in front of a length only.
   * @default "auto"
   */
  readonly receive?: "auto" | "counted" | "lf" | undefined;
  /**
   * What is sent: `"counted"`, which any message survives, or `"lf"`, for which a message with a line feed in it, or a
   * digit at its beginning, is a `FrameError` `malformed`. @default "counted"
   */
  readonly send?: "counted" | "lf" | undefined;
}

/** Digits of the largest length that is a safe number. */
const mostDigits = 15;
const [lineFeed, carriageReturn, space, zero, nine] = [10, 13, 32, 0x30, 0x39];

/**
 * Syslog messages over TCP (RFC 6587) and TLS (RFC 5425, which has octet counting only). Frames are messages without
 * length and line end. What is received may change from message to message, as RFC 6587 describes it, and line ends between messages,
 * `\n` or `\r\n`, are passed over.
 *
 * A length that begins with 0, is not followed by a space or has more than 15 digits is a `FrameError` `malformed`. With
 * `onFrameError: "skip"`, a message that is too large is skipped, to its end by its length or to the next line feed.
 * RFC 5425 demands that messages of 2,048 bytes are accepted, and recommends 8,192: `maxFrameBytes` should not be less.
 *
 * @example
 * ```ts
 * import { serve } from "@millrace/millrace";
 * import { syslog } from "@millrace/millrace/protocols";
 *
 * const server = await serve({
 *   port: 0,
 *   framing: syslog({ maxFrameBytes: "64KiB" }),
 *   onFrame: (message) => console.log(new TextDecoder().decode(message)),
 * });
 * await server.close();
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value
 */
export function syslog(options: SyslogOptions = {}): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, Object.keys(syslogPreset.options));
  const { maxFrameBytes, maxSentFrameBytes, onFrameError } = checkLimits(check, options);
  const receive = check.oneOf("receive", options.receive, "auto", ["auto", "counted", "lf"]);
  const send = check.oneOf("send", options.send, "counted", ["counted", "lf"]);
  check.done();
  const skip = onFrameError === "skip";
  return {
    name: "syslog",
    decoder(report) {
      const lines = new Lines(maxFrameBytes, skip);
      const find = (bytes: Uint8Array, searched: number): FoundFrame | undefined =>
        !lines.skipping && (receive === "counted" || receive === "auto" && isDigit(bytes[0]!))
          ? findCounted(bytes)
          : lines.find(bytes, searched);
      return new FoundDecoder({ name: "syslog", maxFrameBytes, skip, find: findInView(find) }, report);
    },
    encode(message, out) {
      requireBytes("syslog", message);
      const { length } = message;
      if (length === 0) throw refusal("syslog", "found no bytes; a message has one or more");
      if (send === "lf") checkLine(message);
      const head = send === "lf" ? "" : `${length} `;
      const total = head === "" ? length + 1 : head.length + length;
      if (total > maxSentFrameBytes) throw overSent("syslog", total, maxSentFrameBytes);
      out.text(head);
      out.bytes(message);
      if (head === "") out.byte(lineFeed);
    },
  };
}

function findCounted(bytes: Uint8Array): FoundFrame | undefined {
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === space && at > 0) return { size: at + 1 + length, start: at + 1 };
    // Some senders end messages that have a length with a line end, too.
    if (at === 0 && (byte === lineFeed || byte === carriageReturn)) return { size: 1, drop: true };
    if (!isDigit(byte)) return { malformed: `found byte ${byte}, expected a length and a space` };
    if (at === 0 && byte === zero) return { malformed: "found a length that begins with 0" };
    if (at === mostDigits) return { malformed: `found a length of more than ${mostDigits} digits` };
    length = length * 10 + byte - zero;
  }
  return undefined;
}

/** Finds messages that line feeds end, on one connection. */
class Lines {
  /** The rest of a message that was too large is passed over. */
  skipping = false;
  readonly #maxFrameBytes: number;
  readonly #skip: boolean;

  constructor(maxFrameBytes: number, skip: boolean) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#skip = skip;
  }

  find(bytes: Uint8Array, searched: number): FoundFrame | undefined {
    const end = indexOfByte(bytes, lineFeed, this.skipping ? 0 : searched);
    if (this.skipping) {
      this.skipping = end < 0;
      return { size: end < 0 ? bytes.length : end + 1, drop: true };
    }
    if (end < 0) {
      if (!this.#skip || bytes.length < this.#maxFrameBytes) return undefined;
      this.skipping = true;
      return { atLeast: bytes.length + 1, skip: bytes.length };
    }
    const textEnd = end > 0 && bytes[end - 1] === carriageReturn ? end - 1 : end;
    return { size: end + 1, end: textEnd, drop: textEnd === 0 };
  }
}

function checkLine(message: Uint8Array): void {
  const at = indexOfByte(message, lineFeed, 0);
  if (at >= 0) {
    throw refusal(
      "syslog",
      `it has a line feed at ${at} and would arrive as several messages; use send "counted"`,
    );
  }
  if (isDigit(message[0]!)) {
    throw refusal("syslog", 'it begins with a digit, which receivers take for a length; use send "counted"');
  }
  if (message.at(-1) === carriageReturn) {
    throw refusal("syslog", 'it ends with a carriage return, which receivers drop; use send "counted"');
  }
}

function isDigit(byte: number): boolean {
  return byte >= zero && byte <= nine;
}

/** As people name it in text and in a configuration. */
export const syslogPreset: Preset = {
  name: "syslog",
  summary: "syslog messages behind their length, or ended by a line feed",
  options: {
    receive: { kind: "choice", of: ["auto", "counted", "lf"] },
    send: { kind: "choice", of: ["counted", "lf"] },
    ...limitOptions,
  },
  make: syslog,
};
