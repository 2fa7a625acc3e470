// Your own framing for messages that are not bytes: UTF-8 between STX (0x02) and ETX (0x03), up to 1 KiB.
import { defineFraming, FrameError, type Framing, mapFraming } from "millrace";

const [STX, ETX] = [2, 3];
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const bytesBetween = defineFraming({
  name: "stx-etx",
  maxFrameBytes: 1_024 + 2, // STX and ETX are part of the frame.
  find(bytes, searched) {
    if (bytes[0] !== STX) return { malformed: `found ${bytes[0]}, expected STX` };
    for (let at = Math.max(1, searched); at < bytes.length; at++) {
      if (bytes[at] === ETX) return { size: at + 1, start: 1, end: at };
      if (bytes[at] === STX) return { malformed: "found STX inside a message" };
    }
    return undefined; // ETX has not arrived yet.
  },
  encode(text: string, out) {
    if (text.includes("\x02") || text.includes("\x03")) {
      throw new FrameError("malformed", "write a frame (stx-etx): STX or ETX in it would end it", {
        offset: 0,
      });
    }
    out.byte(STX);
    out.text(text);
    out.byte(ETX);
  },
});

export const stxEtx: Framing<string> = mapFraming(bytesBetween, {
  decode: (bytes) => decoder.decode(bytes),
  encode: (text: string) => text,
});
