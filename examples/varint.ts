// Your own framing: a length in the varint form of Protocol Buffers, seven bits per byte, then so many bytes.
import { defineFraming, type Framing } from "millrace";

export const varint: Framing<Uint8Array> = defineFraming({
  name: "varint",
  find(bytes) {
    let length = 0;
    for (let at = 0; at < bytes.length; at++) {
      length += (bytes[at]! & 0x7f) * 2 ** (7 * at);
      if (bytes[at]! < 0x80) return { start: at + 1, size: at + 1 + length };
      if (at === 4) return { malformed: "found a length of more than 5 bytes" };
    }
    return undefined; // More bytes are needed.
  },
  encode(frame, out) {
    let rest = frame.length;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.byte(rest % 0x80 + 0x80);
    out.byte(rest);
    out.bytes(frame);
  },
});
