// docs/recording.md is true: its programs run to their end, and its tables name every option of the commands.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { runProgram } from "../src/gateway/cli/program.ts";
import { parseRecording } from "../src/recording/recording_text.ts";
import { memoryShell } from "./gateway/cli/memory_shell.ts";
import { it } from "./support/it.ts";
import { pageText, programsIn, runPrograms } from "./support/page.ts";

const text = pageText("docs/recording.md");
const programs = programsIn(text);

describe("docs/recording.md", () => {
  it("has code that compiles, and runs to its end (F-72)", { timeout: 120_000 }, async (t) => {
    assert.equal(programs.length, 2);
    const shown = await runPrograms(t, programs);
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
