/**
 * Bundles the measured programs before anything runs, so that no TypeScript loader is part of a figure and
 * all runtimes run the same bytes.
 */
import { build } from "esbuild";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Bundles every file of `folder` into `target`; gives the path of the program with a name. */
export async function bundle(folder: string, target: string): Promise<(name: string) => string> {
  const entries = readdirSync(folder).filter((file) => file.endsWith(".ts")).map((file) =>
    join(folder, file)
  );
  await build({
    entryPoints: entries,
    outdir: target,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "es2022",
    // The clients of NATS are loaded on demand, as they are by those who have them installed.
    external: ["bun", "@nats-io/*"],
    // Packages in CommonJS ask for the runtime's own modules by `require`.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    logLevel: "error",
  });
  return (name) => {
    const path = join(target, `${name}.mjs`);
    if (!existsSync(path)) throw new Error(`find the program ${name}: there is no ${join(folder, name)}.ts`);
    return path;
  };
}
