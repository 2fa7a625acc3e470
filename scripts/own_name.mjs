/**
 * Loaded before each test file on Node 24: `millrace` is this checkout, as the examples import it.
 *
 * Bun and tsx read that from tsconfig.json, and Deno from deno.json. Node by itself would look for what is built.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

const root = new URL("../", import.meta.url);
const { compilerOptions } = JSON.parse(readFileSync(new URL("tsconfig.json", root), "utf8"));
const own = new Map(
  Object.entries(compilerOptions.paths).map(([name, [file]]) => [name, new URL(file, root).href]),
);

registerHooks({
  resolve: (specifier, context, next) => next(own.get(specifier) ?? specifier, context),
});
