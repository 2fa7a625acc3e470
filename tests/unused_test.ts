// @once: the compiler reads the sources, which are the same on every runtime
//
// Nothing stands in src/ that nobody uses: no file, no exported name, no reason of an error.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { entryPoints } from "./support/layers.ts";
import { load, type Sources, unraisedReasons, unreachable, unusedExports } from "./support/unused.ts";

const config = fileURLToPath(new URL("../tsconfig.json", import.meta.url));

const isSource = (file: string): boolean => file.startsWith("src/") && !entryPoints.includes(file);

describe("the sources", () => {
  let all: Sources;
  let production: Sources;
  before(() => {
    all = load(config);
    const { files, nameOf } = all;
    production = {
      ...all,
      files: files.filter((file) => nameOf(file).startsWith("src/") || entryPoints.includes(nameOf(file))),
    };
    assert.ok(production.files.length > 200, "the sources were not found");
  });

  it("have no file that no entry point leads to", () => {
    const published = JSON.parse(readFileSync(join(config, "../deno.json"), "utf8")) as {
      exports: Record<string, string>;
    };
    const roots = Object.values(published.exports).map((path) => path.replace("./", ""));
    assert.deepEqual(unreachable(production, roots), []);
  });

  it("export no name that no other file uses", (t) => {
    assert.deepEqual(unusedExports(all, isSource), []);
    const tested = unusedExports(production, isSource);
    t.diagnostic(`${tested.length} names are exported for tests alone: ${tested.join(", ")}`);
  });

  it("have no reason of an error that is never raised", () => {
    assert.deepEqual(unraisedReasons(production), []);
  });
});

describe("the look for what is unused", () => {
  const made = {
    "mod.ts": 'export { used } from "./src/a.ts";\nexport type { Failure } from "./src/failure.ts";\n',
    "src/a.ts":
      'import type { Shape } from "./b.ts";\nexport const used: Shape = { a: 1 };\nexport const idle: number = 2;\n',
    "src/b.ts": "export interface Shape {\n  a: number;\n}\nexport const late: number = 3;\n",
    "src/c.ts": 'const { late } = await import("./b.ts");\nexport const lost: number = late;\n',
    "src/failure.ts": [
      'export type FailureReason = "gone" | "late" | "asked" | "listed";',
      "export class Failure extends Error {",
      "  readonly reason: FailureReason;",
      "  constructor(reason: FailureReason) {",
      "    super(reason);",
      "    this.reason = reason;",
      "  }",
      "}",
      "export function fail(ready: boolean): Failure {",
      '  const reason = ready ? "gone" : "late";',
      "  const failure = new Failure(reason);",
      '  const some: readonly FailureReason[] = ["listed"];',
      '  if (failure.reason === "asked" || some.includes(failure.reason)) throw failure;',
      "  return failure;",
      "}",
    ].join("\n"),
  };
  let sources: Sources;
  before(() => {
    sources = load(config, made);
    assert.equal(sources.files.length, 5);
  });

  it("finds a file that no entry point leads to, by types or by values", () => {
    assert.deepEqual(unreachable(sources, ["mod.ts"]), ["src/c.ts"]);
  });

  it("finds exports that no other file names, and takes a dynamic import for a use", () => {
    assert.deepEqual(unusedExports(sources, isSource).sort(), [
      "src/a.ts: idle",
      "src/c.ts: lost",
      "src/failure.ts: FailureReason",
      "src/failure.ts: fail",
    ]);
  });

  it("finds reasons that are asked for and never given", () => {
    assert.deepEqual(unraisedReasons(sources), ["FailureReason: asked", "FailureReason: listed"]);
  });
});
