/** Requests by hand on Bun's own sockets, which keep nothing of what they write. */
import { order, runCallers } from "./callers.ts";
import { HandRequests } from "./hand_requests.ts";

interface BunSocket {
  write(bytes: Uint8Array): number;
}
declare const Bun: {
  connect(options: {
    readonly hostname: string;
    readonly port: number;
    readonly socket: {
      data(socket: BunSocket, bytes: Uint8Array): void;
      drain(): void;
      error(): void;
    };
  }): Promise<BunSocket>;
};

let unsent: Uint8Array | undefined;
const write = (bytes: Uint8Array): void => {
  const all = unsent === undefined ? bytes : new Uint8Array([...unsent, ...bytes]);
  const taken = Math.max(0, socket.write(all));
  unsent = taken < all.length ? all.slice(taken) : undefined;
};
const requests = new HandRequests(write);
const socket = await Bun.connect({
  hostname: "127.0.0.1",
  port: order.port,
  socket: {
    data: (_, bytes) => requests.received(bytes, false),
    drain: () => unsent !== undefined && write(new Uint8Array(0)),
    error() {},
  },
});
await runCallers((line) => requests.ask(line));
