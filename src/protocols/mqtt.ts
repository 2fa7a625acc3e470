/** MQTT: control packets behind a type, flags and a length of one to four bytes. */
import { FoundDecoder } from "../core/framing/found_decoder.ts";
import type { FoundFrame } from "../core/framing/found_frame.ts";
import type { Framing } from "../core/framing/framing.ts";
import { OptionsCheck } from "../core/options.ts";
import { checkLimits, limitOptions, type ProtocolLimits, writeWhole } from "./limits.ts";
import type { Preset } from "./preset.ts";

/** Control packets whose flags vary, and those with flags of their own; those of the others are 0. */
const [publish, pubrel, subscribe, unsubscribe] = [3, 6, 8, 10];

/**
 * Control packets of MQTT 3.1, 3.1.1 and 5.0 (MQTT 3.1.1, section 2.2; MQTT 5.0, section 2.1). Frames are whole packets, from the
 * type to the end of the payload.
 *
 * A packet type of 0, flags that its type does not have, and a length that takes more than four bytes or more than it needs
 * are a `FrameError` `malformed`, for packets received and sent alike.
 *
 * @example A server that answers CONNECT and PINGREQ
 * ```ts
 * import { serve } from "@millrace/millrace";
 * import { mqtt } from "@millrace/millrace/protocols";
 *
 * const answers = new Map([[1, Uint8Array.of(0x20, 2, 0, 0)], [12, Uint8Array.of(0xd0, 0)]]);
 * const server = await serve({
 *   port: 0,
 *   framing: mqtt(),
 *   onFrame(packet, connection) {
 *     const answer = answers.get(packet[0]! >> 4);
 *     if (answer !== undefined) connection.send(answer);
 *   },
 * });
 * await server.close();
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value
 */
export function mqtt(options: ProtocolLimits = {}): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, Object.keys(mqttPreset.options));
  const { maxFrameBytes, maxSentFrameBytes, onFrameError } = checkLimits(check, options);
  check.done();
  const rules = { name: "mqtt", maxFrameBytes, skip: onFrameError === "skip", find: sizeOf };
  return {
    name: "mqtt",
    decoder: (report) => new FoundDecoder(rules, report),
    encode: (packet, out) => writeWhole("mqtt", packet, maxSentFrameBytes, sizeOf, out),
  };
}

function sizeOf(
  bytes: Uint8Array,
  from: number,
  to: number,
): number | undefined | (FoundFrame & { readonly malformed: string }) {
  const first = bytes[from]!;
  const [type, flags] = [first >> 4, first & 15];
  if (type === 0) return { malformed: "found a packet of type 0; check that the peer speaks MQTT" };
  if (type === publish ? (flags & 6) === 6 : flags !== flagsOf(type)) {
    return { malformed: `found a packet of type ${type} with flags ${flags}, which it does not have` };
  }
  let length = 0;
  let unit = 1;
  for (let at = 1; at <= 4; at++) {
    if (from + at >= to) return undefined;
    const byte = bytes[from + at]!;
    length += (byte & 127) * unit;
    unit *= 128;
    if (byte > 127) continue;
    return byte === 0 && at > 1
      ? { malformed: `found a length of ${length} in ${at} bytes, more than it needs` }
      : at + 1 + length;
  }
  return { malformed: "found a length of more than 4 bytes" };
}

function flagsOf(type: number): number {
  return type === pubrel || type === subscribe || type === unsubscribe ? 2 : 0;
}

/** As people name it in text and in a configuration. */
export const mqttPreset: Preset = {
  name: "mqtt",
  summary: "control packets of MQTT 3.1, 3.1.1 and 5.0",
  options: limitOptions,
  make: mqtt,
};
