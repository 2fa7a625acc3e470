// @once: it runs scripts/test.mjs, which starts every runtime itself
//
// The suite's own runner: whatever goes wrong in a test file, on whichever runtime, is counted and named, and the run
// fails. A runner that loses a failure makes every other test worthless.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { findNode } from "../scripts/runtimes.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

const head = 'import assert from "node:assert/strict";\nimport { describe, it } from "node:test";\n';
/** Test files by name, each with what the runner must say of it on every runtime. */
const files: Record<string, { text: string; failed: number; passed: number; says: RegExp }> = {
  "assertion": {
    text: 'describe("group", () => { it("one", () => assert.equal(1, 2)); it("two", () => {}); });',
    failed: 1,
    passed: 1,
    says: /group > one/,
  },
  "crash": {
    text: 'import { exit } from "node:process"; exit(7);',
    failed: 1,
    passed: 0,
    says: /exited with code \d outside of a test|reported no test at all/,
  },
  "quiet_exit": {
    text: 'import { exit } from "node:process"; it("one", () => {}); exit(0);',
    failed: 1,
    passed: 0,
    says: /reported no test at all/,
  },
  "nothing": { text: "export const x: number = 1;", failed: 1, passed: 0, says: /reported no test at all/ },
  "import": { text: 'throw new Error("at import");', failed: 1, passed: 0, says: /outside of a test/ },
  "stray": {
    text: 'it("one", () => void Promise.reject(new Error("stray")));\n' +
      'it("two", () => new Promise((done) => setTimeout(done, 50)));',
    failed: 1,
    passed: -1,
    says: /one|outside of a test/,
  },
  "hang": {
    text: 'it("one", () => new Promise(() => void setInterval(() => {}, 1000)));',
    failed: 1,
    passed: 0,
    says: /did not exit in time/,
  },
};

interface Run {
  readonly code: number | null;
  readonly output: string;
}

function runSuite(folder: string, ...args: readonly string[]): Promise<Run> {
  return new Promise((resolve, reject) => {
    const script = join(root, "scripts/test.mjs");
    const child = spawn(findNode().program, [script, "--folder", folder, "--verbose", ...args], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

const lastLine = (output: string): string => output.trim().split("\n").at(-1) ?? "";
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

describe("npm test", () => {
  let folder = "";
  let broken: Run = { code: null, output: "" };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "millrace-runner-"));
    for (const [name, { text }] of Object.entries(files)) {
      const path = join(folder, "broken", `${name}_test.ts`);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `${head}${text}\n`);
    }
    mkdirSync(join(folder, "good"));
    writeFileSync(join(folder, "good/good_test.ts"), `${head}it("one", () => assert.equal(1, 1));\n`);
    writeFileSync(join(folder, "good/once_test.ts"), `// @once: for a reason\n${head}it("one", () => {});\n`);
    writeFileSync(
      join(folder, "good/skip_test.ts"),
      `${head}it("one", { skip: "not today" }, () => assert.fail());\n`,
    );
    broken = await runSuite(join(folder, "broken"), "--file-limit", "8");
  }, { timeout: 150_000 });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("exits with 1 when anything failed, and says how much in its last line", () => {
    assert.equal(broken.code, 1, broken.output);
    assert.match(lastLine(broken.output), /^\d+ passed, 28 failed$/, broken.output);
  });

  for (const [name, { failed, passed, says }] of Object.entries(files)) {
    for (const runtime of ["Bun", "Deno", "Node 20", "Node 24"]) {
      it(`counts and names the failure on ${runtime}: ${name}`, () => {
        const lines = broken.output.split("\n").filter((line) => line.includes(`${name}_test.ts: `));
        const mine = lines.filter((line) => new RegExp(`^ +(?:FAILED )?${escaped(runtime)}`).test(line));
        const count = mine.find((line) => /: \d+ passed, \d+ failed/.test(line)) ?? "";
        const wanted = passed < 0 ? `${failed} failed` : `${passed} passed, ${failed} failed`;
        assert.ok(count.endsWith(wanted), `${wanted} expected: ${mine.join("\n") || broken.output}`);
        assert.ok(mine.some((line) => line.includes("FAILED") && says.test(line)), mine.join("\n"));
      });
    }
  }

  it(
    "exits with 0 when all passed, and counts skipped tests and files apart",
    { timeout: 60_000 },
    async () => {
      const { code, output } = await runSuite(join(folder, "good"));
      assert.equal(code, 0, output);
      // Two files on each of four runtimes, of which one skips its test; the third runs once.
      assert.equal(lastLine(output), "5 passed, 0 failed, 7 skipped");
      assert.match(output, /skip_test\.ts: one: not today/);
      assert.match(output, /once_test\.ts: the whole file: on Node only: for a reason/);
    },
  );

  it("takes files that need Node to no other runtime, also where only that is asked for", {
    timeout: 60_000,
  }, async () => {
    const { code, output } = await runSuite(join(folder, "good"), "--only", "bun", "good_test", "once_test");
    assert.equal(code, 0, output);
    assert.equal(lastLine(output), "1 passed, 0 failed, 1 skipped");
  });

  it("refuses to call a run without tests a success", { timeout: 60_000 }, async () => {
    const { code, output } = await runSuite(join(folder, "good"), "no-such-file");
    assert.equal(code, 1);
    assert.match(output, /no test file matches no-such-file/);
    assert.equal(lastLine(output), "0 passed, 1 failed");
  });
});
