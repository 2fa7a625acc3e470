// Parts that are loaded when they are needed.
import assert from "node:assert/strict";
import { it } from "node:test";
import { onFirstUse } from "../../src/core/loading.ts";

it("a part is loaded once for all who need it, and again only where loading it has failed", async () => {
  const loads = [Promise.reject(new Error("no descriptor is left")), Promise.resolve("part")];
  let asked = 0;
  const part = onFirstUse(() => loads[asked++]!);
  await assert.rejects(part(), /no descriptor/);
  assert.deepEqual(await Promise.all([part(), part()]), ["part", "part"]);
  assert.equal(await part(), "part");
  assert.equal(asked, 2);
});
