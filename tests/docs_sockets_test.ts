// docs/sockets.md is true: its programs run to their end, and its configuration serves in workerd.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { connect, lines } from "../mod.ts";
import { bundled } from "./sockets/reference_worker.ts";
import { it } from "./support/it.ts";
import { pageText, programsIn, runPrograms } from "./support/page.ts";
import { noWorkerd, startWorkerd } from "./support/workerd.ts";

const text = pageText("docs/sockets.md");
const block = (language: string): string =>
  new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "ms").exec(text)![1]!;

describe("docs/sockets.md", () => {
  it("has code that compiles, and runs to its end (F-35)", { timeout: 120_000 }, async (t) => {
    const programs = programsIn(text);
    assert.equal(programs.length, 2);
    assert.deepEqual(await runPrograms(t, programs), ["hello", "refused"]);
  });

  it(
    "has a Worker and a configuration that serve in workerd (F-40)",
    { skip: noWorkerd, timeout: 120_000 },
    async (t) => {
      const folder = mkdtempSync(join(tmpdir(), "millrace-workerd-"));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      const module = await bundled(
        block("js").replace("@millrace/millrace/sockets", "./src/sockets/edge.ts")
          .replace("@millrace/millrace/streams", "./streams.ts"),
      );
      const config = block("capnp").replace("127.0.0.1:3034", "127.0.0.1:0").replace(
        "worker.bundle.js",
        "worker.mjs",
      );
      const address = await startWorkerd(t, folder, module, { protocol: "tcp", config });
      await using client = await connect({
        port: Number(new URL(address).port),
        framing: lines({ encoding: "utf-8" }),
      });
      await client.send("hello");
      for await (const line of client) {
        assert.equal(line, "got: hello");
        break;
      }
    },
  );
});
