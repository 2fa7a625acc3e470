// What the README shows is true: its code compiles, its echo server echoes, its messages are those that come.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { describe, type TestContext } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as main from "../mod.ts";
import { type DurationInput, toMilliseconds } from "../src/core/time/duration.ts";
import { defaultMaxFrameBytes } from "../src/core/framing/framing.ts";
import { defaults } from "../src/core/options.ts";
import { compile } from "./support/compile.ts";
import { it } from "./support/it.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const mainUrl = pathToFileURL(join(root, "mod.ts")).href;

/** The blocks of code of a language in a page. */
function blocks(page: string, language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))].map(([, code]) => code!);
}

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), "millrace-readme-"));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A block as a module: with the imports that it leaves out, and what its reader has anyway. */
function asModule(code: string, mod: string): string {
  const made = [...code.matchAll(/^const (\w+)/gm)].map(([, name]) => `void ${name};`).join("\n");
  if (/^import /m.test(code)) {
    const sources = code.replace(
      /from "millrace(?:\/(\w+))?"/g,
      (_, entry = "mod") => `from "${mod.replace("mod.ts", `${entry}.ts`)}"`,
    );
    return `${sources}\n${made}\n`;
  }
  const used = Object.keys(main).filter((name) => new RegExp(`\\b${name}\\(`).test(code));
  return `import { ${used.join(", ")} } from "${mod}";\n${code}\n${made}\n`;
}

describe("README.md", () => {
  it("shows an echo server before line 25", () => {
    const first = readme.split("\n").slice(0, 24).join("\n");
    assert.match(first, /^import .* from "millrace";.*await serve\(.*^await server\.finished;$/ms);
  });

  it("has code that compiles", { timeout: 120_000 }, async (t) => {
    const found = blocks(readme, "ts");
    assert.ok(found.length >= 3, `${found.length} blocks`);
    const made = folder(t);
    const mod = relative(made, join(root, "mod.ts"));
    const files = found.map((code, at) => {
      const file = join(made, `block_${at}.mts`);
      writeFileSync(file, asModule(code, mod));
      return file;
    });
    assert.equal(await compile(...files), "0");
  });

  it("has an echo server that echoes", { timeout: 60_000 }, async (t) => {
    const code = blocks(readme, "ts")[0]!
      .replace('from "millrace"', `from ${JSON.stringify(mainUrl)}`)
      .replace("port: 3034", "port: 0")
      .replace("await server.finished;", "export { server };");
    const file = join(folder(t), "echo.mts");
    writeFileSync(file, code);
    const { server } = await import(pathToFileURL(file).href) as { server: main.Server<Uint8Array> };
    t.after(() => server.destroy());
    assert.equal(server.address.transport, "tcp");
    const { port } = server.address as { port: number };
    const client = await main.connect({ port, framing: main.lines({ encoding: "utf-8" }) });
    await client.send("hello");
    for await (const line of client) {
      assert.equal(line, "hello");
      break;
    }
    await client.close();
  });

  it("quotes the message of a bad frame to the letter", () => {
    const decoder = main.lengthField().decoder(() => {});
    const head = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    let quoted = "";
    try {
      decoder.push(head, () => {});
    } catch (error) {
      quoted = (error as Error).message;
    }
    assert.match(quoted, /^cut a frame/);
    const shown = readme.replaceAll(/\s+/g, " ");
    assert.ok(shown.includes(quoted), `not in the README: ${quoted}`);
  });

  it("tells the defaults that are in force", () => {
    const [table = ""] = /^\| option .*?\n\n/ms.exec(readme) ?? [];
    const rows = new Map(
      [...table.matchAll(/^\| `(\w+)` +\| ([^|]+?) +\|/gm)].map(([, name, text]) => [name!, text!]),
    );
    const units: Readonly<Record<string, number>> = { "": 1, KiB: 1024, MiB: 1024 ** 2 };
    for (const [name, text] of rows) {
      const wanted = name === "maxFrameBytes"
        ? defaultMaxFrameBytes
        : defaults[name as keyof typeof defaults];
      const [, amount, unit] = /^(\d+) ?(\w*)$/.exec(text)!;
      const told = unit! in units
        ? Number(amount) * units[unit!]!
        : toMilliseconds(text as DurationInput, name);
      assert.equal(told, wanted, name);
    }
    assert.ok(rows.size >= 6, `${rows.size} rows`);
  });

  it("links only to files that are there, as the other pages do", () => {
    for (
      const page of [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "docs/gateway.md",
        "docs/framings.md",
      ]
    ) {
      const text = readFileSync(join(root, page), "utf8");
      for (const [, target] of text.matchAll(/\]\(([^)#]+)\)/g)) {
        if (/^[a-z]+:/.test(target!)) continue;
        assert.ok(existsSync(join(root, dirname(page), target!)), `${page} links to ${target}`);
      }
    }
  });

  it("names files of the sources that are there, in ARCHITECTURE.md too", () => {
    for (
      const page of ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/gateway.md", "docs/framings.md"]
    ) {
      const text = readFileSync(join(root, page), "utf8");
      for (const [, path] of text.matchAll(/`((?:src|tests|examples|scripts|docs)\/[\w./]+)`/g)) {
        assert.ok(existsSync(join(root, path!)), `${page} names ${path}`);
      }
    }
  });

  it("names only commands that npm has here", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: object };
    for (
      const page of ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/gateway.md", "docs/framings.md"]
    ) {
      const text = readFileSync(join(root, page), "utf8");
      for (const [, named, short] of text.matchAll(/\bnpm (?:run (\w+)|(start|test)\b)/g)) {
        assert.ok((named ?? short)! in scripts, `${page} says npm run ${named ?? short}`);
      }
    }
  });
});
