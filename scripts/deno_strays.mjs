/**
 * Loaded before each test file on Deno: notes rejections that nobody handles and errors thrown outside of any test.
 *
 * Deno's own node:test lets these pass without a word; Bun's and Node's fail the file. test.mjs reads the notes.
 */
import { appendFileSync } from "node:fs";
import { env } from "node:process";
import { inspect } from "node:util";

for (const type of ["unhandledrejection", "error"]) {
  globalThis.addEventListener(type, (event) => {
    appendFileSync(env.MILLRACE_TEST_STRAYS, `${type}: ${inspect(event.reason ?? event.error)}\n`);
  });
}
