// @once: it reads the sources and the pages, which are the same on every runtime
//
// What comments and pages name exists: files by their present names. What is published names no id of the lists of
// features and faults, which mean nothing to who reads it.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folders = ["src", "tests", "scripts", "bench", "examples", "docs", "tools"];
/** Tests that make up files, and the history, which names files that were. */
const madeUp = /^tests\/(?:layers|features|unused|mentions|runner|package)_test\.ts$|^CHANGELOG\.md$/;
const comment = /^\s*(?:\/\/|\/\*|\*|#)|\s\/\/\s/;

/** Names of files in a text: whole names or ends of paths, but neither patterns such as `_test.ts` nor `.d.ts`. */
function filesNamed(text: string): string[] {
  return [...text.matchAll(/(?<![\w./*<>{}$-])(?:\.{0,2}\/)?((?:[\w-]+\/)*[a-z]\w*\.(?:ts|mjs))\b/g)].map((
    [, name],
  ) => name!);
}

/** Lines of a page, or the comments of a source. */
function proseOf(file: string, text: string): string {
  return file.endsWith(".md") ? text : text.split("\n").filter((line) => comment.test(line)).join("\n");
}

function missing(prose: ReadonlyMap<string, string>, files: readonly string[]): string[] {
  return [...prose].flatMap(([file, text]) =>
    filesNamed(text)
      .filter((name) =>
        !files.some((path) => `millrace/${path}`.endsWith(`/${name}`) || name === `millrace/${path}`)
      )
      .map((name) => `${file}: ${name}`)
  );
}

function ids(prose: ReadonlyMap<string, string>): string[] {
  return [...prose].flatMap(([file, text]) =>
    [...text.matchAll(/\b[FS]-\d+\b/g)].map(([id]) => `${file}: ${id}`)
  );
}

describe("comments and pages", () => {
  const prose = new Map<string, string>();
  let files: string[] = [];
  before(() => {
    const top = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isFile());
    const below = folders.flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .map((path) => join(folder, path).split(sep).join("/"))
    );
    files = [...top.map(({ name }) => name), ...below].filter((path) => /\.(?:ts|mjs|md)$/.test(path));
    for (const file of files) {
      if (!madeUp.test(file)) prose.set(file, proseOf(file, readFileSync(join(root, file), "utf8")));
    }
    assert.ok(prose.size > 400, `${prose.size} files were found`);
  });

  it("name files that exist", () => {
    assert.deepEqual(missing(prose, files), []);
  });

  it("that are published name no id of a feature or a fault", () => {
    const published = [...prose].filter(([file]) =>
      /^(?:src|examples|docs)\/|^\w+\.ts$|^(?:README|SECURITY|ARCHITECTURE)\.md$/.test(file) &&
      file !== "docs/features.md"
    );
    assert.deepEqual(ids(new Map(published)), []);
    assert.deepEqual(ids(new Map([["CHANGELOG.md", readFileSync(join(root, "CHANGELOG.md"), "utf8")]])), []);
  });

  it("are looked at in comments, not in code, and by ends of paths", () => {
    const code =
      'import "./lost.ts"; // as gone.ts does\n * see `flow/old.ts` and flow/new.ts, not *_test.ts\n';
    const made = new Map([["a.ts", proseOf("a.ts", code)]]);
    assert.deepEqual(missing(made, ["src/flow/new.ts", "src/lost.ts"]), [
      "a.ts: gone.ts",
      "a.ts: flow/old.ts",
    ]);
    assert.deepEqual(ids(new Map([["a.ts", "one frame (F-44), S-3 and RFC-9"]])), [
      "a.ts: F-44",
      "a.ts: S-3",
    ]);
  });
});
