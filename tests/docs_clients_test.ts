// What docs/clients.md says is true: its programs compile and run, and print what their comments say.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { it } from "./support/it.ts";
import { pageText, programsIn, runPrograms } from "./support/page.ts";

const text = pageText("docs/clients.md");

describe("docs/clients.md", () => {
  it("has programs that run to their end and print what they say", { timeout: 120_000 }, async (t) => {
    const programs = programsIn(text);
    const shown = await runPrograms(t, programs);
    const said = programs.flatMap((code) => [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)])
      .map(([, comment]) => comment);
    assert.ok(said.length > 0);
    assert.deepEqual(shown.map(String), said);
  });
});
