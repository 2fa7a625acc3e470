/**
 * `npm run build`: makes the npm package in dist/: one ES module for each entry point and for the program, with shared
 * chunks and declarations.
 *
 * The entry points are those of deno.json, which name the sources; package.json names what is made here. Whatever they
 * use of other packages is carried inside, with its licences, so that installing brings nothing else. Only
 * `millrace/effect` takes the `effect` that its user has installed: see `effectOfTheUser`.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { basename, dirname, join, relative, sep } from "node:path";
import { install, root } from "./install.mjs";
import { loadedBy, mergeChunks } from "./merge_chunks.mjs";

const dist = join(root, "dist");

const readJson = (path) => JSON.parse(readFileSync(join(root, path), "utf8"));

/** Each entry point: the name of its made file without the ending, its source, and whether programs import it. */
function readEntryPoints() {
  const imported = readJson("package.json").exports;
  return Object.entries(readJson("deno.json").exports).map(([entryPoint, source]) => {
    if (!existsSync(join(root, source))) throw new Error(`${source} is not there, but deno.json names it`);
    return {
      name: entryPoint === "." ? "mod" : entryPoint.slice("./".length),
      source,
      imported: entryPoint in imported,
    };
  });
}

/**
 * Made into files of their own, which the bundlers of our users leave out where they are not used: no bundler knows that
 * a class of the platform can be extended without an effect.
 */
const standingAlone = readdirSync(join(root, "src/core"), { recursive: true })
  .map((name) => `src/core/${String(name).split(sep).join("/")}`)
  .filter((name) =>
    name.endsWith(".ts") &&
    / extends (?:Transform|Timed)Stream\b/.test(readFileSync(join(root, name), "utf8"))
  );

const optionalPackages = Object.keys(readJson("package.json").peerDependencies).filter((name) =>
  name !== "effect"
);

const effectEntry = join(root, "effect.ts");

async function bundle(all) {
  const { build } = await import("esbuild");
  const settings = {
    absWorkingDir: root,
    entryPoints: Object.fromEntries([
      ...all.map(({ name, source }) => [name, source]),
      ...standingAlone.map((source) => [`parts/${basename(source, ".ts")}`, source]),
    ]),
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2022",
    logLevel: "warning",
    metafile: true,
  };
  const graph = await build({ ...settings, outdir: dist, packages: "external", write: false });
  const { metafile } = await build({
    ...settings,
    outdir: dist,
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    // Its modules, of which less is carried than of the same in CommonJS, which it has for Node.
    alias: { yaml: join(root, "node_modules/yaml/browser/index.js") },
    legalComments: "none",
    // Of the clients of servers that not everybody has, only who needs one installs it.
    external: optionalPackages,
    plugins: [requiredOfNode, effectOfTheUser(effectfulIn(graph.metafile.inputs))],
  });
  return metafile;
}

/** The sources that load Effect, or load one that does. */
function effectfulIn(inputs) {
  const found = new Set();
  const loads = ({ path, external }) => external ? /^effect(\/|$)/.test(path) : found.has(path);
  for (let size = -1; size !== found.size;) {
    size = found.size;
    for (const [path, { imports }] of Object.entries(inputs)) if (imports.some(loads)) found.add(path);
  }
  return new Set([...found].map((path) => join(root, path)));
}

/**
 * A program written with Effect hands its own services, scopes and fibers to us, so `millrace/effect` must run on its
 * Effect and not on the one inside this package. What loads Effect is therefore made a second time for that entry point,
 * with the import left open; everything else, connections and errors above all, is shared between both.
 */
function effectOfTheUser(effectful) {
  const namespace = "effect-of-the-user";
  return {
    name: namespace,
    setup(build) {
      build.onResolve({ filter: /./ }, ({ kind, path, resolveDir, namespace: importer }) => {
        if (kind === "entry-point") {
          return join(root, path) === effectEntry ? { path: effectEntry, namespace } : undefined;
        }
        if (importer !== namespace) return undefined;
        if (/^effect(\/|$)/.test(path)) return { path, external: true };
        const target = join(resolveDir, path);
        return { path: target, namespace: effectful.has(target) ? namespace : "file" };
      });
      build.onLoad({ filter: /./, namespace }, ({ path }) => ({
        contents: readFileSync(path, "utf8"),
        loader: "ts",
        resolveDir: dirname(path),
      }));
    },
  };
}

/**
 * Everything is made as small as can be: readable, the package would be over the two megabytes that it may have on disk, and so
 * it would with source maps. Classes of errors keep their names, which Node shows, and calls are still said to have no
 * effect, for the bundlers of our users.
 */
async function shrink() {
  const { minify } = await import("terser");
  for (const file of made(".js")) {
    const { code } = await minify(readFileSync(file, "utf8"), {
      module: true,
      ecma: 2022,
      compress: { passes: 2 },
      keep_classnames: /Error$/,
      format: { preserve_annotations: true },
    });
    writeFileSync(file, code);
  }
}

/** The files in dist/ with this ending, in order. */
const made = (ending) =>
  readdirSync(dist, { recursive: true }).map(String).sort().filter((name) => name.endsWith(ending))
    .map((name) => join(dist, name));

function isForeign({ bytes, inputs }) {
  const foreign = Object.entries(inputs)
    .reduce(
      (sum, [name, { bytesInOutput }]) => sum + (name.includes("node_modules/") ? bytesInOutput : 0),
      0,
    );
  return foreign >= bytes / 2;
}

