// workerd, the host of Cloudflare Workers, as a process on loopback that answers HTTP with one module.
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** The program itself, which the package finds for this platform: its command would keep the third descriptor. */
const program = ((): string | undefined => {
  try {
    return createRequire(import.meta.url)("workerd").default;
  } catch {
    return undefined;
  }
})();
const deadlineMs = 30_000;

/** What else is said of it. */
export interface WorkerdOptions {
  /** What its socket hands over: requests, or connections of TCP. @default "http" */
  readonly protocol?: "http" | "tcp";
  /** The CA whose servers it trusts, as a file in its folder; then it may connect to this machine. */
  readonly trusted?: string;
  /** All of the configuration, in the place of what the others say. */
  readonly config?: string;
}

const configOf = ({ protocol = "http", trusted }: WorkerdOptions): string =>
  `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)${trusted === undefined ? "" : `, .internet`}],
  sockets = [(name = "main", address = "127.0.0.1:0", ${protocol} = (), service = "main")],
);${
    trusted === undefined ? "" : `
const internet :Workerd.Service = (name = "internet", network = (
  allow = ["private", "public"],
  tlsOptions = (trustedCertificates = [embed "${trusted}"]),
));`
  }
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.mjs")],
  compatibilityDate = "2025-01-01",
);
`;

/** Why it cannot run here, or false. */
export const noWorkerd: string | false = program === undefined
  ? "workerd is not installed: its package has no program for this platform"
  : false;

/** Starts it with this module; resolves with its address once it listens. */
export async function startWorkerd(
  t: { after(cleanup: () => unknown): void },
  folder: string,
  module: string | Uint8Array,
  options: WorkerdOptions = {},
): Promise<string> {
  writeFileSync(join(folder, "worker.mjs"), module);
  writeFileSync(join(folder, "config.capnp"), options.config ?? configOf(options));
  const child = spawn(program!, ["serve", "config.capnp", "--control-fd=3"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  return `${options.protocol ?? "http"}://127.0.0.1:${await portOf(child)}`;
}

/** It says on its third descriptor which port it has taken. */
function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let [said, all] = ["", ""];
    const fail = (why: string) => reject(new Error(`start workerd: ${why}\n${all}`));
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      fail(`it does not listen after ${deadlineMs} ms`);
    }, deadlineMs);
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on("data", (text) => all += text);
    }
    child.stdio[3]!.on("data", (text) => {
      said += text;
      const port = /"listen".*"port":(\d+)/.exec(said)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
    child.on("error", (error) => fail(error.message));
    child.on("close", (code) => {
      clearTimeout(timer);
      fail(`it ended with code ${code}`);
    });
  });
}
