// The command line: help for everything, a hint for what is mistyped, exit codes for scripts.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe } from "node:test";
import { runProgram } from "../../../src/gateway/cli/program.ts";
import { version } from "../../../src/gateway/cli/version.ts";
import { runMillrace } from "../../support/program.ts";
import { memoryShell } from "./memory_shell.ts";
import { it } from "../../support/it.ts";

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const shell = memoryShell("", 100);
  const code = await runProgram(args, shell);
  return { code, out: shell.output.text, err: shell.errors.text };
}

describe("the command line", () => {
  it("starts as a program of its own on this runtime", async (t) => {
    assert.deepEqual(await runMillrace(t, ["--version"]), {
      code: 0,
      signal: null,
      out: `${version}\n`,
      err: "",
    });
    const wrong = await runMillrace(t, ["serve", "--prt", "1"]);
    assert.deepEqual([wrong.code, wrong.out], [2, ""]);
    assert.match(
      wrong.err,
      /^millrace: unknown option '--prt'; did you mean --port\? see millrace serve --help\n$/,
    );
  });

  it("has the version of the package", () => {
    const { version: wanted } = JSON.parse(
      readFileSync(new URL("../../../package.json", import.meta.url), "utf8"),
    );
    assert.equal(version, wanted);
  });

  for (const command of ["gateway", "check", "serve", "connect", "bench"]) {
    it(`helps with ${command}: options and an example, exit code 0`, async () => {
      const { code, out, err } = await run(command, "--help");
      assert.deepEqual([code, err], [0, ""]);
      assert.match(out, new RegExp(`^Usage: millrace ${command} `));
      assert.match(out, new RegExp(`Examples?:\n(.*\n)*.*millrace ${command} `));
      assert.equal((await run("help", command)).out, out);
      assert.ok(!out.includes("{"), "a default is shown as an object");
    });
  }

  it("lists commands and exit codes without an argument, and says that one was needed", async () => {
    const { code, out, err } = await run();
    assert.equal(code, 2);
    assert.match(out + err, /Commands:\n {2}gateway(.*\n)+Exit codes:\n {2}0 (.*\n)+ {2}3 /);
    assert.equal((await run("--help")).code, 0);
  });

  const faults: Array<[args: string[], message: RegExp]> = [
    [["srve"], /unknown command 'srve'; did you mean serve\? see millrace --help/],
    [["serve", "--ecko"], /unknown option '--ecko'; did you mean --echo\?/],
    [
      ["serve", "--port", "70000"],
      /^millrace: --port: found "70000", expected a port from 0 to 65535; see millrace serve --help/,
    ],
    [["serve", "--framing", "line"], /did you mean "lines"\?/],
    [
      ["serve", "--idle-timeout", "soon"],
      /found "soon", expected a duration above 0: .*"500ms".*; the units are ns, us, ms,/,
    ],
    [
      ["serve", "--min-byte-rate", "Infinity"],
      /expected a number of bytes a second, more than 0, such as 100/,
    ],
    [
      ["serve", "--drain-spread", "Infinity"],
      /--drain-spread: found "Infinity", expected a duration of 0 or more/,
    ],
    [["gateway", "x.yaml", "--drain-spread", "soon"], /--drain-spread: found "soon", expected a duration/],
    [["serve", "--memory-budget", "much"], /--memory-budget: found "much", expected a number of bytes/],
    [["serve", "--max-lifetime", "0"], /--max-lifetime: found "0", expected a duration above 0/],
    [["serve", "--idle-timeout", "0"], /expected a duration above 0: .*or "Infinity" for no limit/],
    [["serve", "--max-connections", "many"], /expected a whole number, 1 or more, or Infinity for no limit/],
    [["serve", "--unix", "/x", "--port", "1"], /--unix cannot be combined with --port or --host/],
    [["serve", "--mode", "0660"], /--mode and --owner need --unix/],
    [["serve", "--owner", ":5", "--port", "1"], /--mode and --owner need --unix/],
    [["serve", "--unix", "/x", "--mode", "0888"], /--mode: found "0888", expected permissions in octal/],
    [["serve", "--unix", "/x", "--owner", "www-data"], /--owner: .*names are not looked up/],
    [["serve", "extra"], /too many arguments/],
    [["gateway"], /missing required argument 'config'/],
    [["check"], /missing required argument 'config'/],
    [["connect"], /missing required argument 'endpoint'/],
    [["connect", "here"], /expected an address: "HOST:PORT" such as "127\.0\.0\.1:3034"/],
    [["connect", "127.0.0.1:0"], /expected a port from 1 to 65535/],
    [["connect", "1", "--output", "xml"], /found "xml", expected text or hex or json/],
    [["bench", "1", "--connections", "0"], /expected a whole number, 1 or more/],
    [["bench", "1", "--depth", "5000"], /expected a whole number, 1 to 4096/],
    [["bench", "1", "--warmup", "Infinity"], /expected a duration of 0 or more: .*"5 seconds"; the units/],
    [
      ["bench", "1", "--framing", "fixed:8", "--size", "9"],
      /--size: found 9, expected 8 as --framing fixed:8 says/,
    ],
    [
      ["bench", "1", "--framing", "delimited:\\0,prefix"],
      /--framing: found .*whose frames end without the next/,
    ],
    [
      ["bench", "1", "--framing", "length:1", "--size", "256"],
      /--size: found 256, expected one whose length fits/,
    ],
    [["bench", "1", "--framing", "lines,max=10"], /--size: .*10/],
    [
      ["bench", "1", "--size", "16777216", "--framing", "lines,max=1g"],
      /--depth: found 32, expected 15 or less/,
    ],
  ];
  for (const [args, message] of faults) {
    it(`refuses with exit code 2 and one line: ${args.join(" ")}`, async () => {
      const { code, out, err } = await run(...args);
      assert.match(err, message);
      assert.match(err, /^millrace: .*\n$/);
      assert.deepEqual([code, out], [2, ""]);
    });
  }
});
