// What docs/tls.md and docs/gateway.md say of TLS is true: their code compiles, their configuration has no faults.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { describe } from "node:test";
import { fileURLToPath } from "node:url";
import * as main from "../mod.ts";
import { parseConfig } from "../src/gateway/config/config.ts";
import { formatFaults } from "../src/gateway/config/fault.ts";
import { compile } from "./support/compile.ts";
import { it } from "./support/it.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const page = (name: string): string => readFileSync(join(root, name), "utf8");

/** The blocks of a language in a page. */
function blocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))].map(([, code]) => code!);
}

/** A block as a module: with imports, and with what its reader has anyway. */
function asModule(code: string, mod: string): string {
  const body = code.replaceAll(/^import .*\n/gm, "");
  const used = Object.keys(main).filter((name) => new RegExp(`\\b${name}\\(`).test(body));
  const made = [...body.matchAll(/^const (\w+)/gm)].map(([, name]) => name);
  return `import { ${used.join(", ")} } from "${mod}";
declare const certText: string, keyText: string, caText: string;
declare function fetchPair(signal: AbortSignal): Promise<{ cert: string; key: string }>;
${body}
${made.map((name) => `void ${name};`).join("\n")}
export { certText, keyText, caText, fetchPair };
`;
}

describe("docs/tls.md", () => {
  const text = page("docs/tls.md");

  it("has code that compiles", { timeout: 120_000 }, async (t) => {
    const found = blocks(text, "ts");
    assert.ok(found.length >= 5, `${found.length} blocks`);
    const made = mkdtempSync(join(tmpdir(), "millrace-docs-"));
    t.after(() => rmSync(made, { recursive: true, force: true }));
    const mod = relative(made, join(root, "mod.ts"));
    const files = found.map((code, at) => {
      const file = join(made, `block_${at}.mts`);
      writeFileSync(file, asModule(code, mod));
      return file;
    });
    assert.equal(await compile(...files), "0");
  });

  it("links only to files that are there", () => {
    for (const [, target] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      assert.ok(existsSync(join(root, dirname("docs/tls.md"), target!)), target);
    }
  });

  it("tells every reason of a TlsError", () => {
    const union = /type TlsErrorReason =(.*?);\n\n/s.exec(page("src/core/tls/tls_error.ts"))![1]!;
    const reasons = [...union.matchAll(/\| "(\w+)"/g)].map(([, reason]) => reason!);
    assert.ok(reasons.length > 10);
    for (const reason of reasons) if (reason !== "unknown") assert.ok(text.includes(`\`${reason}\``), reason);
  });
});

describe("docs/gateway.md", () => {
  it("shows a tls section that has no faults but for its files", () => {
    const found = blocks(page("docs/gateway.md"), "yaml").filter((block) => block.includes("tls:"));
    assert.equal(found.length, 1);
    const result = parseConfig(found[0]!, { format: "yaml" });
    assert.ok(result.ok, result.ok ? "" : formatFaults(result.faults));
    assert.equal(result.config.endpoints.filter(({ tls }) => tls !== undefined).length, 2);
  });
});
