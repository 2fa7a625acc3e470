/**
 * Says where package.json, jsr.json, deno.json and tsconfig.json disagree about name, version, entry points or packages.
 *
 * A step of `npm run check`. npm reads package.json, JSR reads jsr.json, and whoever works here with Deno
 * reads deno.json: what they say of one package must be one thing.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./install.mjs";

/** The one entry point that npm has as a program instead: JSR knows no programs. */
const program = { entryPoint: "./cli", command: "millrace" };

/** Every disagreement, as a sentence. `read` gives the text of a file by its path from the root. */
export function disagreements(read) {
  const json = (path) => JSON.parse(read(path));
  const [npm, jsr, deno, lock] = ["package.json", "jsr.json", "deno.json", "package-lock.json"].map(json);
  const { paths } = json("tsconfig.json").compilerOptions;
  const faults = [];
  const same = (what, expected, found) => {
    const [one, other] = [JSON.stringify(expected), JSON.stringify(found)];
    if (one !== other) faults.push(`${what} is ${other}, expected ${one}`);
  };

  same("jsr.json: name", `@${npm.name}/${npm.name}`, jsr.name);
  same("jsr.json: license", npm.license, jsr.license);
  same("jsr.json: version", npm.version, jsr.version);
  same("package-lock.json: version", npm.version, lock.packages[""].version);
  if (deno.version !== undefined) same("deno.json: version", npm.version, deno.version);
  same(
    "src/gateway/cli/version.ts: version",
    npm.version,
    /version: string = "([^"]*)"/.exec(read("src/gateway/cli/version.ts"))?.[1],
  );
  if (!read("CHANGELOG.md").includes(`## ${npm.version}`)) {
    faults.push(`CHANGELOG.md has no heading "## ${npm.version}"`);
  }

  const entryPoints = Object.keys(npm.exports).filter((entryPoint) => entryPoint !== "./package.json");
  same("jsr.json: exports", [...entryPoints, program.entryPoint].sort(), Object.keys(jsr.exports).sort());
  if (deno.exports !== undefined) same("deno.json: exports", jsr.exports, deno.exports);
  for (const entryPoint of entryPoints) {
    const source = jsr.exports[entryPoint];
    if (source === undefined) continue;
    same(`package.json: exports["${entryPoint}"]`, {
      types: `./dist/types/${source.replace(/^\.\//, "").replace(/\.ts$/, ".d.ts")}`,
      default: `./dist/${entryPoint === "." ? "mod" : entryPoint.slice("./".length)}.js`,
    }, npm.exports[entryPoint]);
  }
  same(
    "package.json: bin",
    { [program.command]: `dist/${program.entryPoint.slice("./".length)}.js` },
    npm.bin,
  );

  // The package for npm carries what it uses inside, so that what JSR imports is there for building it only.
  for (const kind of ["dependencies", "optionalDependencies"]) {
    same(`package.json: ${kind}`, {}, npm[kind] ?? {});
  }
  for (const [name, target] of Object.entries(jsr.imports ?? {})) {
    same(`jsr.json: imports["${name}"]`, `npm:${name}@${npm.devDependencies[name]}`, target);
  }
  // In a checkout the examples import what their reader has installed, and get the sources.
  const sources = entryPoints.map((entryPoint) => [
    `${npm.name}${entryPoint.slice(1)}`,
    jsr.exports[entryPoint],
  ]);
  same("deno.json: imports", Object.fromEntries(sources), deno.imports);
  same(
    "tsconfig.json: paths",
    Object.fromEntries(sources.map(([name, source]) => [name, [source]])),
    paths,
  );
  for (const [task, command] of Object.entries(deno.tasks ?? {})) {
    same(`deno.json: tasks.${task}`, npm.scripts[task]?.replace(/^exec /, ""), command);
  }
  return faults;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const faults = disagreements((path) => readFileSync(join(root, path), "utf8"));
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
