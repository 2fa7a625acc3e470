// docs/identity.md is true: its program runs, and its tables name the keys and the metadata that there are.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe } from "node:test";
import { senderPlaces } from "../src/gateway/traffic/peer_metadata.ts";
import { it } from "./support/it.ts";
import { pageText, programsIn, runPrograms } from "./support/page.ts";

const text = pageText("docs/identity.md");

describe("docs/identity.md", () => {
  it("has a program that finds a device by its name (F-77)", { timeout: 120_000 }, async (t) => {
    const programs = programsIn(text);
    assert.equal(programs.length, 1);
    assert.deepEqual(await runPrograms(t, programs), ["report every minute"]);
  });

  it("names every key of identity, and what is known of a sender (F-77, F-78)", () => {
    const source = readFileSync(new URL("../src/gateway/config/identity.ts", import.meta.url), "utf8");
    const keys = [...source.matchAll(/(?:take|require|has)\("(\w+)"/g)].map(([, name]) => name!);
    for (const name of [...keys, ...senderPlaces.filter((place) => place.startsWith("tls."))]) {
      assert.ok(text.includes(`\`${name}\``) || text.includes(` ${name}:`), name);
    }
  });
});
