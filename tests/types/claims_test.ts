// The claims about types are compiled here, so that they hold in the suite and not only in the check.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { compile } from "../support/compile.ts";

test("frames, contexts and outcomes have the framing's types, and pairs that make no sense do not compile (F-73)", async () => {
  assert.equal(await compile("tests/types/claims.ts"), "0");
});

test("S-57: streams of this package and of the platform compile together (F-73)", async () => {
  assert.equal(await compile("tests/types/streams.ts"), "0");
});

test("a claim that does not hold is reported (F-73)", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-types-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, "false_claim.mts");
  writeFileSync(file, "// @ts-expect-error this line is fine\nexport const fine: string = '';\n");
  assert.match(await compile(file), /^[12].*error TS2578/s);
});
