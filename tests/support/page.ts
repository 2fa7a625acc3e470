/** Pages of the documentation: their programs, compiled and run with the sources of this checkout. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { compile } from "./compile.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const entryPoints = {
  "": "mod.ts",
  "/client": "client.ts",
  "/gateway": "src/gateway/mod.ts",
  "/sockets": "sockets.ts",
  "/protocols": "protocols.ts",
  "/testing": "src/testing/mod.ts",
  "/workers": "workers.ts",
};

/** The text of a page, by its path from the root. */
export function pageText(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** The blocks of TypeScript in it. */
export function programsIn(text: string): string[] {
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);
}

/** Compiles these programs and runs each to its end; returns what they wrote to the console. */
export async function runPrograms(t: TestContext, programs: readonly string[]): Promise<unknown[]> {
  const made = mkdtempSync(join(tmpdir(), "millrace-docs-"));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  const files = programs.map((code, at) => {
    const file = join(made, `block_${at}.mts`);
    writeFileSync(file, placed(code, (name) => relative(made, join(root, name))));
    return file;
  });
  assert.equal(await compile(...files), "0");
  const shown: unknown[] = [];
  t.mock.method(console, "log", (what: unknown) => void shown.push(what));
  for (const [at, code] of programs.entries()) {
    const file = join(made, `run_${at}.mts`);
    writeFileSync(file, placedByUrl(code));
    await import(pathToFileURL(file).href);
  }
  return shown;
}

/** A program that imports from this checkout, wherever its file is. */
export function placedByUrl(code: string): string {
  return placed(code, (name) => pathToFileURL(join(root, name)).href);
}

/** With imports from this checkout, as one file finds the other. */
function placed(code: string, place: (file: string) => string): string {
  let text = code;
  for (const [name, file] of Object.entries(entryPoints)) {
    for (const scope of ["", "@millrace/"]) {
      text = text.replaceAll(`"${scope}millrace${name}"`, JSON.stringify(place(file)));
    }
  }
  return text;
}
