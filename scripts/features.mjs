/**
 * `npm run features`: writes docs/features.md from the tables in scripts/features/ and the names of the tests.
 *
 * With `--check` it writes nothing and fails where the file is out of date or a claim has no test.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, sep } from "node:path";
import { install, root } from "./install.mjs";

/** These speak of ids without holding them. */
const notTests = ["tests/features_test.ts", "tests/layers_test.ts"];

function testSources() {
  return new Map(
    readdirSync(join(root, "tests"), { recursive: true })
      .map((name) => `tests/${String(name).split(sep).join("/")}`)
      .filter((name) => name.endsWith(".ts") && !notTests.includes(name))
      .map((name) => [name, readFileSync(join(root, name), "utf8")]),
  );
}

async function main(check) {
  install();
  const { tsImport } = await import("tsx/esm/api");
  const load = (name) => tsImport(`./features/${name}.ts`, import.meta.url);
  const [{ features }, { faults }, page] = [
    await load("features"),
    await load("faults"),
    await load("document"),
  ];
  const holders = page.holdersIn(testSources());
  const path = join(root, "docs/features.md");
  const text = page.documentOf(features, faults, holders);
  const wrong = page.wrongIn([...features, ...faults], holders);
  if (!check) writeFileSync(path, text);
  else if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
    wrong.push("docs/features.md is out of date: run npm run features");
  }
  for (const fault of wrong) console.error(fault);
  const waiting = page.unclaimed([...features, ...faults], holders);
  if (waiting.length > 0) console.error(`planned, but with tests: ${waiting.join(", ")}`);
  return wrong.length > 0 ? 1 : 0;
}

main(process.argv.includes("--check")).then((code) => {
  process.exitCode = code;
}, (error) => {
  console.error(`npm run features: ${error.message}`);
  process.exitCode = 1;
});
