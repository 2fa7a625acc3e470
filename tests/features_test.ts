// What docs/features.md claims, tests hold; and it is up to date.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { documentOf, holdersIn, unclaimed, wrongIn } from "../scripts/features/document.ts";
import { faults } from "../scripts/features/faults.ts";
import { features } from "../scripts/features/features.ts";
import type { Section, State } from "../scripts/features/table.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Test files that may hold a claim: not this one and not the one about the layers, which only speak of ids. */
function tests(): Map<string, string> {
  const names = readdirSync(join(root, "tests"), { recursive: true })
    .map((name) => `tests/${String(name).split(sep).join("/")}`)
    .filter((name) => name.endsWith(".ts") && !/^tests\/(?:features|layers)_test\.ts$/.test(name));
  return new Map(names.map((name) => [name, readFileSync(join(root, name), "utf8")]));
}

const ids = (letter: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${letter}-${at + 1}`);

const section = (state: State, missing?: string): Section => ({
  title: "One",
  rows: [{ id: "F-1", name: "one", state, ...(missing === undefined ? {} : { missing }) }],
});

describe("docs/features.md", () => {
  it("has every feature and every fault once, in order", () => {
    assert.deepEqual(features.flatMap(({ rows }) => rows.map(({ id }) => id)), ids("F", 86));
    assert.deepEqual(faults.flatMap(({ rows }) => rows.map(({ id }) => id)), ids("S", 67));
  });

  it("claims nothing that no test holds, and no test holds what it does not know", () => {
    assert.deepEqual(wrongIn([...features, ...faults], holdersIn(tests())), []);
  });

  it("is what npm run features writes now", () => {
    const found = readFileSync(join(root, "docs/features.md"), "utf8");
    const wanted = documentOf(features, faults, holdersIn(tests()));
    assert.ok(found === wanted, "docs/features.md is out of date: run npm run features");
  });
});

describe("the claims", () => {
  it("find an id in the names of tests, but not in comments or inside other words", () => {
    const text = [
      '// it("a comment (F-1)", () => {});',
      'it("reads frames (F-2)", () => {});',
      "it(`S-3: ${how} bytes (F-4, F-5)`, () => {});",
      "describe('all of F-6', () => {});",
      'it("PDF-7 and F-8x and F-9-a", () => {});',
      'const x = F-10; /* "F-11" */',
    ].join("\n");
    assert.deepEqual([...holdersIn(new Map([["tests/a_test.ts", text]])).keys()], [
      "F-2",
      "S-3",
      "F-4",
      "F-5",
      "F-6",
    ]);
  });

  it("name each file once and in order", () => {
    const text = 'it("one (F-1)", f); it("two (F-1)", f);';
    const holders = holdersIn(new Map([["tests/b_test.ts", text], ["tests/a_test.ts", text]]));
    assert.deepEqual(holders.get("F-1"), ["tests/a_test.ts", "tests/b_test.ts"]);
  });

  it("fail where a held or partly held row has no test, and only there", () => {
    const none = new Map<string, string[]>();
    const one = new Map([["F-1", ["tests/a_test.ts"]]]);
    assert.match(wrongIn([section("held")], none)[0] ?? "", /F-1 is said to be held, but no test/);
    assert.match(
      wrongIn([section("partly", "no TLS")], none)[0] ?? "",
      /F-1 is said to be partly, but no test/,
    );
    assert.match(wrongIn([section("partly")], one)[0] ?? "", /what is `missing` go together/);
    assert.match(wrongIn([section("held", "no TLS")], one)[0] ?? "", /what is `missing` go together/);
    assert.deepEqual(wrongIn([section("planned")], none), []);
    assert.deepEqual(wrongIn([section("held")], one), []);
    assert.deepEqual(unclaimed([section("planned")], one), ["F-1"]);
  });

  it("fail where an id is there twice, or a test names a row that is not there", () => {
    const holders = new Map([["F-99", ["tests/a_test.ts"]]]);
    assert.deepEqual(wrongIn([section("planned"), section("planned")], holders), [
      "F-1 is there twice",
      "F-99 is named by tests/a_test.ts, but there is no such row",
    ]);
  });

  it("show what a runtime does instead only once the row is held", () => {
    const rows = (state: State): Section => ({
      title: "One",
      rows: [{ id: "F-1", name: "one", state, instead: { deno: "sends FIN" } }],
    });
    const holders = new Map([["F-1", ["tests/a_test.ts"]]]);
    const line = "| F-1 | one | yes | sends FIN | yes | [a_test.ts](../tests/a_test.ts) |";
    assert.ok(documentOf([rows("held")], [], holders).includes(line));
    assert.ok(
      documentOf([rows("planned")], [], new Map()).includes("| F-1 | one | planned | planned | planned |  |"),
    );
  });
});
