// docs/recording.md is true: its programs run to their end, and its tables name every option of the commands.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { describe } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { runProgram } from "../src/gateway/cli/program.ts";
import { parseRecording } from "../src/recording/recording_text.ts";
import { memoryShell } from "./gateway/cli/memory_shell.ts";
import { compile } from "./support/compile.ts";
import { it } from "./support/it.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const text = readFileSync(join(root, "docs/recording.md"), "utf8");
const programs = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);

function placed(code: string, place: (file: string) => string): string {
  return code
    .replaceAll('"millrace"', JSON.stringify(place("mod.ts")))
    .replaceAll('"millrace/testing"', JSON.stringify(place("src/testing/mod.ts")));
}

describe("docs/recording.md", () => {
  it("has code that compiles, and runs to its end (F-72)", { timeout: 120_000 }, async (t) => {
    assert.equal(programs.length, 2);
    const made = mkdtempSync(join(tmpdir(), "millrace-recording-"));
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
      writeFileSync(file, placed(code, (name) => pathToFileURL(join(root, name)).href));
      await import(pathToFileURL(file).href);
    }
    assert.deepEqual(shown, ["same", 7]);
  });

  it("shows lines of the format, each of which is read (F-72)", () => {
    const lines = [...text.matchAll(/^\| `(\{.*?\})`/gm)].map(([, line]) => line!);
    assert.equal(lines.length, 8);
    const at = (from: number, to: number): string[] => lines.slice(from, to);
    const recording = parseRecording([...at(0, 5), ...at(6, 7), lines[7], ""].join("\n"));
    assert.deepEqual([recording.full, recording.connections[0]!.complete], [true, true]);
    assert.equal(parseRecording([...at(0, 2), lines[5], ""].join("\n")).connections[0]!.events.length, 1);
  });

  for (const command of ["record", "replay"]) {
    it(`names every option of millrace ${command} (F-72)`, async () => {
      const shell = memoryShell();
      await runProgram([command, "--help"], shell);
      const options = [...shell.output.text.matchAll(/^ +(?:-\w, )?(--[\w-]+)/gm)].map(([, name]) => name!);
      const wanted = options.filter((name) =>
        !/^--(?:help|timeout|no-progress|alpn|ca|cert|key|insecure|server-name|tls-)/.test(name)
      );
      assert.ok(wanted.length >= 6, options.join());
      assert.deepEqual(wanted.filter((name) => !text.includes(`\`${name}\``)), []);
    });
  }
});
