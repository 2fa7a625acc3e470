/** The installed package where there are no modules of Node: in browsers and at the edge. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { noWorkerd, startWorkerd } from "./workerd.ts";

const edge = `
import { FramerStream, lines } from "millrace/streams";

async function collect() {
  const frames = [];
  const bytes = new Blob(["one\\ntwo\\n"]).stream();
  for await (const line of bytes.pipeThrough(new FramerStream(lines({ encoding: "utf-8" })))) frames.push(line);
  return frames;
}
export const frames = collect();
`;
const worker = `
import { FrameError, FramerStream, fixedLength, lengthField, lines } from "millrace/streams";

const framings = {
  "/text": lines({ encoding: "utf-8" }),
  "/bytes": lines({ maxFrameBytes: 8 }),
  "/fixed": fixedLength({ frameBytes: 3 }),
  "/length": lengthField({ lengthBytes: 2, strip: 2 }),
};
export default {
  async fetch(request) {
    const frames = [];
    const framing = framings[new URL(request.url).pathname];
    try {
      for await (const frame of request.body.pipeThrough(new FramerStream(framing))) {
        frames.push(typeof frame === "string" ? frame : [...frame]);
      }
    } catch (error) {
      frames.push(error instanceof FrameError ? error.reason : String(error));
    }
    return Response.json(frames);
  },
};
`;

/** One module for hosts without Node's modules, from a program that imports the installed package. */
async function bundledIn(project: string, name: string, program: string): Promise<string> {
  const entry = join(project, name);
  writeFileSync(entry, program);
  const { build } = await import("esbuild");
  const { outputFiles: [made] } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    write: false,
    logLevel: "silent",
  });
  return made!.text;
}

/** The tests; `project` has installed the package by the time that they run. */
export function describeEdge(project: () => string): void {
  describe("without modules of Node", () => {
    it("bundles for browsers and the edge: FramerStream with lines is at most 8 KB, gzipped, and loads nothing", async () => {
      const made = await bundledIn(project(), "edge.mjs", edge);
      const size = gzipSync(made).length;
      assert.ok(size <= 8 * 1024, `${size} bytes`);
      assert.doesNotMatch(made, /\bimport\b/);
      const { frames } = await import(`data:text/javascript,${encodeURIComponent(made)}`);
      assert.deepEqual(await frames, ["one", "two"]);
    });

    it("bundles sockets of WinterTC without a module of Node: serveSocket with lines is at most 36 KB, gzipped (F-40)", async () => {
      const program = `
        import { lines } from "millrace/streams";
        import { connectSocket, serveSocket, sockets } from "millrace/sockets";
        export default { connect: (socket) => serveSocket(socket, { framing: lines(), onFrame: () => {} }) };
      `;
      const made = await bundledIn(project(), "edge_sockets.mjs", program);
      const size = gzipSync(made).length;
      assert.ok(size <= 36 * 1024, `${size} bytes`);
      const all = await bundledIn(project(), "all_sockets.mjs", 'export * from "millrace/sockets";');
      for (const text of [made, all]) assert.doesNotMatch(text, /["'`]node:/);
    });

    it("cuts the body of a request in workerd", { skip: noWorkerd }, async (t) => {
      const address = await startWorkerd(
        t,
        project(),
        await bundledIn(project(), "worker_entry.mjs", worker),
      );
      const answer = async (path: string, ...chunks: readonly string[]): Promise<unknown> => {
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
            controller.close();
          },
        });
        const signal = AbortSignal.timeout(30_000);
        // The types of `fetch` do not know that a stream needs it.
        const halves = { duplex: "half" };
        const response = await fetch(address + path, { method: "POST", body, signal, ...halves });
        return response.json();
      };
      assert.deepEqual(await answer("/text", "on", "e\ntw", "o\n\nthr", "ee\n"), ["one", "two", "", "three"]);
      assert.deepEqual(await answer("/bytes", "12345678\n", "123456789\n"), [
        [49, 50, 51, 52, 53, 54, 55, 56],
        "too_large",
      ]);
      assert.deepEqual(await answer("/fixed", "ab", "cdef", "gh"), [
        [97, 98, 99],
        [100, 101, 102],
        "truncated",
      ]);
      assert.deepEqual(await answer("/length", "\0", "\x02ab\0\x01", "c"), [[97, 98], [99]]);
    });
  });
}
