/** Raw TLS echo on `node:tls`, which Bun and Deno have as well: `data` events, `write`, a pause while the peer is slow. */
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import { readPair } from "./pair.ts";
import { ready } from "./ready.ts";

const server = createServer({ ...readPair(), noDelay: true }, (socket) => {
  // Deno's takes the option and does not heed it.
  socket.setNoDelay(true);
  socket.on("data", (bytes) => {
    if (!socket.write(bytes)) socket.pause();
  });
  socket.on("drain", () => socket.resume());
  socket.on("error", () => socket.destroy());
});
server.listen(0, "127.0.0.1", 512, () => ready((server.address() as AddressInfo).port));
