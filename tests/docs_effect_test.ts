// What docs/effect.md and the docstrings for Effect show is true: their code compiles, and runs to its end.
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { describe, type TestContext } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as entry from "../effect.ts";
import { makeAuthority } from "./support/certificates.ts";
import { compile } from "./support/compile.ts";
import { it } from "./support/it.ts";
import { pageText, programsIn } from "./support/page.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const page = pageText("docs/effect.md");
const sources = [
  "effect.ts",
  "src/connection/effect/connection_effects.ts",
  "src/connection/effect/connection_channel.ts",
  "src/connection/effect/framing_channels.ts",
  "src/server/server_effects.ts",
  "src/server/effect/socket_server_layer.ts",
  "src/client/effect/socket_layer.ts",
];

/** The examples of docstrings in a source. */
function examples(source: string): string[] {
  const comments = readFileSync(join(root, source), "utf8").matchAll(/^\/\*\*\n(.*?)^ \*\/$/gms);
  return [...comments].flatMap(([, comment]) => programsIn(comment!.replaceAll(/^ \* ?/gm, "")));
}

/** With imports that hold from any folder. */
function placed(code: string): string {
  const here = (path: string) => JSON.stringify(pathToFileURL(join(root, path)).href);
  return code
    .replaceAll(/from "(?:@millrace\/)?millrace"/g, () => `from ${here("mod.ts")}`)
    .replaceAll(/from "(?:@millrace\/)?millrace\/effect"/g, () => `from ${here("effect.ts")}`)
    .replaceAll(
      /from "effect\/([\w/]+)"/g,
      (_, name: string) => `from ${here(`node_modules/effect/dist/${name}.js`)}`,
    );
}

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), "millrace-effect-"));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

describe("docs/effect.md", () => {
  it("and the docstrings have code that compiles", { timeout: 120_000 }, async (t) => {
    const made = folder(t);
    mkdirSync(join(made, "node_modules"));
    mkdirSync(join(made, "node_modules/@types"));
    for (const name of ["effect", "@types/node"]) {
      symlinkSync(join(root, "node_modules", name), join(made, "node_modules", name));
    }
    const all = [...programsIn(page), ...sources.flatMap(examples)];
    assert.ok(all.length >= 12, `${all.length} blocks`);
    const local = (code: string) =>
      code
        .replaceAll(/from "(?:@millrace\/)?millrace"/g, `from "${relative(made, join(root, "mod.ts"))}"`)
        .replaceAll(
          /from "(?:@millrace\/)?millrace\/effect"/g,
          `from "${relative(made, join(root, "effect.ts"))}"`,
        );
    const files = all.map((code, at) => {
      const file = join(made, `block_${at}.mts`);
      writeFileSync(file, local(code));
      return file;
    });
    assert.equal(await compile(...files), "0");
  });

  it(
    "has programs that run to their end, with nobody listening elsewhere",
    { timeout: 60_000 },
    async (t) => {
      const made = folder(t);
      const ca = await makeAuthority();
      const { cert, key } = await ca.sign({ names: ["localhost"] });
      mkdirSync(join(made, "certs"));
      for (
        const [name, text] of Object.entries({
          "ca.crt": ca.cert,
          "localhost.crt": cert,
          "localhost.key": key,
        })
      ) {
        writeFileSync(join(made, "certs", name), text);
      }
      const shown: unknown[][] = [];
      t.mock.method(console, "log", (...what: unknown[]) => void shown.push(what));
      for (const [at, code] of programsIn(page).entries()) {
        const file = join(made, `program_${at}.mts`);
        // A path of its own, where the page has a port.
        const path = `path: ${JSON.stringify(join(made, "s"))}`;
        writeFileSync(file, placed(code).replaceAll("port: 3035", path));
        await import(pathToFileURL(file).href);
      }
      assert.ok(shown.flat().includes("hello, Ada"));
      assert.match(shown.flat().map(String).join("\n"), /HELLO/);
      assert.ok(shown.flat().includes("refused"));
    },
  );

  for (const source of sources) {
    it(`is not alone: the examples of ${source} run to their end`, { timeout: 60_000 }, async (t) => {
      const made = folder(t);
      const found = examples(source);
      assert.ok(found.length > 0);
      for (const [at, code] of found.entries()) {
        const file = join(made, `example_${at}.mts`);
        writeFileSync(
          file,
          placed(code).replace("port: 3034", "port: 0").replace(/yield\* Effect.promise.*finished.*/, ""),
        );
        await import(pathToFileURL(file).href);
      }
    });
  }

  it("names everything that the entry point has, and links only to files that are there", () => {
    for (const name of Object.keys(entry)) assert.match(page, new RegExp(`\\b${name}[(\`]`), name);
    for (const [, target] of page.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      assert.ok(existsSync(join(root, dirname("docs/effect.md"), target!)), target);
    }
  });
});
