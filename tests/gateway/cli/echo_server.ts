// Servers in the test's own process for the commands that dial.
import type { Framing } from "../../../src/core/framing/framing.ts";
import type { Server } from "../../../src/server/server.ts";
import { serve } from "../../../src/server/serve.ts";
import type { Cleaner } from "../../support/program.ts";

/** What such a server does with a frame; undefined: sends it back. */
export type Answer = (frame: Uint8Array, count: number) => Uint8Array | undefined;

/** A server on a free port; frames are answered in order. */
export async function startEcho(
  t: Cleaner,
  framing: Framing<Uint8Array>,
  answer: Answer = (frame) => frame,
): Promise<{ server: Server<Uint8Array>; port: number }> {
  let count = 0;
  const server = await serve({
    port: 0,
    framing,
    logger: () => {},
    onFrame(frame, connection) {
      const reply = answer(frame, ++count);
      return reply === undefined ? undefined : connection.send(reply);
    },
  });
  t.after(() => server.destroy());
  if (server.address.transport !== "tcp") throw new TypeError("a TCP server has a port");
  return { server, port: server.address.port };
}
