// docs/framings.md is true: its programs run to their end, its tables name every option and reason.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe } from "node:test";
import { fileURLToPath } from "node:url";
import { it } from "./support/it.ts";
import { pageText, programsIn, runPrograms } from "./support/page.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const text = pageText("docs/framings.md");
const programs = programsIn(text);

describe("docs/framings.md", () => {
  it("has code that compiles, and runs to its end", { timeout: 120_000 }, async (t) => {
    assert.ok(programs.length >= 2);
    const shown = await runPrograms(t, programs);
    assert.deepEqual(shown, [
      "delimited",
      "lengthField and lines",
      "lengthField",
      21,
      "lengthField",
      "HTTP/1.1 200 Connection established",
      "1,2,3",
    ]);
  });

  it("names every option of every framing, and no other", () => {
    const [, table = ""] = /^### Options\n(.*?)^## /ms.exec(text)!;
    const told = [...table.matchAll(/^\| `(\w+)`\s+\| ([^|]+)\|/gm)].map(([, option, of]) => [option!, of!]);
    const files = {
      lines: "lines",
      delimited: "delimited",
      lengthField: "length_options",
      varintField: "variable_length",
      berField: "variable_length",
      silence: "silence",
    };
    for (const [framing, file] of Object.entries(files)) {
      const source = readFileSync(join(root, `src/core/framing/${file}.ts`), "utf8");
      const [, known = ""] = /^const known = \[(.*?)\];/ms.exec(source)!;
      const taken = [...known.matchAll(/"(\w+)"/g)].map(([, option]) => option!).sort();
      const named = told.filter(([, of]) => of!.includes(`\`${framing}\``)).map(([option]) => option!).sort();
      assert.deepEqual(named, taken, framing);
    }
  });

  it("tells every reason of a FrameError", () => {
    const source = readFileSync(join(root, "src/core/errors.ts"), "utf8");
    const [, union = ""] = /class FrameError .*?readonly reason: ([^;]+);/s.exec(source)!;
    const reasons = [...union.matchAll(/"(\w+)"/g)].map(([, reason]) => reason!);
    assert.ok(reasons.length >= 3);
    for (const reason of reasons) assert.match(text, new RegExp(`^\\| \`${reason}\` `, "m"), reason);
  });

  it("links only to files that are there", () => {
    for (const [, target] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      assert.ok(existsSync(join(root, dirname("docs/framings.md"), target!)), target);
    }
  });
});
