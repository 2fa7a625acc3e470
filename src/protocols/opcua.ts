/** OPC UA over TCP: message chunks behind a type of three letters, the kind of chunk, and a size. */
import { showBytes } from "../core/bytes/bytes.ts";
import type { Framing } from "../core/framing/framing.ts";
import { limitOptions, type ProtocolLimits } from "./limits.ts";
import type { Preset } from "./preset.ts";
import { sizedProtocol } from "./sized_protocol.ts";

/** Three letters as a number. */
const code = (letters: string): number =>
  [...letters].reduce((sum, letter) => sum * 256 + letter.charCodeAt(0), 0);

/** Messages of one chunk, which is final; and MSG, of which a chunk may be continued or aborted. */
const oneChunk: ReadonlySet<number> = new Set(["HEL", "ACK", "ERR", "RHE", "OPN", "CLO"].map(code));
const message = code("MSG");
const [final, continued, aborted] = [0x46, 0x43, 0x41];
const headerBytes = 8;

/**
 * Message chunks of OPC UA connection protocol (OPC 10000-6, section 7.1.2.2). Frames are whole chunks with their header of
 * 8 bytes: a type (`HEL`, `ACK`, `ERR`, `RHE`, `OPN`, `CLO`, `MSG`), the kind of chunk (`F`; for `MSG` also `C` and `A`), and the size
 * of all of it in 4 bytes, little-endian. Any other header is a `FrameError` `malformed`, as is a size under 8.
 *
 * The two sides agree on the size of chunks in HEL and ACK; `maxFrameBytes` should be what this side says there.
 *
 * @example
 * ```ts
 * import { serve } from "@millrace/millrace";
 * import { opcua } from "@millrace/millrace/protocols";
 *
 * const server = await serve({
 *   port: 0,
 *   framing: opcua({ maxFrameBytes: "64KiB" }),
 *   onFrame: (chunk) => console.log(String.fromCharCode(...chunk.subarray(0, 3))),
 * });
 * await server.close();
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value
 */
export function opcua(options: ProtocolLimits = {}): Framing<Uint8Array> {
  return sizedProtocol({
    name: "opcua",
    headerBytes,
    minFrameBytes: headerBytes,
    size(bytes, at) {
      const type = bytes[at]! * 65_536 + bytes[at + 1]! * 256 + bytes[at + 2]!;
      const chunk = bytes[at + 3];
      const known = chunk === final && oneChunk.has(type) ||
        type === message && (chunk === final || chunk === continued || chunk === aborted);
      return known ? sizeAt(bytes, at) : NaN;
    },
    show: (bytes, at) => `${showBytes(bytes.subarray(at, at + 4))} and a size of ${sizeAt(bytes, at)}`,
    advice: "check that the peer speaks OPC UA over TCP",
  }, options);
}

function sizeAt(bytes: Uint8Array, at: number): number {
  return (bytes[at + 4]! | bytes[at + 5]! << 8 | bytes[at + 6]! << 16 | bytes[at + 7]! << 24) >>> 0;
}

/** As people name it in text and in a configuration. */
export const opcuaPreset: Preset = {
  name: "opcua",
  summary: "message chunks of OPC UA over TCP",
  options: limitOptions,
  make: opcua,
};
