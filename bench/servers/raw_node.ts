/** Raw echo on `node:net`: `data` events, `write`, and a pause while the peer is slow. */
import { type AddressInfo, createServer } from "node:net";
import { ready } from "./ready.ts";

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("data", (bytes) => {
    if (!socket.write(bytes)) socket.pause();
  });
  socket.on("drain", () => socket.resume());
  socket.on("error", () => socket.destroy());
});
server.listen(0, "127.0.0.1", 512, () => ready((server.address() as AddressInfo).port));
