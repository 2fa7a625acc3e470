// redis-server as a process of its own, for tests: on a free port, each write on disk before it is answered, killed and started again.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cleaner } from "./program.ts";
import { within } from "../contract/within.ts";

/** A reason to skip a test, or false. */
export const withoutRedis: string | false = spawnSync("redis-server", ["--version"]).status === 0
  ? false
  : "there is no program redis-server on the path";

/** One server; its folder and its port stay when it is killed. */
export class RedisServer {
  readonly folder: string = mkdtempSync(join(tmpdir(), "millrace-redis-"));
  readonly #settings: readonly string[];
  #port = 0;
  #process: ChildProcess | undefined = undefined;

  private constructor(settings: readonly string[]) {
    this.#settings = settings;
  }

  /** Starts one; `settings` are further arguments, and may contradict those that are standard here. */
  static async start(t: Cleaner, ...settings: string[]): Promise<RedisServer> {
    const server = new RedisServer(settings);
    t.after(async () => {
      await server.kill();
      rmSync(server.folder, { recursive: true, force: true });
    });
    for (let attempt = 0;; attempt++) {
      server.#port = await freePort();
      try {
        await server.run();
        return server;
      } catch (error) {
        // Somebody else may have taken the port meanwhile.
        if (attempt === 3 || !String(error).includes("in use")) throw error;
      }
    }
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Runs until it is killed; resolves when it takes connections. */
  async run(): Promise<void> {
    const standard = ["--appendonly", "yes", "--appendfsync", "always", "--save", "", "--dir", this.folder];
    const where = ["--bind", "127.0.0.1", "--port", String(this.port)];
    const child = this.#process = spawn("redis-server", [...where, ...standard, ...this.#settings], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let said = "";
    const ready = new Promise<void>((resolve, reject) => {
      child.stdout!.setEncoding("utf8").on("data", (text: string) => {
        if (said.length < 65_536) said += text;
        if (said.includes("Ready to accept connections")) resolve();
      });
      child.on("exit", (code) => reject(new Error(`redis-server ended with ${code}\n${said}`)));
      child.on("error", reject);
    });
    await within(ready, () => `redis-server to be ready\n${said}`);
  }

  /** Its process stands still, or goes on. */
  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#process?.kill(name);
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

/** One that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
