/** The PostgreSQL protocol, version 3: packets of the start-up without a type, then messages with one. */
import type { FoundFrame } from "../core/framing/found_frame.ts";
import { FoundDecoder } from "../core/framing/found_decoder.ts";
import type { Framing } from "../core/framing/framing.ts";
import { OptionsCheck } from "../core/options.ts";
import { checkLimits, limitOptions, type ProtocolLimits, writeWhole } from "./limits.ts";
import type { Preset } from "./preset.ts";

/** Options of {@linkcode postgres}. */
export interface PostgresOptions extends ProtocolLimits {
  /**
   * Which side this is. A server receives the packets of the start-up and then messages, and sends messages and the
   * one-byte answers to SSLRequest and GSSENCRequest; with a client it is the other way round. @default "server"
   */
  readonly side?: "server" | "client" | undefined;
}

/** As a `FindFrame`. */
type FindMessage = (bytes: Uint8Array, from: number, to: number) => Found;
type Found = number | undefined | (FoundFrame & { readonly malformed: string });

const [cancelRequest, sslRequest, gssencRequest] = [80_877_102, 80_877_103, 80_877_104];
/** As the server has it; the largest key of a CancelRequest is of 256 bytes. */
const [leastStartup, mostStartup, mostCancel] = [8, 10_000, 268];
/** `S`, `N` and `G`: yes to TLS, no, yes to GSSAPI. */
const answers: readonly number[] = [0x53, 0x4e, 0x47];

/**
 * Messages of PostgreSQL's protocol, version 3 ("Message Formats" in its documentation). Frames are whole messages with their
 * header. A client's first ones have no type: SSLRequest, GSSENCRequest, CancelRequest and StartupMessage begin with
 * their length, of which the first byte is 0. All others begin with the letter of their type. A server's answer to
 * SSLRequest or GSSENCRequest is a frame of one byte.
 *
 * The decoder follows each connection from one to the other. A length that no message has, another version of the
 * protocol, and a type that is not a letter (for servers, a digit from 1 to 3 either) are a `FrameError` `malformed`.
 *
 * @example
 * ```ts
 * import { serve } from "@millrace/millrace";
 * import { postgres } from "@millrace/millrace/protocols";
 *
 * const server = await serve({
 *   port: 0,
 *   framing: postgres(),
 *   onFrame(message, connection) {
 *     const startup = message[0] === 0;
 *     if (startup && message.length === 8) connection.send(Uint8Array.of(0x4e)); // No TLS here.
 *   },
 * });
 * await server.close();
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value
 */
export function postgres(options: PostgresOptions = {}): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, Object.keys(postgresPreset.options));
  const { maxFrameBytes, maxSentFrameBytes, onFrameError } = checkLimits(check, options);
  const side = check.oneOf("side", options.side, "server", ["server", "client"]);
  check.done();
  const rules = { name: "postgres", maxFrameBytes, skip: onFrameError === "skip" };
  const received = side === "server" ? fromClient : fromServer;
  const sizeOf = side === "server" ? sizeFromServer : sizeFromClient;
  return {
    name: "postgres",
    decoder: (report) => new FoundDecoder({ ...rules, find: received() }, report),
    encode: (message, out) => writeWhole("postgres", message, maxSentFrameBytes, sizeOf, out),
  };
}

/** Finds the messages of one client. */
function fromClient(): FindMessage {
  let started = false;
  return (bytes, from, to) => {
    if (started) return typedSize(bytes, from, to, isLetter);
    const size = startupSize(bytes, from, to);
    // Only a StartupMessage is followed by messages with a type; TLS begins with one of its own.
    started = typeof size === "number" && codeOf(bytes, from) >> 16 === 3;
    return size;
  };
}

/** Finds the messages of one server. */
function fromServer(): FindMessage {
  let started = false;
  return (bytes, from, to) => {
    // Before the first message there is nothing else that these letters can be.
    if (!started && answers.includes(bytes[from]!)) return 1;
    started = true;
    return typedSize(bytes, from, to, isServerType);
  };
}

function sizeFromClient(message: Uint8Array, from: number, to: number): Found {
  return message[from] === 0 ? startupSize(message, from, to) : typedSize(message, from, to, isLetter);
}

function sizeFromServer(message: Uint8Array, from: number, to: number): Found {
  return message.length === 1 && answers.includes(message[0]!)
    ? 1
    : typedSize(message, from, to, isServerType);
}

/** The size of a packet that begins with its length and a code. */
function startupSize(bytes: Uint8Array, from: number, to: number): Found {
  if (bytes[from] !== 0) {
    return { malformed: `found byte ${bytes[from]}, expected the length of a start-up packet` };
  }
  if (to - from < 4) return undefined;
  const size = uint32(bytes, from);
  if (size < leastStartup || size > mostStartup) {
    return {
      malformed: `found a start-up packet of ${size} bytes, expected ${leastStartup} to ${mostStartup}`,
    };
  }
  if (to - from < 8) return undefined;
  const code = codeOf(bytes, from);
  if (code >> 16 === 3) return size;
  if (code === cancelRequest && size > 12 && size <= mostCancel) return size;
  if ((code === sslRequest || code === gssencRequest) && size === 8) return size;
  return {
    malformed: `found a start-up packet of ${size} bytes with code ${code >> 16}.${code & 0xffff}, ` +
      "expected version 3, or a request for TLS, for GSSAPI or to cancel",
  };
}

/** The size of a message that begins with its type, then its length without that. */
function typedSize(bytes: Uint8Array, from: number, to: number, isType: (byte: number) => boolean): Found {
  if (!isType(bytes[from]!)) {
    return { malformed: `found byte ${bytes[from]}, expected the type of a message` };
  }
  if (to - from < 5) return undefined;
  const length = uint32(bytes, from + 1);
  return length < 4
    ? { malformed: `found a length of ${length}, which includes its own 4 bytes` }
    : 1 + length;
}

function codeOf(bytes: Uint8Array, from: number): number {
  return uint32(bytes, from + 4);
}

function isLetter(byte: number): boolean {
  return (byte | 32) >= 0x61 && (byte | 32) <= 0x7a;
}

function isServerType(byte: number): boolean {
  return isLetter(byte) || byte >= 0x31 && byte <= 0x33;
}

function uint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
}

/** As people name it in text and in a configuration. */
export const postgresPreset: Preset = {
  name: "postgres",
  summary: "messages of PostgreSQL, with those of the start-up",
  options: { side: { kind: "choice", of: ["server", "client"] }, ...limitOptions },
  make: postgres,
};