/**
 * What is loaded together: by every program with a socket, by each that has a server, and by the sockets of every runtime,
 * of which none must load what another one needs.
 */
function groupsOf(outputs) {
  const loaded = (...sources) =>
    loadedBy(
      outputs,
      Object.keys(outputs).filter((path) => sources.includes(outputs[path].entryPoint ?? "")),
    );
  const [node, ...others] = ["node", "bun", "deno"].map((name) => loaded(`src/adapters/${name}/adapter.ts`));
  const main = [...loadedBy(outputs, ["dist/mod.js"])];
  const server = [...loaded("src/server/scoped_server.ts", "src/connection/effect/acquire.ts")];
  // Bundlers look at all that a file loads: at the edge, none of it may lead to a module of Node.
  const edge = loadedBy(outputs, ["dist/sockets/edge.js"]);
  return {
    "main-edge": main.filter((path) => edge.has(path)),
    "server-edge": server.filter((path) => edge.has(path)),
    "main": main,
    "server": server,
    "sockets": [...node].filter((path) => others.every((other) => other.has(path))),
    "sockets-node": [...node].filter((path) => !others.some((other) => other.has(path))),
  };
}

/** Packages in CommonJS ask for Node's modules by `require`, which a module does not have: they get an import. */
const requiredOfNode = {
  name: "required-of-node",
  setup(build) {
    const namespace = "required-of-node";
    build.onResolve({ filter: /./ }, ({ kind, path }) => {
      if (kind !== "require-call" || !isBuiltin(path)) return undefined;
      return { path: path.replace(/^(?:node:)?/, "node:"), namespace };
    });
    build.onResolve({ filter: /./, namespace }, ({ path }) => ({ path, external: true }));
    build.onLoad({ filter: /./, namespace }, ({ path }) => ({
      // The functions of `process` need it as their object; those of other modules are names that can be exported.
      contents: path === "node:process"
        ? "module.exports = globalThis.process;"
        : `export * from ${JSON.stringify(path)};`,
    }));
  },
};

/** The licences of everything that is carried inside, each once. */
function keepLicences(inputs) {
  const packages = new Set();
  for (const path of Object.keys(inputs)) {
    const name = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
    if (name !== null) packages.add(name[0]);
  }
  const texts = [...packages].sort().map((folder) => {
    const { name, version, license } = readJson(join(folder, "package.json"));
    const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined && license === undefined) throw new Error(`${name} has no licence to be kept`);
    const text = file === undefined ? license : readFileSync(join(root, folder, file), "utf8").trim();
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  const head = "Parts of these packages are contained in the files beside this one.\n\n";
  writeFileSync(join(dist, "THIRD_PARTY_LICENSES.txt"), head + texts.join(`\n${"-".repeat(80)}\n\n`));
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

async function declare(sources) {
  const types = join(dist, "types");
  const [{ name: jsrName }, { name: npmName }] = [readJson("deno.json"), readJson("package.json")];
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
  const entries = sources.map((source) => join(types, source.replace(/\.ts$/, ".d.ts")));
  const named = new Set(entries.flatMap((entry) => [...declaredBy(entry)]));
  // Loaded here, since `install` may have to fetch first what it needs.
  const { shakeDeclarations } = await import("./shake_declarations.mjs");
  shakeDeclarations([...named], entries);
  // Compilers of our users look for what a `.js` import declares; nothing of ours ends in `.ts` any more.
  for (const name of readdirSync(types, { recursive: true }).map(String)) {
    if (!name.endsWith(".d.ts")) continue;
    const file = join(types, name);
    if (!named.has(file)) {
      rmSync(file);
      continue;
    }
    const text = readFileSync(file, "utf8");
    const pattern = /(\bfrom\s*|\bimport\s*\(?\s*)(["'])(\.[^"'\n]*)\.ts\2/g;
    // Examples import the name that their reader has installed.
    const imported = text.replace(pattern, "$1$2$3.js$2").replaceAll(jsrName, npmName);
    // The compiler indents by four, which is a fiftieth of all declarations.
    writeFileSync(file, imported.replace(/^(?: {4})+/gm, (indent) => indent.slice(indent.length / 2)));
  }
}

/** The file and those that it names, directly or not: nobody can reach any others. */
function declaredBy(file, seen = new Set()) {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (
    const [, path] of readFileSync(file, "utf8").matchAll(/\b(?:from|import)\s*\(?\s*"(\.[^"\n]*)\.ts"/g)
  ) {
    declaredBy(join(dirname(file), `${path}.d.ts`), seen);
  }
  return seen;
}

async function main() {
  install();
  const started = performance.now();
  const all = readEntryPoints();
  rmSync(dist, { recursive: true, force: true });
  const { inputs, outputs } = await bundle(all);
  // Bundlers of our users leave out files of which nothing is used, and less of one file.
  const forFrames = loadedBy(outputs, ["dist/streams.js"]);
  await mergeChunks(
    outputs,
    groupsOf(outputs),
    (path) => isForeign(outputs[path]) || forFrames.has(path),
  );
  await shrink();
  keepLicences(inputs);
  makeExecutable();
  await declare(all.filter((entryPoint) => entryPoint.imported).map((entryPoint) => entryPoint.source));
  for (const file of made(".js")) {
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
