/** Echo of lines by hand on `node:net`, which keeps what it writes until the kernel has it: memory of its own for each answer. */
import { type AddressInfo, createServer } from "node:net";
import { Buffer } from "node:buffer";
import { answerLength, answerLines, type HandState } from "./hand_lines.ts";
import { ready } from "./ready.ts";

const server = createServer({ noDelay: true }, (socket) => {
  const state: HandState = { held: undefined };
  socket.on("data", (bytes) => {
    const out = Buffer.allocUnsafe(answerLength(state, bytes));
    const length = answerLines(state, bytes, out);
    if (length > 0 && !socket.write(out.subarray(0, length))) socket.pause();
  });
  socket.on("drain", () => socket.resume());
  socket.on("error", () => socket.destroy());
});
server.listen(0, "127.0.0.1", 512, () => ready((server.address() as AddressInfo).port));
