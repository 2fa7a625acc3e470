// @once: it reads the tables and the sources, which are the same on every runtime
//
// What npm run mutate breaks is there to be broken: a mutant whose text has moved on would try nothing.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
// @ts-types="../scripts/mutant_tables.d.mts"
import { allMutants, placeOf } from "../scripts/mutant_tables.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

describe("the mutants of scripts/mutants/", () => {
  it("have their text exactly once in their file, change it, and name tests that exist", async () => {
    const mutants = await allMutants();
    assert.ok(mutants.length > 200, `found ${mutants.length} mutants`);
    const wrong = mutants.flatMap(({ table, why, ...mutant }) => {
      const { wrong } = placeOf(mutant);
      const missing = mutant.tests.filter((test) => !existsSync(join(root, test)));
      return [
        ...(wrong === undefined ? [] : [`${table}: ${why}: ${wrong}`]),
        ...(mutant.tests.length > 0 ? [] : [`${table}: ${why}: it names no test`]),
        ...missing.map((test) => `${table}: ${why}: there is no ${test}`),
      ];
    });
    assert.deepEqual(wrong, []);
  });

  it("are told apart from those that are behind the code", () => {
    const read = (file: string): string | undefined => file === "a.ts" ? "one two two $& three" : undefined;
    const wrongOf = (file: string, find: string, put: string): string | undefined =>
      placeOf({ file, find, put }, read).wrong;
    assert.equal(wrongOf("a.ts", "four", ""), "its text is found 0 times in a.ts");
    assert.equal(wrongOf("a.ts", "two", ""), "its text is found 2 times in a.ts");
    assert.equal(wrongOf("a.ts", "one", "one"), "it changes nothing");
    assert.equal(wrongOf("b.ts", "one", ""), "there is no b.ts");
    assert.deepEqual(placeOf({ file: "a.ts", find: "one", put: "$&" }, read), {
      source: "one two two $& three",
      changed: "$& two two $& three",
    });
  });
});
