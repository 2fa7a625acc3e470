/** nats-server with JetStream for the rows of the gateway: on the load's processor, in a folder of its own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Native } from "./native.ts";

const startMs = 15_000;

/** The program, where it is installed. */
export function findBroker(): Native {
  const program = ["nats-server", "/usr/sbin/nats-server"].find((name) =>
    spawnSync(name, ["--version"]).status === 0
  );
  return program === undefined ? { absent: "nats-server is not installed" } : { program };
}

/** One server; it keeps its port and its folder when it is stopped. */
export class Broker {
  port = -1;
  readonly #program: string;
  readonly #folder: string = mkdtempSync(join(tmpdir(), "millrace-bench-nats-"));
  #process: ChildProcess | undefined = undefined;

  constructor(program: string) {
    this.#program = program;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const flags = ["-a", "127.0.0.1", "-p", String(this.port), "-js", "-sd", this.#folder];
    const child = this.#process = spawn(this.#program, flags, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`nats-server: not ready in ${startMs} ms\n${said}`)),
        startMs,
      );
      child.stderr!.setEncoding("utf8").on("data", (text: string) => {
        said = (said + text).slice(-8_000);
        this.port = Number(/client connections on [^\s]*:(\d+)/.exec(said)?.[1] ?? this.port);
        if (!said.includes("Server is ready")) return;
        clearTimeout(late);
        resolve();
      });
      child.on("close", () => reject(new Error(`nats-server ended\n${said}`)));
    });
  }

  /** Ends it now. */
  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const over = new Promise<void>((resolve) => child.on("close", () => resolve()));
    child.kill("SIGKILL");
    await over;
  }

  async end(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
