/** Echo on Bun's own sockets, with or without TLS: no framing, no limits. What the kernel does not take waits for `drain`. */
import { ready } from "./ready.ts";

interface BunSocket {
  data: Uint8Array | undefined;
  write(bytes: Uint8Array): number;
  pause(): void;
  resume(): void;
}
interface BunOptions {
  readonly hostname: string;
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly socket: {
    open(socket: BunSocket): void;
    data(socket: BunSocket, bytes: Uint8Array): void;
    drain(socket: BunSocket): void;
    error(): void;
  };
}
declare const Bun: { listen(options: BunOptions): { port: number } };

const socket: BunOptions["socket"] = {
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
};

/** Serves it on a free port, and says which. */
export function echoOnBun(secure: Pick<BunOptions, "tls"> = {}): void {
  ready(Bun.listen({ hostname: "127.0.0.1", port: 0, socket, ...secure }).port);
}
