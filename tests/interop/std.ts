/**
 * Deno's standard library, for tests that put our streams in one chain with its: what `@std/…` resolves to here, or what is
 * in the folder that MILLRACE_STD names. Such a folder holds `streams`, `assert` and whatever they import, as in a checkout
 * of the library or as installed (`@std/streams`, `node_modules/@std/streams`).
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Cleaner } from "../support/program.ts";

/** What the tests use of it. */
export interface Std {
  readonly streams: {
    readonly TextLineStream: new () => TransformStream<string, string>;
    readonly LimitedBytesTransformStream: new (
      size: number,
      options?: { readonly error?: boolean },
    ) => TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>;
    toText(stream: ReadableStream): Promise<string>;
  };
  readonly assert: {
    assertEquals(found: unknown, expected: unknown): void;
    assertRejects(run: () => Promise<unknown>, kind: new (...args: never[]) => Error): Promise<unknown>;
  };
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const names = ["streams", "assert"] as const;

/** From where this runtime finds it by name; undefined where it does not. */
export async function resolvedStd(): Promise<Std | undefined> {
  try {
    const [streams, assert] = await Promise.all(names.map((name) => import(`@std/${name}`)));
    return { streams, assert } as Std;
  } catch {
    return undefined;
  }
}

/** The library in a folder. Throws what is missing there. */
export async function stdIn(t: Cleaner, folder: string): Promise<Std> {
  const code = names.map((name) => `export * as ${name} from "@std/${name}";`).join("\n");
  const file = await bundled(t, folder, { contents: code, resolveDir: root, sourcefile: "std.ts" });
  return await import(pathToFileURL(file).href) as Std;
}

/** A program that imports it, as one file; what it imports of ours are the sources. */
export async function programWithStd(t: Cleaner, folder: string, path: string): Promise<string> {
  const contents = readFileSync(join(root, path), "utf8");
  return await bundled(t, folder, {
    contents,
    resolveDir: join(root, path, ".."),
    sourcefile: path,
    loader: "ts",
  });
}

type Entry = NonNullable<import("esbuild").BuildOptions["stdin"]>;

async function bundled(t: Cleaner, folder: string, stdin: Entry): Promise<string> {
  const made = mkdtempSync(join(tmpdir(), "millrace-std-"));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  const outfile = join(made, "bundle.mjs");
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: root,
    stdin,
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2022",
    logLevel: "silent",
    plugins: [{
      name: "std",
      setup: (made) => made.onResolve({ filter: /^@std\// }, ({ path }) => ({ path: fileOf(folder, path) })),
    }],
  });
  return outfile;
}

/** The file of a name such as `@std/bytes/concat`. */
function fileOf(folder: string, path: string): string {
  const [, name = "", ...rest] = path.split("/");
  const places = [name, `@std/${name}`, `node_modules/@std/${name}`].map((place) => join(folder, place));
  const place = places.find((each) => existsSync(each));
  if (place === undefined) throw new Error(`load ${path}: ${folder} has no folder ${name}`);
  const wanted = ["", ...rest].join("/");
  const manifest = ["deno.json", "jsr.json", "package.json"].map((each) => join(place, each)).find(
    existsSync,
  );
  const file = manifest === undefined
    ? [`${wanted || "/mod"}.ts`, `${wanted || "/mod"}.js`].find((each) => existsSync(join(place, each)))
    : exportIn(JSON.parse(readFileSync(manifest, "utf8")) as { exports?: unknown }, `.${wanted}`);
  if (file === undefined) throw new Error(`load ${path}: ${place} has no such module`);
  return join(place, file);
}

/** What a manifest exports by this name: a file, or files by condition. */
function exportIn({ exports }: { readonly exports?: unknown }, name: string): string | undefined {
  const all = typeof exports === "string" ? { ".": exports } : exports as Record<string, unknown> | undefined;
  const found = all?.[name];
  if (typeof found === "string") return found;
  const { import: imported, default: usual } = (found ?? {}) as { import?: unknown; default?: unknown };
  return [imported, usual].find((each) => typeof each === "string");
}
