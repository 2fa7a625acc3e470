// A framing of one's own: messages between STX (0x02) and ETX (0x03). Anything between two messages is refused.
import process from "node:process";
import { type Decoder, FrameError, type Framing, onSignals, serve } from "../mod.ts";

class StxEtxDecoder implements Decoder<string> {
  #bytes: number[] = [];
  #inside = false;
  buffered = 0;

  push(chunk: Uint8Array, next: (frame: string) => void): void {
    for (const byte of chunk) {
      if (this.#bytes.length > 1024) throw new FrameError("too_large", "over 1024 bytes", { offset: 0 });
      if (this.#inside && byte === 3) next(String.fromCharCode(...this.#bytes));
      else if (this.#inside) this.#bytes.push(byte);
      else if (byte !== 2) throw new FrameError("malformed", `${byte} is not STX`, { offset: 0 });
      if (byte === 2 || byte === 3) [this.#bytes, this.#inside] = [[], byte === 2];
      this.buffered = this.#inside ? this.#bytes.length + 1 : 0;
    }
  }
}

const stxEtx: Framing<string> = {
  name: "stx-etx",
  decoder: () => new StxEtxDecoder(),
  encode: (frame, out) => (out.byte(2), out.text(frame), out.byte(3)),
};

const server = await serve({
  port: Number(process.argv[2] ?? 3037),
  framing: stxEtx,
  onFrame: (frame, connection) => connection.send(frame.toUpperCase()),
});
console.log("stx-etx:", server.address);

onSignals(server);
await server.finished;
