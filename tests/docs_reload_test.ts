// docs/reload.md is true: its program runs to its end.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { it } from "./support/it.ts";
import { pageText, programsIn, runPrograms } from "./support/page.ts";

describe("docs/reload.md", () => {
  it("has a program that reloads a gateway (F-59)", { timeout: 120_000 }, async (t) => {
    const programs = programsIn(pageText("docs/reload.md"));
    assert.equal(programs.length, 1);
    assert.deepEqual(await runPrograms(t, programs), ["done: +valves -pumps =meters"]);
  });
});
