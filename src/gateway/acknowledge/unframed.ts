/** Bytes that are sent as they are, outside of an endpoint's framing, such as a single ACK. */
import type { Framing } from "../../core/framing/framing.ts";

/** What `send` of a connection with {@linkcode passUnframed} writes without framing. */
export class Unframed extends Uint8Array<ArrayBuffer> {}

/** The same framing, which writes such bytes as they are. */
export function passUnframed(framing: Framing<Uint8Array>): Framing<Uint8Array> {
  return {
    name: framing.name,
    hint: framing.hint,
    decoder: (report) => framing.decoder(report),
    encode: (frame, out) => frame instanceof Unframed ? out.bytes(frame) : framing.encode(frame, out),
  };
}
