/** Modbus/TCP: a header (MBAP) with transaction, protocol, length and unit, then the function and its data. */
import type { Framing } from "../core/framing/framing.ts";
import type { Preset } from "./preset.ts";
import { fixedProtocol } from "./sized_protocol.ts";

/** Transaction, protocol and length. */
const headerBytes = 6;
/** A length counts the unit, the function and its data of up to 252 bytes. */
const [leastLength, mostLength] = [2, 254];

/**
 * Modbus/TCP. Frames are whole messages: transaction (2 bytes), protocol (0), length, unit, function and data, so that an
 * answer can repeat the transaction and the unit of its request. A protocol other than 0, and a length that is not 2 to 254,
 * are `malformed` and end the connection, because nothing shows where the next message begins. What is sent is checked in
 * the same way ("MODBUS Messaging on TCP/IP Implementation Guide V1.0b", 3.1.3).
 *
 * Modbus RTU over TCP is another protocol, without this header.
 *
 * @example A server in which all registers are 0
 * ```ts
 * import { serve } from "@millrace/millrace";
 * import { modbus } from "@millrace/millrace/protocols";
 *
 * const server = await serve({
 *   port: 0,
 *   framing: modbus(),
 *   onFrame(request, connection) {
 *     const [bytes, readable] = [2 * request[11]!, request[7] === 3];
 *     const answer = new Uint8Array(readable ? 9 + bytes : 9);
 *     answer.set(request.subarray(0, 8)); // transaction, protocol, length, unit, function
 *     answer[5] = answer.length - 6;
 *     answer[7]! |= readable ? 0 : 0x80;
 *     answer[8] = readable ? bytes : 1; // exception 1: no such function
 *     connection.send(answer);
 *   },
 * });
 * await server.close();
 * ```
 *
 * @throws {OptionsError} `invalid`, for any option, since there are none
 */
export function modbus(options: Readonly<Record<string, never>> = {}): Framing<Uint8Array> {
  return { ...fixedProtocol(header, options), hint };
}

const header = {
  name: "modbus",
  headerBytes,
  minFrameBytes: headerBytes + leastLength,
  maxFrameBytes: headerBytes + mostLength,
  size: sizeOf,
  show,
  advice: "check that the peer speaks Modbus/TCP",
};

const hint = {
  kind: "length_field",
  lengthOffset: 4,
  lengthBytes: 2,
  endian: "big",
  addedBytes: headerBytes,
  headerBytes,
  maxFrameBytes: headerBytes + mostLength,
} as const;

function protocolOf(bytes: Uint8Array, at: number): number {
  return bytes[at + 2]! << 8 | bytes[at + 3]!;
}

function lengthOf(bytes: Uint8Array, at: number): number {
  return bytes[at + 4]! << 8 | bytes[at + 5]!;
}

function sizeOf(bytes: Uint8Array, at: number): number {
  const length = lengthOf(bytes, at);
  const valid = protocolOf(bytes, at) === 0 && length >= leastLength && length <= mostLength;
  return valid ? headerBytes + length : NaN;
}

function show(bytes: Uint8Array, at: number): string {
  const protocol = protocolOf(bytes, at);
  if (protocol !== 0) return `protocol ${protocol} in a header, which is 0 in Modbus`;
  return `a length of ${lengthOf(bytes, at)}, which is ${leastLength} to ${mostLength} in Modbus`;
}

/** As people name it in text and in a configuration. */
export const modbusPreset: Preset = {
  name: "modbus",
  summary: "Modbus/TCP messages, with their header",
  options: {},
  make: modbus,
};
