/** IEC 60870-5-104, of control centres and substations: a start byte, a length, four bytes of control, data. */
import type { Framing } from "../core/framing/framing.ts";
import type { Preset } from "./preset.ts";
import { fixedProtocol } from "./sized_protocol.ts";

const startByte = 0x68;
const headerBytes = 2;
/** A length counts the four bytes of control and the data (ASDU) of up to 249. */
const [leastLength, mostLength] = [4, 253];

/**
 * IEC 60870-5-104. Frames are whole messages (APDU): `68`, length, four bytes of control, data. Another start byte, and a length that
 * is not 4 to 253, are `malformed` and end the connection. What is sent is checked in the same way. Sequence numbers, their
 * windows and the timers t1 to t3 are up to the handler.
 *
 * @example A server that answers STARTDT, STOPDT and TESTFR
 * ```ts
 * import { serve } from "@millrace/millrace";
 * import { iec104 } from "@millrace/millrace/protocols";
 *
 * const confirmations = new Map([[0x07, 0x0b], [0x13, 0x23], [0x43, 0x83]]);
 * const server = await serve({
 *   port: 0,
 *   framing: iec104(),
 *   onFrame(frame, connection) {
 *     const confirmation = confirmations.get(frame[2]!);
 *     if (confirmation !== undefined) connection.send(Uint8Array.of(0x68, 4, confirmation, 0, 0, 0));
 *   },
 * });
 * await server.close();
 * ```
 *
 * @throws {OptionsError} `invalid`, for any option, since there are none
 */
export function iec104(options: Readonly<Record<string, never>> = {}): Framing<Uint8Array> {
  return fixedProtocol({
    name: "iec104",
    headerBytes,
    minFrameBytes: headerBytes + leastLength,
    maxFrameBytes: headerBytes + mostLength,
    size(bytes, at) {
      const length = bytes[at + 1]!;
      const valid = bytes[at] === startByte && length >= leastLength && length <= mostLength;
      return valid ? headerBytes + length : NaN;
    },
    show(bytes, at) {
      if (bytes[at] !== startByte) return `byte ${bytes[at]}, expected the start byte 68`;
      return `a length of ${bytes[at + 1]}, which is ${leastLength} to ${mostLength} in IEC 60870-5-104`;
    },
    advice: "check that the peer speaks IEC 60870-5-104",
  }, options);
}

/** As people name it in text and in a configuration. */
export const iec104Preset: Preset = {
  name: "iec104",
  summary: "messages of IEC 60870-5-104",
  options: {},
  make: iec104,
};
