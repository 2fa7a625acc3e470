/** Echo of lines by hand on Bun's own sockets. Since Bun keeps nothing of what it writes, one buffer answers all connections. */
import { answerLength, answerLines, type HandState } from "./hand_lines.ts";
import { ready } from "./ready.ts";

interface State extends HandState {
  unsent: Uint8Array | undefined;
}
interface BunSocket {
  data: State;
  write(bytes: Uint8Array): number;
  pause(): void;
  resume(): void;
}
declare const Bun: {
  listen(options: {
    readonly hostname: string;
    readonly port: number;
    readonly socket: {
      open(socket: BunSocket): void;
      data(socket: BunSocket, bytes: Uint8Array): void;
      drain(socket: BunSocket): void;
      error(): void;
    };
  }): { port: number };
};

let out = new Uint8Array(64 * 1024);

const { port } = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      socket.data = { held: undefined, unsent: undefined };
    },
    data(socket, bytes) {
      const { data } = socket;
      const most = answerLength(data, bytes);
      if (most > out.length) out = new Uint8Array(most);
      const length = answerLines(data, bytes, out);
      if (length === 0) return;
      const taken = Math.max(0, socket.write(out.subarray(0, length)));
      if (taken === length) return;
      data.unsent = out.slice(taken, length);
      socket.pause();
    },
    drain(socket) {
      const { data } = socket;
      if (data.unsent === undefined) return;
      const taken = Math.max(0, socket.write(data.unsent));
      data.unsent = taken < data.unsent.length ? data.unsent.subarray(taken) : undefined;
      if (data.unsent === undefined) socket.resume();
    },
    error() {},
  },
});
ready(port);
