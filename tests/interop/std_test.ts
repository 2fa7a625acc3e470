// Our streams in one chain with those of Deno's standard library, where it resolves: from JSR, from what is installed, or from
// the folder that MILLRACE_STD names.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { describe } from "node:test";
import { it } from "../support/it.ts";
import { commandLine } from "../support/program.ts";
import { programWithStd, resolvedStd, type Std, stdIn } from "./std.ts";
import { claimStd } from "./std_claims.ts";

const folder = process.env["MILLRACE_STD"];
const found = folder === undefined ? await resolvedStd() : undefined;
const options = folder !== undefined || found !== undefined
  ? {}
  : { skip: "@std/streams and @std/assert do not resolve here; MILLRACE_STD may name a folder with both" };

describe("streams of the standard library of Deno", () => {
  claimStd(options, async (t): Promise<Std> => folder === undefined ? found! : await stdIn(t, folder));

  it("the example runs", options, async (t) => {
    const path = "examples/std_streams.ts";
    const file = folder === undefined ? path : await programWithStd(t, folder, path);
    const { status, stdout, stderr } = spawnSync(process.execPath, commandLine(file, []), {
      encoding: "utf8",
      timeout: 120_000,
    });
    assert.deepEqual([status, stdout], [0, "3 frames, 22 bytes\n"], stderr);
  });
});
