/** Raw TLS echo on Bun's own sockets: no framing, no limits. What the kernel does not take waits for `drain`. */
import { readPair } from "./pair.ts";
import { ready } from "./ready.ts";

interface BunSocket {
  data: Uint8Array | undefined;
  write(bytes: Uint8Array): number;
  pause(): void;
  resume(): void;
}
declare const Bun: {
  listen(options: {
    hostname: string;
    port: number;
    tls: { cert: string; key: string };
    socket: {
      open(socket: BunSocket): void;
      data(socket: BunSocket, bytes: Uint8Array): void;
      drain(socket: BunSocket): void;
      error(): void;
    };
  }): { port: number };
};

const listener = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  tls: readPair(),
  socket: {
    open(socket) {
      socket.data = undefined;
    },
    data(socket, bytes) {
      const taken = socket.write(bytes);
      if (taken >= bytes.length) return;
      socket.data = bytes.subarray(Math.max(0, taken));
      socket.pause();
    },
    drain(socket) {
      const left = socket.data;
      if (left === undefined) return;
      const taken = socket.write(left);
      socket.data = taken < left.length ? left.subarray(Math.max(0, taken)) : undefined;
      if (socket.data === undefined) socket.resume();
    },
    error() {},
  },
});
ready(listener.port);
