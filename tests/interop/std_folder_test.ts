// MILLRACE_STD: a folder that stands in for Deno's standard library is read in each of its layouts, does what the claims about
// the real one say, and what is missing in it is named.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { describe } from "node:test";
import { it } from "../support/it.ts";
import { type Cleaner, commandLine } from "../support/program.ts";
import { programWithStd, stdIn } from "./std.ts";
import { claimStd } from "./std_claims.ts";

/** As little as the claims need, in two packages that import a third one. */
const files: Readonly<Record<string, string>> = {
  "streams/deno.json": '{ "name": "@std/streams", "exports": { ".": "./mod.ts" } }',
  "streams/mod.ts": `
import { concat } from "@std/bytes/concat";

export class TextLineStream extends TransformStream<string, string> {
  constructor() {
    let rest = "";
    super({
      transform(chunk, controller) {
        const parts = (rest + chunk).split(/\\r?\\n/);
        rest = parts.pop()!;
        for (const part of parts) controller.enqueue(part);
      },
      flush(controller) {
        if (rest !== "") controller.enqueue(rest);
      },
    });
  }
}

export class LimitedBytesTransformStream extends TransformStream<Uint8Array, Uint8Array> {
  constructor(size: number, options: { error?: boolean } = {}) {
    let sum = 0;
    super({
      transform(chunk, controller) {
        sum += chunk.byteLength;
        if (sum <= size) controller.enqueue(chunk);
        else if (options.error) throw new RangeError("too many bytes");
        else controller.terminate();
      },
    });
  }
}

export async function toText(stream: ReadableStream): Promise<string> {
  const decoder = new TextDecoder();
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream as unknown as AsyncIterable<Uint8Array | string>) {
    chunks.push(typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk);
  }
  return decoder.decode(concat(chunks));
}
`,
  "bytes/deno.json": '{ "name": "@std/bytes", "exports": { "./concat": "./src/concat.ts" } }',
  "bytes/src/concat.ts": `
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
`,
  "assert/mod.js": `
export function assertEquals(found, expected) {
  if (JSON.stringify(found) !== JSON.stringify(expected)) throw new Error("not equal");
}
export async function assertRejects(run, Kind) {
  let error;
  try {
    await run();
  } catch (thrown) {
    error = thrown;
  }
  if (error instanceof Kind) return error;
  throw new Error("expected " + Kind.name + ", found " + error);
}
`,
};

function standIn(t: Cleaner): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-std-folder-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

describe("a folder in the place of the standard library of Deno", () => {
  claimStd({}, async (t) => await stdIn(t, standIn(t)));

  it("is read as it is installed, too", async (t) => {
    const checkout = standIn(t);
    for (const place of ["@std", "node_modules/@std"]) {
      const installed = mkdtempSync(join(tmpdir(), "millrace-std-installed-"));
      t.after(() => rmSync(installed, { recursive: true, force: true }));
      cpSync(checkout, join(installed, place), { recursive: true });
      const manifest = { exports: { "./concat": { types: "./none.d.ts", default: "./src/concat.ts" } } };
      rmSync(join(installed, place, "bytes/deno.json"));
      writeFileSync(join(installed, place, "bytes/package.json"), JSON.stringify(manifest));
      const { streams } = await stdIn(t, installed);
      assert.equal(await streams.toText(new Blob(["text"]).stream()), "text");
    }
  });

  it("that lacks something is an error that names it", async (t) => {
    const folder = standIn(t);
    rmSync(join(folder, "bytes/deno.json"));
    await assert.rejects(stdIn(t, folder), /load @std\/bytes\/concat: \S+ has no such module/);
    rmSync(join(folder, "bytes"), { recursive: true });
    await assert.rejects(stdIn(t, folder), /load @std\/bytes\/concat: \S+ has no folder bytes/);
  });

  it("is what the example runs with", async (t) => {
    const file = await programWithStd(t, standIn(t), "examples/std_streams.ts");
    const { status, stdout, stderr } = spawnSync(process.execPath, commandLine(file, []), {
      encoding: "utf8",
      timeout: 120_000,
    });
    assert.deepEqual([status, stdout], [0, "3 frames, 22 bytes\n"], stderr);
  });
});
