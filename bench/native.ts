/**
 * Servers that are no JavaScript: lines as Go's and Rust's own packages make them, where a compiler is installed.
 *
 * Go's is `go` (Debian: golang-go). Rust's is `cargo` with the packages of Debian (librust-tokio-dev, librust-tokio-util-dev,
 * librust-futures-dev), so that nothing is downloaded. What is built is kept beside the installed packages.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** The program, or why there is none. */
export type Native = { readonly program: string } | { readonly absent: string };

const debian = "/usr/share/cargo/registry";
const cratesOfDebian = ["tokio", "tokio-util", "futures"];

/** Builds the server of this name from `bench/servers`. */
export function buildNative(root: string, name: "go" | "rust"): Native {
  const source = join(root, "bench/servers", name);
  const folder = join(root, "node_modules/.cache/millrace-bench", name);
  mkdirSync(folder, { recursive: true });
  cpSync(source, folder, { recursive: true });
  return name === "go" ? buildGo(folder) : buildRust(folder);
}

function buildGo(folder: string): Native {
  const made = run("go", ["build", "-o", "lines", "main.go"], folder, { GO111MODULE: "off" });
  return made ?? { program: join(folder, "lines") };
}

function buildRust(folder: string): Native {
  const missing = cratesOfDebian.filter((name) => !existsSync(debian) || !hasCrate(name));
  if (missing.length > 0) {
    return { absent: `the Rust packages ${missing.join(", ")} of Debian are not installed` };
  }
  const source = [
    'source.crates-io.replace-with="debian"',
    `source.debian.directory="${debian}"`,
  ].flatMap((setting) => ["--config", setting]);
  const made = run("cargo", ["build", "--release", "--offline", "--quiet", ...source], folder, {});
  return made ?? { program: join(folder, "target/release/lines") };
}

function hasCrate(name: string): boolean {
  return spawnSync("sh", ["-c", `ls -d ${debian}/${name}-[0-9]*`]).status === 0;
}

function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Native | undefined {
  const { status, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: "utf8",
    timeout: 300_000,
    env: { ...process.env, ...env },
  });
  if (error !== undefined) return { absent: `${program} is not installed` };
  if (status !== 0) {
    return { absent: `${program} could not build it: ${stderr.trim().split("\n").slice(0, 3).join(" ")}` };
  }
  return undefined;
}
