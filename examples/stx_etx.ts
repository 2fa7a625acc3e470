// A framing of one's own: UTF-8 between STX (0x02) and ETX (0x03), up to 1 KiB. Anything between two messages is refused.
// It is held to assertFramer of millrace/testing, as yours should be. An end inside of a message is `truncated` by itself,
// since `buffered` is above 0 there.
import { type Decoder, FrameError, type Framing } from "../mod.ts";

const [STX, ETX, limit] = [2, 3, 1_024];
const refused = "write a frame (stx-etx): found STX or ETX in it, which would end it";
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

class StxEtxDecoder implements Decoder<string> {
  #held: number[] = []; // The open message, from its STX on.
  #read = 0;
  #failed: FrameError | undefined = undefined;

  get buffered(): number {
    return this.#held.length;
  }

  push(chunk: Uint8Array, next: (frame: string) => void): void {
    if (this.#failed) throw this.#failed;
    for (const byte of chunk) {
      const open = this.#held.length > 0;
      if (open !== (byte !== STX)) {
        this.#fail("malformed", open ? "STX inside of a message" : `${byte}, no STX`);
      }
      if (this.#held.length > limit && byte !== ETX) this.#fail("too_large", `over ${limit} bytes`);
      this.#read++;
      if (byte !== ETX) this.#held.push(byte);
      else next(utf8.decode(Uint8Array.from(this.#held.splice(0)).subarray(1)));
    }
  }

  #fail(reason: FrameError["reason"], found: string): never {
    const offset = this.#read - this.#held.length;
    throw this.#failed = new FrameError(reason, `cut a frame (stx-etx) at offset ${offset}: ${found}`, {
      offset,
    });
  }
}

export const stxEtx: Framing<string> = {
  name: "stx-etx",
  decoder: () => new StxEtxDecoder(),
  encode(frame, out) {
    if (frame.includes("\x02") || frame.includes("\x03")) {
      throw new FrameError("malformed", refused, { offset: 0 });
    }
    out.byte(STX), out.text(frame), out.byte(ETX);
  },
};
