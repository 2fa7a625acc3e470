/** What the servers with Effect's `SocketServer` do with a connection, and how they are started. */
import * as NodeSocketServer from "@effect/platform-node-shared/NodeSocketServer";
import * as Effect from "effect/Effect";
import type { Socket } from "effect/socket/Socket";
import { socketServer } from "../../effect.ts";
import { portOf, ready } from "./ready.ts";

type Handler = (socket: Socket) => Effect.Effect<never, unknown>;

/** What one pull gives is written at once. */
export const echo: Handler = (socket) =>
  Effect.scoped(Effect.gen(function* () {
    const { writeAll } = yield* socket.writer;
    const { pull } = yield* socket.reader;
    return yield* Effect.forever(Effect.flatMap(pull, writeAll), { disableYield: true });
  }));

const messageBytes = 64;

/** Each message is answered by a write of its own, as calls of Effect's RPC are. */
export const answers: Handler = (socket) =>
  Effect.scoped(Effect.gen(function* () {
    const { write } = yield* socket.writer;
    const { pull } = yield* socket.reader;
    let kept: Uint8Array = new Uint8Array(0);
    while (true) {
      for (const chunk of yield* pull) {
        const bytes = kept.length === 0 ? chunk as Uint8Array : Buffer.concat([kept, chunk as Uint8Array]);
        let at = 0;
        for (; at + messageBytes <= bytes.length; at += messageBytes) {
          yield* write(bytes.subarray(at, at + messageBytes));
        }
        kept = bytes.subarray(at);
      }
    }
  }));

/** Effect's own, on `node:net`. */
export function serveByEffect(handler: Handler): Promise<void> {
  return Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const { address, run } = yield* NodeSocketServer.make({ port: 0, host: "127.0.0.1", noDelay: true });
    if (address._tag === "UnixPathAddress") return;
    ready(address.port);
    yield* run(handler);
  })));
}

/** That of Millrace, without its log and with its defaults otherwise. */
export function serveByMillrace(handler: Handler): Promise<void> {
  return Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const { server, run } = yield* socketServer({ port: 0, logger: () => {} });
    ready(portOf(server.address));
    yield* run(handler);
  })));
}
