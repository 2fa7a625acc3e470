/**
 * `npm run build`: makes the npm package in dist/: one ES module for each door and for the program, with shared
 * chunks, and declarations.
 *
 * The doors are those of jsr.json, which name the sources; package.json names what is made here. Other
 * packages stay outside, so that a program with Effect of its own has it once.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { install, root } from "./install.mjs";

const dist = join(root, "dist");

const readJson = (path) => JSON.parse(readFileSync(join(root, path), "utf8"));

/** Each door: the name of its made file without the ending, its source, and whether programs import it. */
function doors() {
  const imported = readJson("package.json").exports;
  return Object.entries(readJson("jsr.json").exports).map(([door, source]) => {
    if (!existsSync(join(root, source))) throw new Error(`${source} is not there, but jsr.json names it`);
    return { name: door === "." ? "mod" : door.slice("./".length), source, imported: door in imported };
  });
}

async function bundle(all) {
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(all.map(({ name, source }) => [name, source])),
    outdir: dist,
    bundle: true,
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    format: "esm",
    platform: "node",
    target: "es2022",
    packages: "external",
    logLevel: "warning",
  });
}

/** The program is started by name, so its file says by what. */
function makeExecutable() {
  for (const path of Object.values(readJson("package.json").bin)) {
    const file = join(root, path);
    const text = readFileSync(file, "utf8");
    if (!text.startsWith("#!")) writeFileSync(file, `#!/usr/bin/env node\n${text}`);
    chmodSync(file, 0o755);
  }
}

function declare(sources) {
  const types = join(dist, "types");
  const config = join(dist, "tsconfig.json");
  writeFileSync(
    config,
    JSON.stringify({
      extends: "../tsconfig.json",
      compilerOptions: { noEmit: false, emitDeclarationOnly: true, rootDir: "..", outDir: "types" },
      include: [],
      files: sources.map((source) => `../${source}`),
    }),
  );
  const tsc = join(root, "node_modules/typescript/lib/tsc.js");
  const run = spawnSync(process.execPath, [tsc, "-p", config], { cwd: root, stdio: ["ignore", 1, 2] });
  rmSync(config);
  if (run.status !== 0) throw new Error("tsc found faults: see its messages above");
  // Compilers of our users look for what a `.js` import declares; nothing of ours ends in `.ts` any more.
  for (const name of readdirSync(types, { recursive: true }).map(String)) {
    if (!name.endsWith(".d.ts")) continue;
    const file = join(types, name);
    const text = readFileSync(file, "utf8");
    const pattern = /(\bfrom\s*|\bimport\s*\(?\s*)(["'])(\.[^"'\n]*)\.ts\2/g;
    writeFileSync(file, text.replace(pattern, "$1$2$3.js$2"));
  }
}

async function main() {
  install();
  const started = performance.now();
  const all = doors();
  rmSync(dist, { recursive: true, force: true });
  await bundle(all);
  makeExecutable();
  declare(all.filter((door) => door.imported).map((door) => door.source));
  for (const name of readdirSync(dist, { recursive: true }).map(String).sort()) {
    const file = join(dist, name);
    if (!name.endsWith(".js")) continue;
    console.error(
      `${relative(root, file).padEnd(36)} ${(statSync(file).size / 1024).toFixed(1).padStart(7)} KB`,
    );
  }
  console.error(`built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

main().catch((error) => {
  console.error(`npm run build: ${error.message}`);
  process.exitCode = 1;
});
