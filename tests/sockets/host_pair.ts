// Sockets as a host hands them over, in memory: two that are connected, with streams of the platform.
import type { HostSocket, SocketInfo } from "../../sockets.ts";

/** One end, and what has been done to it. */
export interface HostEnd extends HostSocket {
  readonly closes: unknown[];
}

/** Two ends; `opened` is that of the first. */
export function hostPair(opened?: Promise<Partial<SocketInfo>>): readonly [ours: HostEnd, peers: HostEnd] {
  const [there, back] = [new TransformStream<Uint8Array>(), new TransformStream<Uint8Array>()];
  const info = { remoteAddress: "192.0.2.7:4711", localAddress: "[2001:db8::1]:3034" };
  const end = (
    readable: ReadableStream<Uint8Array>,
    writable: WritableStream<Uint8Array>,
    told = Promise.resolve(info),
  ) => {
    const closes: unknown[] = [];
    const close = (reason?: unknown) => Promise.resolve(void closes.push(reason));
    return { readable, writable, opened: told as HostSocket["opened"], close, closes };
  };
  return [end(back.readable, there.writable, opened as never), end(there.readable, back.writable)];
}
