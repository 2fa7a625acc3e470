// @once: npm start runs the gateway on Bun, whichever runtime asks for it
//
// What a newcomer types first: scripts/start.mjs runs the gateway, hands signals on, and ends as the gateway ends.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, kill } from "node:process";
import { after, before, describe, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { findNode } from "../scripts/runtimes.mjs";
import { signalEchoMs } from "../src/host/signal_echo.ts";
import { it } from "./support/it.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** `script` of util-linux runs a command on a terminal of its own, and types there what it is given. */
const terminal =
  spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes("util-linux") === true;

/** The script as npm starts it, in a folder of the caller's, with all that it and the gateway print. */
class Started {
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;
  output = "";
  #heard: () => void = () => {};

  /** `typed`: by npm on a terminal, in the place of the script alone. */
  constructor(args: readonly string[], folder: string, typed = false) {
    const [program, given] = typed
      ? ["script", [
        "--quiet",
        "--return",
        "--command",
        // `exec`: a shell that waits would answer the Ctrl-C with an exit code of its own.
        `exec npm start -- ${args.map((name) => `'${join(folder, name)}'`).join(" ")}`,
        "/dev/null",
      ]]
      : [findNode().program, [join(root, "scripts/start.mjs"), ...args]];
    this.#child = spawn(program, given, {
      cwd: root,
      stdio: [typed ? "pipe" : "ignore", "pipe", "pipe"],
      env: { ...env, INIT_CWD: folder, NO_COLOR: "1", SHELL: "/bin/sh" },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
        this.#heard();
      });
    }
    this.ended = new Promise((resolve) => this.#child.on("close", (code) => resolve(code)));
  }

  /** Resolves with what the pattern found in the output; rejects when the program ends before. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const ended = this.ended.then((code) => {
      throw new Error(`it ended with ${code} and did not say ${pattern}:\n${this.output}`);
    });
    ended.catch(() => {});
    for (;;) {
      const heard = new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
      const found = pattern.exec(this.output);
      if (found !== null) return found;
      await Promise.race([heard, ended]);
    }
  }

  type(text: string): void {
    this.#child.stdin!.write(text);
  }

  signal(name: "SIGTERM" | "SIGINT"): void {
    // Not child.kill: after that Deno reports the signal in place of the exit code.
    if (this.#child.pid !== undefined && this.#child.exitCode === null) kill(this.#child.pid, name);
  }
}

/** Starts it, and sees to it that it ends with the test: two signals end it at once. */
function start(t: TestContext, args: readonly string[], folder: string, typed = false): Started {
  const started = new Started(args, folder, typed);
  t.after(async () => {
    started.signal("SIGTERM");
    await started.ended;
  });
  return started;
}

/** Sends one line and resolves with the first one that comes back. */
function ask(port: number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port });
    let text = "";
    socket.setEncoding("utf8").on("data", (more: string) => {
      text += more;
      if (text.includes("\n")) socket.end();
    });
    socket.on("close", () => resolve(text));
    socket.on("error", reject);
    socket.write(`${line}\n`);
  });
}

/** A connection to a gateway with a stdio bus, which somebody at the terminal has answered. */
async function talk(t: TestContext, gateway: Started): Promise<Socket> {
  const [, port] = await gateway.says(/listens on 127\.0\.0\.1:(\d+)/);
  const peer = createConnection({ host: "127.0.0.1", port: Number(port), allowHalfOpen: true });
  t.after(() => peer.destroy());
  peer.on("error", () => {});
  const heard = new Promise((resolve) => peer.setEncoding("utf8").once("data", resolve));
  peer.write("hello\n");
  const [, subject] = await gateway.says(/"reply":"([^"]+)".*"payload":"hello"/);
  gateway.type(`${JSON.stringify({ subject, payload: "typed" })}\n`);
  assert.equal(await heard, "typed\n");
  return peer;
}

/** Longer than what counts as the echo of a signal. */
const aWhile = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, signalEchoMs + 50));
const ctrlC = "\x03";

describe("npm start", () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-start-"));
    writeFileSync(
      join(folder, "my.yaml"),
      "endpoints:\n  - name: echo\n    listen: 127.0.0.1:0\n    framing: lines\n    echo: true\n",
    );
    writeFileSync(
      join(folder, "worker.yaml"),
      "bus: stdio\nshutdown: { deadline: 1h }\nendpoints:\n  - name: lines\n    listen: 127.0.0.1:0\n" +
        "    lingerTimeout: Infinity\n    closeTimeout: Infinity\n",
    );
    writeFileSync(join(folder, "bad.yaml"), "endpoints:\n  - name: echo\n    listen: 127.0.0.1:99999\n");
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`runs a config named from the caller's folder, drains at ${signal} and exits 0 (F-19)`, {
      timeout: 60_000,
    }, async (t) => {
      const gateway = start(t, ["my.yaml"], folder);
      const [, port] = await gateway.says(/listens on 127\.0\.0\.1:(\d+)/);
      assert.equal(await ask(Number(port), "hello"), "hello\n");
      gateway.signal(signal);
      assert.equal(await gateway.ended, 0, gateway.output);
    });
  }

  it(
    "passes on the exit code of a gateway that cannot start, and what it said",
    { timeout: 60_000 },
    async (t) => {
      const gateway = start(t, ["bad.yaml"], folder);
      assert.equal(await gateway.ended, 1, gateway.output);
      assert.match(gateway.output, /endpoints\[0\]\.listen: found "127\.0\.0\.1:99999"/);
    },
  );

  const onTerminal = { timeout: 60_000, skip: terminal ? false : "there is no script of util-linux" };

  it(
    "reads what is typed on a terminal, and drains at one Ctrl-C, however often it arrives (F-19)",
    onTerminal,
    async (t) => {
      const gateway = start(t, ["worker.yaml"], folder, true);
      const peer = await talk(t, gateway);
      gateway.type(ctrlC);
      await gateway.says(/server draining/);
      await aWhile();
      peer.end();
      assert.equal(await gateway.ended, 0, gateway.output);
      assert.match(gateway.output, /1 connection drained\s/);
    },
  );

  it("ends at once at a second Ctrl-C on a terminal (F-19)", onTerminal, async (t) => {
    const gateway = start(t, ["worker.yaml"], folder, true);
    await talk(t, gateway);
    gateway.type(ctrlC);
    await gateway.says(/server draining/);
    await aWhile();
    gateway.type(ctrlC);
    assert.equal(await gateway.ended, 3, gateway.output);
    assert.match(gateway.output, /0 connections drained, 1 destroyed/);
  });
});
