// What docs/protection.md says is true: its code compiles, its options exist, its links lead somewhere.
// @once: it reads a page and the sources with the compiler, which answers alike on every runtime
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { describe } from "node:test";
import { fileURLToPath } from "node:url";
import { compile } from "./support/compile.ts";
import { it } from "./support/it.ts";
import { pageText, programsIn } from "./support/page.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const text = pageText("docs/protection.md");

describe("docs/protection.md", () => {
  it("has code that compiles", { timeout: 120_000 }, async (t) => {
    const found = programsIn(text);
    assert.ok(found.length >= 1, `${found.length} blocks`);
    const made = mkdtempSync(join(tmpdir(), "millrace-docs-"));
    t.after(() => rmSync(made, { recursive: true, force: true }));
    const mod = relative(made, join(root, "mod.ts"));
    const files = found.map((code, at) => {
      const file = join(made, `block_${at}.mts`);
      const names = [...code.matchAll(/^const (\w+)/gm)].map(([, name]) => name);
      writeFileSync(
        file,
        `${code.replaceAll('"millrace"', JSON.stringify(mod))}\n${
          names.map((name) => `void ${name};`).join("\n")
        }\nexport {};\n`,
      );
      return file;
    });
    assert.equal(await compile(...files), "0");
  });

  it("links only to files that are there", () => {
    for (const [, target] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      assert.ok(existsSync(join(root, "docs", target!)), target);
    }
  });

  it("tells only of reasons that there are", () => {
    const reasons = ["connection/termination.ts", "server/admission_options.ts"]
      .map((file) => readFileSync(join(root, "src", file), "utf8")).join("\n");
    for (const [, row] of text.matchAll(/^\|.*\| (`[a-z_`, ]+`) +\|$/gm)) {
      for (const [, reason] of row!.matchAll(/`([a-z_]+)`/g)) {
        assert.ok(reasons.includes(`| "${reason}"`), reason);
      }
    }
  });
});
