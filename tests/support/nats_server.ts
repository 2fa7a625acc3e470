// nats-server as a process of its own, for tests: on a port of its choice, with or without JetStream, killed and started again.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cleaner } from "./program.ts";
import { within } from "../contract/within.ts";

const found = ["nats-server", "/usr/sbin/nats-server"].find((name) =>
  spawnSync(name, ["--version"]).status === 0
);

/** A reason to skip a test, or false. */
export const withoutNats: string | false = found === undefined
  ? "there is no program nats-server on the path"
  : false;

/** One server; its folder and its port stay when it is killed. */
export class NatsServer {
  port = -1;
  readonly #folder: string = mkdtempSync(join(tmpdir(), "millrace-nats-"));
  readonly #lines: string;
  #process: ChildProcess | undefined = undefined;

  private constructor(lines: string) {
    this.#lines = lines;
  }

  /** Starts one; `lines` are further lines of its configuration. */
  static async start(t: Cleaner, lines = ""): Promise<NatsServer> {
    const server = new NatsServer(lines);
    t.after(async () => {
      await server.kill();
      rmSync(server.#folder, { recursive: true, force: true });
    });
    await server.run();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Runs until it is killed; resolves when it takes connections. */
  async run(): Promise<void> {
    const config = join(this.#folder, "nats.conf");
    const { port } = this;
    writeFileSync(
      config,
      `listen: "127.0.0.1:${port}"\njetstream { store_dir: ${
        JSON.stringify(this.#folder)
      } }\n${this.#lines}\n`,
    );
    const child = this.#process = spawn(found!, ["-c", config], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    const ready = new Promise<void>((resolve, reject) => {
      child.stderr!.setEncoding("utf8").on("data", (text: string) => {
        if (said.length < 65_536) said += text;
        if (!said.includes("Server is ready")) return;
        this.port = Number(/Listening for client connections on [^\s]*:(\d+)/.exec(said)?.[1] ?? port);
        resolve();
      });
      child.on("exit", (code) => reject(new Error(`nats-server ended with ${code}\n${said}`)));
      child.on("error", reject);
    });
    await within(ready, () => `nats-server to be ready\n${said}`);
  }

  /** As when its machine loses power: nothing is said to anybody. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }
}
