/**
 * The types of the packed package: every supported TypeScript compiles them in full. Called by package_test.ts, since two
 * files that build at one time would be in each other's way.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { findNode } from "../../scripts/runtimes.mjs";
import { installWithNpm, link, makeProject, mustRun, type Packed, root, run } from "./package.ts";

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly name: string };

const consumer = `
import { type Connection, connect, lines, serve, type Server } from "${manifest.name}";
import * as effect from "${manifest.name}/effect";
import * as testing from "${manifest.name}/testing";
import { type CheckedConfig, checkConfig, memoryBus, startGateway } from "${manifest.name}/gateway";

export const server: Server<Uint8Array> = await serve({
  port: 0,
  framing: lines(),
  handler: async (connection) => {
    for await (const line of connection) await connection.send(line satisfies Uint8Array);
  },
});
export const client: Connection<Uint8Array> = await connect({ port: 1, framing: lines() });
const check = checkConfig({ endpoints: [{ name: "a", listen: 0 }] });
if (check.ok) {
  const config: CheckedConfig = check.config;
  await (await startGateway(config, { bus: memoryBus() })).close({ deadline: "1 second" });
}
// @ts-expect-error Only what has passed the check can be started.
await startGateway({ endpoints: [] });
// @ts-expect-error There is no such option.
await serve({ port: 0, framing: lines(), handler: () => {}, prot: 1 });
export const names: string[] = [...Object.keys(effect), ...Object.keys(testing)];
`;

/** The same without what needs Effect. */
const plain = consumer.replace(/^import \* as effect .*\n/m, "").replace("...Object.keys(effect), ", "");

const resolutions = [["--module", "nodenext"], ["--module", "esnext", "--moduleResolution", "bundler"]];
const compilers = {
  "TypeScript 5.8": "typescript5",
  "TypeScript 6": "typescript6",
  "TypeScript 7": "typescript",
};
/** What a consumer without any care for strictness has, and nothing but the runtime's types. */
const plainly = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2022", "--types", "node"];

/** Tests of the package that `pack` gives once the tests run. */
export function describeTypes(pack: () => Packed): void {
  describe("types", () => {
    let project = "";
    let withEffect = "";

    before(async () => {
      const packed = pack();
      project = makeProject(packed, "plain", { "plain.ts": plain });
      withEffect = makeProject(packed, "with-effect", { "consumer.ts": consumer });
      for (const folder of [project, withEffect]) {
        await installWithNpm(packed, folder);
        for (const name of ["@types/node", "undici-types"]) link(folder, name);
      }
      link(withEffect, "effect");
    }, { timeout: 300_000 });

    for (const [name, folder] of Object.entries(compilers)) {
      it(`compile in full with ${name}, lib ES2022 and no Effect`, async () => {
        const tsc = join(root, "node_modules", folder, "lib/tsc.js");
        for (const resolution of resolutions) {
          const { all } = await run(
            findNode().program,
            [tsc, ...plainly, ...resolution, "--skipLibCheck", "false", "plain.ts"],
            project,
          );
          assert.equal(all, "", `${name} ${resolution.join(" ")}`);
        }
      });
    }

    it("compile for a strict program that uses every entry point, that for Effect too", async () => {
      const tsc = join(root, "node_modules/typescript/lib/tsc.js");
      const strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--noEmit"];
      const lib = [
        "--target",
        "es2022",
        "--lib",
        "es2023,esnext.disposable,dom,dom.iterable",
        "--types",
        "node",
      ];
      for (const resolution of resolutions) {
        await mustRun(findNode().program, [tsc, ...strict, ...lib, ...resolution, "consumer.ts"], withEffect);
      }
    });
  });
}
