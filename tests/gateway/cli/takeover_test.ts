// millrace serve and gateway with --takeover: at SIGUSR2 a new process serves on the same socket, while the old one drains.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { existsSync } from "node:fs";
import { connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { detectAdapter } from "../../../src/adapters/detect.ts";
import type { Address } from "../../../src/core/transport.ts";
import { runProgram } from "../../../src/gateway/cli/program.ts";
import { it } from "../../support/it.ts";
import { request, whileLoaded } from "../../support/request_load.ts";
import { memoryShell } from "./memory_shell.ts";
import { type Cleaner, type Program, runMillrace, startMillrace } from "../../support/program.ts";

const adapter = await detectAdapter();
const long = {
  timeout: 60_000,
  skip: adapter.can.descriptor ? false : "this system cannot pass on sockets",
};

/** A folder of the test's own. */
function folderOf(t: Cleaner): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Where the last process that has said so listens. */
async function listening(program: Program): Promise<Address> {
  const [, host = "", port] = await program.said("err", /listen(?:ing|s) on (127\.0\.0\.1):(\d+)/);
  return { transport: "tcp", host, port: Number(port) };
}

/** Hands over from this process, or from the first; returns the one that has taken over. */
async function takenOver(program: Program, from = ""): Promise<string> {
  program.signal("SIGUSR2");
  const [, pid = ""] = await program.said("err", new RegExp(`process (\\d+) has taken over from ${from}`));
  return pid;
}

/** Hands over three times while four clients make requests; at least 50 are answered before and after each. */
async function threeTimes(program: Program, address: Address): Promise<void> {
  let serving = "";
  const answered = await whileLoaded(address, async (more) => {
    for (let time = 0; time < 3; time++) {
      await more();
      serving = await takenOver(program, serving);
      await more();
    }
  });
  assert.ok(answered >= 300, `${answered}`);
}

async function run(...args: string[]): Promise<{ readonly code: number; readonly err: string }> {
  const shell = memoryShell();
  return { code: await runProgram(args, shell), err: shell.errors.text };
}

async function stopped(program: Program): Promise<void> {
  program.signal("SIGTERM");
  const { code, err } = await program.end();
  assert.equal(code, 0, err);
}

describe(`--takeover, on ${adapter.name}`, () => {
  it(
    "serve hands over three times under load: nobody is refused or reset, each is answered (F-28) (F-75)",
    long,
    async (t) => {
      const program = startMillrace(t, "serve", "--port", "0", "--takeover", "--echo", "--quiet");
      await threeTimes(program, await listening(program));
      await stopped(program);
    },
  );

  it(
    "a Unix socket keeps its path when it is handed over, and loses it at the end (F-28) (F-75)",
    long,
    async (t) => {
      const path = join(folderOf(t), "s");
      const program = startMillrace(t, "serve", "--unix", path, "--takeover", "--echo", "--quiet");
      await program.said("err", /listening on/);
      await threeTimes(program, { transport: "unix", path });
      assert.ok(existsSync(path));
      await stopped(program);
      assert.ok(!existsSync(path));
    },
  );

  it("a connection that is open stays with the old process until it has ended (F-28)", long, async (t) => {
    const program = startMillrace(t, "serve", "--port", "0", "--takeover", "--echo", "--quiet");
    const address = await listening(program) as Extract<Address, { readonly transport: "tcp" }>;
    const socket = dial(address.port, address.host);
    t.after(() => socket.destroy());
    const texts: string[] = [];
    let changed = (): void => {};
    socket.setEncoding("utf8").on("data", (text: string) => (texts.push(text), changed()));
    socket.write("one\n");
    while (texts.join("") !== "one\n") await new Promise<void>((resolve) => changed = resolve);
    const over = new Promise((resolve) => socket.on("end", resolve));
    await takenOver(program);
    await over;
    await program.said("err", /1 of 1 open connections drained/);
    await stopped(program);
  });

  it(
    "a gateway reads its file again, and one that cannot start leaves the old one serving (F-28) (F-75)",
    long,
    async (t) => {
      const file = join(folderOf(t), "gateway.json");
      const echo = { name: "echo", listen: "127.0.0.1:0", framing: "lines", echo: true };
      const write = (config: object) => writeFileSync(file, JSON.stringify(config));
      write({ endpoints: [echo] });
      const program = startMillrace(t, "gateway", file, "--takeover");
      const address = await listening(program);
      await threeTimes(program, address);
      write({ endpoints: [{ ...echo, framing: "no such framing" }] });
      program.signal("SIGUSR2");
      await program.said("err", /not taken over: .*has 1 fault: nothing was started; process \d+ goes on/);
      assert.equal(await request(address, "still"), "still");
      // What only the new process finds.
      const tls = { cert: "none.crt", key: "none.key" };
      write({ endpoints: [{ ...echo, tls }, { ...echo, name: "more" }] });
      program.signal("SIGUSR2");
      await program.said("err", /not taken over: the new process has ended with code 1; process \d+ goes on/);
      assert.equal(await request(address, "again"), "again");
      write({ endpoints: [echo, { ...echo, name: "more" }] });
      program.signal("SIGUSR2");
      const [, port] = await program.said("err", /more +listens on 127\.0\.0\.1:(\d+)/);
      await program.said("err", /(?:has taken over from[^]*){4}/);
      assert.equal(await request({ transport: "tcp", host: "127.0.0.1", port: Number(port) }, "new"), "new");
      assert.equal(await request(address, "old"), "old");
      await stopped(program);
    },
  );

  it(
    "ends with the code of the process that serves, and says what cannot go with it (F-28)",
    long,
    async (t) => {
      const folder = folderOf(t);
      const path = join(folder, "s");
      const first = startMillrace(t, "serve", "--unix", path, "--echo", "--quiet");
      await first.said("err", /listening on/);
      const taken = await runMillrace(t, ["serve", "--unix", path, "--takeover"]);
      assert.deepEqual([taken.code, /EADDRINUSE/.test(taken.err)], [1, true], taken.err);
      await stopped(first);
      const cert = ["--tls", "--cert", join(folder, "none.crt"), "--key", join(folder, "none.key")];
      const broken = await runMillrace(t, ["serve", "--port", "0", "--takeover", ...cert]);
      assert.equal(broken.code, 1, broken.err);
      for (const args of [["--fd", "3"], ["--systemd"], ["--bind-retry", "1s"]]) {
        const { code, err } = await run("serve", "--takeover", ...args);
        assert.deepEqual([code, /--takeover cannot be combined with/.test(err)], [2, true], err);
      }
      const file = join(folder, "gateway.json");
      const echo = { name: "echo", listen: "127.0.0.1:0", framing: "lines" };
      for (
        const [config, what] of [
          [{ endpoints: [echo], admin: { listen: "127.0.0.1:0" } }, /admin/],
          [{ endpoints: [echo], bus: "stdio" }, /bus stdio/],
          [{ endpoints: [{ ...echo, listen: { fd: 3 } }] }, /endpoint echo/],
          [{ endpoints: [{ ...echo, reusePort: true }] }, /reusePort of endpoint echo/],
          [{ endpoints: [{ ...echo, bindRetry: true }] }, /bindRetry of endpoint echo/],
        ] as const
      ) {
        writeFileSync(file, JSON.stringify(config));
        const { code, err } = await run("gateway", file, "--takeover");
        assert.deepEqual([code, what.test(err)], [2, true], err);
      }
    },
  );
});
