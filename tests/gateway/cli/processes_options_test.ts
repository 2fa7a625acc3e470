// How --processes ends that have not finished, how the system schedules them, and what cannot go with them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { getPriority } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe } from "node:test";
import { detectAdapter } from "../../../src/adapters/detect.ts";
import { runProgram } from "../../../src/gateway/cli/program.ts";
import { checkConfig, ConfigError, parseConfig, startGateway } from "../../../src/gateway/mod.ts";
import { it } from "../../support/it.ts";
import { echo, folderOf, listening, long, open, serving, stopped } from "../../support/processes.ts";
import { runMillrace, startMillrace } from "../../support/program.ts";
import { memoryShell } from "./memory_shell.ts";

const taskset = spawnSync("taskset", ["-c", "-p", `${process.pid}`], { encoding: "utf8" });
const scheduled = {
  ...long,
  skip: long.skip || (taskset.status === 0 ? false : "taskset of util-linux is not installed"),
};

async function run(
  ...args: string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const shell = memoryShell();
  const code = await runProgram(args, shell);
  return { code, out: shell.output.text, err: shell.errors.text };
}

const adapter = await detectAdapter();

describe(`--processes, on ${adapter.name}`, () => {
  it(
    "what does not finish within the deadline is destroyed, and the exit code is 3 (F-49)",
    long,
    async (t) => {
      const args = ["--port", "0", "--processes", "2", "--deadline", "200ms", "--echo", "--quiet"];
      const program = startMillrace(t, "serve", ...args);
      const address = await listening(program);
      await serving(program);
      await open(t, address);
      assert.match(
        await stopped(program, 3),
        /2 processes stopped in .*; 0 connections drained, 1 destroyed/,
      );
    },
  );

  it("each process has the priority and the processors that are asked for (F-49)", scheduled, async (t) => {
    const [, list = ""] = /:\s*(\S+)\s*$/.exec(taskset.stdout) ?? [];
    const allowed = list.split(/[-,]/)[0]!;
    const own = getPriority();
    const [low, lower] = [Math.min(own + 3, 19), Math.min(own + 5, 19)];
    const args = ["--port", "0", "--processes", "2", "--priority", `${low},${lower}`, "--cpus", allowed];
    const program = startMillrace(t, "serve", ...args, "--echo", "--quiet");
    const pids = await serving(program);
    assert.deepEqual(pids.map((pid) => getPriority(pid)), [low, lower]);
    for (const pid of pids) {
      const { stdout } = spawnSync("taskset", ["-c", "-p", `${pid}`], { encoding: "utf8" });
      assert.match(stdout, new RegExp(`: ${allowed}\\s*$`));
    }
    await stopped(program);
    const none = await runMillrace(t, ["serve", "--port", "0", "--processes", "2", "--cpus", "8000"]);
    assert.deepEqual(
      [none.code, /cpus: processor 8000 is not among those/.test(none.err)],
      [2, true],
      none.err,
    );
  });

  it("starts none where one of them cannot start, and says why (F-49)", long, async (t) => {
    const folder = folderOf(t);
    const cert = ["--tls", "--cert", join(folder, "none.crt"), "--key", join(folder, "none.key")];
    const broken = await runMillrace(t, ["serve", "--port", "0", "--processes", "2", ...cert]);
    assert.equal(broken.code, 1, broken.err);
    assert.match(broken.err, /not every process has started: the new process has ended with code 1/);
    const first = startMillrace(t, "serve", "--port", "0", "--echo", "--quiet");
    const { port } = await listening(first);
    const taken = await runMillrace(t, ["serve", "--port", `${port}`, "--processes", "2"]);
    assert.deepEqual([taken.code, /EADDRINUSE/.test(taken.err)], [1, true], taken.err);
    await stopped(first);
  });

  it("says what cannot go with several processes, as a flag and in a file (F-49)", async (t) => {
    for (
      const [args, message] of [
        [["--processes", "2", "--takeover"], /--takeover cannot be combined with processes/],
        [["--processes", "2", "--fd", "3"], /--processes cannot be combined with --fd/],
        [["--processes", "2", "--bind-retry", "1s"], /--processes cannot be combined with --bind-retry/],
        [["--processes", "0"], /expected a whole number, 1 to 256/],
        [["--processes", "2", "--priority", "20"], /expected a whole number, -20 to 19/],
        [["--processes", "2", "--cpus", "3-1"], /expected auto, or numbers/],
        [["--priority", "5"], /--priority needs --processes/],
        [["--cpus", "auto"], /--cpus needs --processes/],
      ] as const
    ) {
      const { code, err } = await run("serve", ...args);
      assert.deepEqual([code, message.test(err)], [2, true], err);
    }
    const file = join(folderOf(t), "gateway.json");
    const client = { name: "out", connect: "127.0.0.1:1", framing: "lines" };
    const fd = { name: "fd", listen: { fd: 3 }, framing: "lines" };
    writeFileSync(file, JSON.stringify({ endpoints: [client, fd], processes: "auto" }));
    const checked = await run("check", file);
    assert.equal(checked.code, 1);
    assert.match(
      checked.out,
      /endpoints\[0\]\.connect: .* to be left out with processes: each process would connect/,
    );
    assert.match(checked.out, /endpoints\[1\]\.listen: .* expected an address with processes/);
    writeFileSync(file, JSON.stringify({ endpoints: [{ ...echo, echo: false }], bus: "stdio" }));
    const stdio = await run("gateway", file, "--processes", "2");
    assert.deepEqual(
      [stdio.code, /bus: expected another bus with processes/.test(stdio.err)],
      [2, true],
      stdio.err,
    );
  });

  it("the example of the documentation has no faults (F-49)", () => {
    const page = readFileSync(new URL("../../../docs/processes.md", import.meta.url), "utf8");
    const [, yaml = ""] = /```yaml\n([^]*?)```/.exec(page)!;
    const result = parseConfig(yaml, { format: "yaml" });
    assert.deepEqual(result.ok ? [] : result.faults, []);
  });

  it("startGateway starts no processes, and says so (F-49)", async () => {
    const result = checkConfig({
      endpoints: [echo],
      processes: { count: "auto", priority: [1, 2], cpus: "0-3,5" },
    });
    assert.ok(result.ok);
    await assert.rejects(startGateway(result.config), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(error.faults.map(({ path, found }) => [path, found]), [["processes", "auto"]]);
      return true;
    });
  });

  it("a file says what is wrong with its processes, with each path (F-49)", () => {
    const faults = (processes: unknown) => {
      const result = checkConfig({ endpoints: [echo], processes });
      return result.ok ? [] : result.faults.map(({ path }) => path);
    };
    assert.deepEqual(faults({ count: 2, restart: { initial: "1s", max: "2s", attempts: 3 } }), []);
    assert.deepEqual(faults(0), ["processes"]);
    assert.deepEqual(faults("all"), ["processes"]);
    assert.deepEqual(faults({}), ["processes.count"]);
    assert.deepEqual(faults({ count: 257 }), ["processes.count"]);
    assert.deepEqual(faults({ count: 2, priority: [1, 20] }), ["processes.priority"]);
    assert.deepEqual(faults({ count: 2, cpus: ["0", "3-1"] }), ["processes.cpus"]);
    assert.deepEqual(faults({ count: 2, cpus: "8192" }), ["processes.cpus"]);
    assert.deepEqual(faults({ count: 2, restart: true }), ["processes.restart"]);
    assert.deepEqual(faults({ count: 2, restart: { initial: "2s", max: "1s" } }), ["processes.restart"]);
    assert.deepEqual(faults({ count: 2, number: 3 }), ["processes.number"]);
  });
});
