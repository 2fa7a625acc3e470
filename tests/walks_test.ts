// @once: only Node tells which functions have run, and the files are the same on every runtime
//
// The lists of files in ARCHITECTURE.md are the ways that chunks, frames and signals take.
import assert from "node:assert/strict";
import { Session } from "node:inspector/promises";
import { connect as dial } from "node:net";
import { join } from "node:path";
import { describe, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { lines } from "../src/core/framing/lines.ts";
import type { Connection } from "../src/connection/connection.ts";
import { serve } from "../src/server/serve.ts";
import { it } from "./support/it.ts";
import { walkOf } from "./support/walks.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
/** The sources in which a function runs while `act` does. */
async function entered(act: () => Promise<void>): Promise<string[]> {
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    await session.post("Profiler.takePreciseCoverage");
    await act();
    const { result } = await session.post("Profiler.takePreciseCoverage");
    return result.filter(({ functions }) => functions.some(({ ranges }) => ranges[0]!.count > 0))
      .map(({ url }) => url.startsWith("file:") ? fileURLToPath(url) : url)
      .filter((file) => file.startsWith(join(root, "src")))
      .map((file) => file.slice(root.length));
  } finally {
    session.disconnect();
  }
}

type Use = { readonly handler: (connection: Connection<Uint8Array>) => Promise<void> } | {
  readonly onFrame: (frame: Uint8Array, connection: Connection<Uint8Array>) => void | Promise<void>;
};

/** No clock may be due while the functions are counted. */
const untimed = { idleTimeout: Infinity, frameTimeout: Infinity } as const;

/** What one line and its echo enter, on a connection that has had some before. */
async function echoed(t: TestContext, use: Use): Promise<string[]> {
  const server = await serve({ port: 0, framing: lines(), logger: () => {}, ...untimed, ...use });
  const socket = dial(server.address.port, "127.0.0.1");
  t.after(async () => {
    socket.destroy();
    await server.destroy();
  });
  const echo = async (): Promise<void> => {
    const answer = new Promise((resolve) => socket.once("data", resolve));
    socket.write("hello\n");
    await answer;
    // The end of the turn in which it was sent.
    await new Promise((resolve) => setImmediate(resolve));
  };
  for (let warm = 0; warm < 3; warm++) await echo();
  return await entered(echo);
}

describe("the ways through the files", () => {
  const ways = [walkOf("A chunk in"), walkOf("A frame out")];
  const named = [...new Set(ways.flatMap(({ files, besides }) => [...files, ...besides]))].sort();

  it("a line to a loop and back enters no other files, and all of those", async (t) => {
    const files = await echoed(t, {
      handler: async (connection) => {
        for await (const frame of connection) await connection.send(frame);
      },
    });
    assert.deepEqual(files.sort(), named);
  });

  it("a line to onFrame and back enters no other files", async (t) => {
    const files = await echoed(t, { onFrame: (frame, connection) => connection.send(frame) });
    assert.deepEqual(files.filter((file) => !named.includes(file)), []);
  });
});
