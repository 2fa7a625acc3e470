// The claims about types are compiled here, so that they hold in the suite and not only in the check.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const require = createRequire(import.meta.url);

/** Runs the compiler on one file with the project's settings; its exit code and what it printed. */
function compile(file: string): Promise<string> {
  const settings = JSON.parse(readFileSync(`${root}/tsconfig.json`, "utf8")) as {
    compilerOptions: Record<string, string | boolean | readonly string[]>;
  };
  const given = Object.entries(settings.compilerOptions).flatMap(([name, value]) => [
    `--${name}`,
    Array.isArray(value) ? value.join() : String(value),
  ]);
  const tsc = fileURLToPath(new URL("../bin/tsc", `file://${require.resolve("typescript")}`));
  return new Promise((resolve) => {
    execFile("node", [tsc, "--ignoreConfig", ...given, file], { cwd: root }, (error, output, errors) => {
      resolve(`${error === null ? 0 : error.code}${output}${errors}`);
    });
  });
}

test("frames, contexts and outcomes have the framing's types, and pairs that make no sense do not compile (F-73)", async () => {
  assert.equal(await compile("tests/types/claims.ts"), "0");
});

test("a claim that does not hold is reported (F-73)", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-types-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, "false_claim.mts");
  writeFileSync(file, "// @ts-expect-error this line is fine\nexport const fine: string = '';\n");
  assert.match(await compile(file), /^[12].*error TS2578/s);
});
