/**
 * Says where package.json, deno.json, jsr.json and tsconfig.json disagree about name, version, entry points or packages.
 *
 * A step of `npm run check`. npm reads package.json, JSR's own tool jsr.json, Deno here and Deno in a project that links
 * to a checkout deno.json: what they say of one package must be one thing.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./install.mjs";

/** The one entry point that npm has as a program instead: JSR knows no programs. */
const program = { entryPoint: "./cli", command: "millrace" };

/** What bundlers take instead for hosts without modules of Node. */
const onEdges = (made) => ({ workerd: made, worker: made, browser: made });

/** Every disagreement, as a sentence. `read` gives the text of a file by its path from the root. */
export function disagreements(read) {
  const json = (path) => JSON.parse(read(path));
  const [npm, deno, jsr, lock] = ["package.json", "deno.json", "jsr.json", "package-lock.json"].map(json);
  const { paths } = json("tsconfig.json").compilerOptions;
  const faults = [];
  const same = (what, expected, found) => {
    const [one, other] = [JSON.stringify(expected), JSON.stringify(found)];
    if (one !== other) faults.push(`${what} is ${other}, expected ${one}`);
  };

  same("deno.json: name", `@${npm.name}/${npm.name}`, deno.name);
  same("deno.json: license", npm.license, deno.license);
  same("deno.json: version", npm.version, deno.version);
  same("package-lock.json: version", npm.version, lock.packages[""].version);
  same(
    "src/gateway/cli/version.ts: version",
    npm.version,
    /version: string = "([^"]*)"/.exec(read("src/gateway/cli/version.ts"))?.[1],
  );
  if (!read("CHANGELOG.md").includes(`## ${npm.version}`)) {
    faults.push(`CHANGELOG.md has no heading "## ${npm.version}"`);
  }

  const entryPoints = Object.keys(npm.exports).filter((entryPoint) => entryPoint !== "./package.json");
  same("deno.json: exports", [...entryPoints, program.entryPoint].sort(), Object.keys(deno.exports).sort());
  for (const entryPoint of entryPoints) {
    const source = deno.exports[entryPoint];
    if (source === undefined) continue;
    same(`package.json: exports["${entryPoint}"]`, {
      types: `./dist/types/${source.replace(/^\.\//, "").replace(/\.ts$/, ".d.ts")}`,
      ...(`${entryPoint}/edge` in npm.exports && onEdges(`./dist${entryPoint.slice(1)}/edge.js`)),
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
  // In a checkout the examples import what their reader has installed, and get the sources.
  const sources = entryPoints.map((entryPoint) => [
    `${npm.name}${entryPoint.slice(1)}`,
    deno.exports[entryPoint],
  ]);
  for (const [name, source] of sources) same(`deno.json: imports["${name}"]`, source, deno.imports[name]);
  const others = Object.entries(deno.imports).filter(([name]) =>
    !sources.some(([source]) => source === name)
  );
  // Of these an example tells; the package imports neither, so that nothing else has to know them.
  const isStd = ([name]) => name.startsWith("@std/");
  for (const [name, target] of others.filter(isStd)) {
    same(`deno.json: imports["${name}"]`, `jsr:${name}@^1.0.0`, target);
  }
  const packages = others.filter((each) => !isStd(each));
  for (const [name, target] of packages) {
    same(`deno.json: imports["${name}"]`, `npm:${name}@${npm.devDependencies[name]}`, target);
  }
  same(
    "tsconfig.json: paths",
    Object.fromEntries(sources.map(([name, source]) => [name, [source]])),
    paths,
  );
  for (const key of ["name", "version", "license", "exports", "publish"]) {
    same(`jsr.json: ${key}`, deno[key], jsr[key]);
  }
  same("jsr.json: imports", Object.fromEntries(packages), jsr.imports);
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
