/**
 * Puts chunks that are always loaded together into one file each. Opening, linking and compiling a module costs Node half a
 * millisecond, and esbuild makes a chunk for every set of entry points that share something.
 *
 * Called by build.mjs, with what esbuild has said of its outputs.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { root } from "./install.mjs";

/** Bun keeps larger files in a cache on disk, from which they take longer to load than smaller ones to compile. */
const mostBytes = 48 * 1024;

const isChunk = (path) => /\/chunks\/chunk-[^/]*\.js$/.test(path);
/**
 * `groups` names files that belong together, each behind those that it loads; what is in an earlier group stays there. Chunks of which `apart` says so stay files of their own.
 */
export async function mergeChunks(outputs, groups, apart) {
  const taken = new Set();
  const moved = new Map();
  for (const [name, paths] of Object.entries(groups)) {
    const members = paths.filter((path) => isChunk(path) && !taken.has(path) && !apart(path));
    for (const path of members) taken.add(path);
    const files = inFiles(outputs, members);
    for (const [at, file] of files.entries()) {
      const part = files.length > 1 ? `${name}-${at + 1}` : name;
      if (file.length > 1) await merge(outputs, file, `dist/chunks/${part}.js`, moved);
    }
  }
  for (const path of [...Object.keys(outputs), ...new Set([...moved.values()].map(({ file }) => file))]) {
    if (path.endsWith(".js") && !moved.has(path)) redirect(path, moved);
  }
  for (const path of moved.keys()) rmSync(join(root, path));
}

/** The files that these load at once, themselves included; each comes behind those that it loads. */
export function loadedBy(outputs, roots, seen = new Set(), found = new Set()) {
  for (const path of roots) {
    if (seen.has(path)) continue;
    seen.add(path);
    const loaded = outputs[path].imports.filter(({ kind, external }) =>
      kind === "import-statement" && !external
    );
    loadedBy(outputs, loaded.map((each) => each.path), seen, found);
    found.add(path);
  }
  return found;
}

/** In files of a size at most, in order, so that none loads one behind it. */
function inFiles(outputs, members) {
  const files = [];
  let left = 0;
  for (const path of members) {
    const { bytes } = outputs[path];
    if (bytes > left) {
      files.push([]);
      left = mostBytes;
    }
    files.at(-1).push(path);
    left -= bytes;
  }
  return files;
}

async function merge(outputs, members, file, moved) {
  const { build } = await import("esbuild");
  const names = new Set();
  const lines = members.map((path) => {
    const exported = outputs[path].exports.map((name) => {
      let as = name;
      for (let count = 2; names.has(as); count++) as = `${name}${count}`;
      names.add(as);
      return [name, as];
    });
    moved.set(path, { file, names: new Map(exported) });
    const list = exported.map(([name, as]) => `${name} as ${as}`).join(", ");
    return list === "" ? `import "./${basename(path)}";` : `export { ${list} } from "./${basename(path)}";`;
  });
  const inside = new Set(members.map((path) => join(root, path)));
  await build({
    absWorkingDir: root,
    stdin: {
      contents: lines.join("\n"),
      resolveDir: join(root, dirname(file)),
      sourcefile: "dist/chunks/all",
    },
    outfile: file,
    allowOverwrite: true,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2022",
    logLevel: "warning",
    plugins: [{
      name: "members",
      setup(build) {
        build.onResolve({ filter: /./ }, ({ path, resolveDir }) => {
          const target = join(resolveDir, path);
          return inside.has(target) ? { path: target, sideEffects: true } : { path, external: true };
        });
      },
    }],
  });
}

/** Makes a file import from where its chunks are now, by the names that they have there. */
function redirect(path, moved) {
  const file = join(root, path);
  const text = readFileSync(file, "utf8");
  const seen = new Set();
  const there = (spec) => {
    const target = relative(root, join(dirname(file), spec)).split(sep).join("/");
    const now = moved.get(target);
    if (now === undefined) return undefined;
    const link = relative(dirname(path), now.file).split(sep).join("/");
    return { ...now, link: link.startsWith(".") ? link : `./${link}` };
  };
  const named = text.replace(
    /\b(import|export)\s*\{([^}]*)\}\s*from\s*"(\.[^"]+)"/g,
    (all, verb, list, spec) => {
      const now = there(spec);
      if (now === undefined) return all;
      seen.add(now.link);
      const parts = list.split(",").map((part) => part.trim()).filter((part) => part !== "").map((part) => {
        const [, name, as = name] = /^(\S+)(?:\s+as\s+(\S+))?$/.exec(part);
        const here = now.names.get(name);
        return here === as ? here : `${here} as ${as}`;
      });
      return `${verb} { ${parts.join(", ")} } from "${now.link}"`;
    },
  );
  const bare = named.replace(/\bimport\s*"(\.[^"]+)";?\n?/g, (all, spec) => {
    const now = there(spec);
    if (now === undefined) return all;
    if (seen.has(now.link)) return "";
    seen.add(now.link);
    return `import "${now.link}";\n`;
  });
  writeFileSync(file, bare);
}
