/** TPKT: packets of ISO transport over TCP, as S7 and RDP use them. */
import type { Framing } from "../core/framing/framing.ts";
import { limitOptions, type ProtocolLimits } from "./limits.ts";
import type { Preset } from "./preset.ts";
import { sizedProtocol } from "./sized_protocol.ts";

const version = 3;
const headerBytes = 4;
/** The header, and the least that a transport packet has. */
const minFrameBytes = 7;

/**
 * Packets of ISO transport over TCP (TPKT; RFC 1006, section 6), which carry S7, MMS, H.323 and the beginning of RDP. Frames are
 * whole packets with their header of 4 bytes: version 3, a reserved byte, and the size of all of it, 7 or more, in 2
 * bytes. Another version and a size under 7 are a `FrameError` `malformed`.
 *
 * @example
 * ```ts
 * import { serve } from "@millrace/millrace";
 * import { tpkt } from "@millrace/millrace/protocols";
 *
 * const server = await serve({
 *   port: 0,
 *   framing: tpkt(),
 *   onFrame: (packet) => console.log(packet.length),
 * });
 * await server.close();
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value
 */
export function tpkt(options: ProtocolLimits = {}): Framing<Uint8Array> {
  return sizedProtocol({
    name: "tpkt",
    headerBytes,
    minFrameBytes,
    size: (bytes, at) => bytes[at] === version ? sizeAt(bytes, at) : NaN,
    show: (bytes, at) => `version ${bytes[at]} and a size of ${sizeAt(bytes, at)}`,
    advice: "check that the peer speaks ISO transport over TCP (TPKT)",
  }, options);
}

function sizeAt(bytes: Uint8Array, at: number): number {
  return bytes[at + 2]! * 256 + bytes[at + 3]!;
}

/** As people name it in text and in a configuration. */
export const tpktPreset: Preset = {
  name: "tpkt",
  summary: "packets of ISO transport over TCP (RFC 1006), for S7 and RDP",
  options: limitOptions,
  make: tpkt,
};
