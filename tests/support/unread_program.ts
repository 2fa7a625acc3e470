// `millrace`, or another program, as a process whose output goes into a real pipe that nobody reads, until the test lets the reader go.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { signalEchoMs } from "../../src/host/signal_echo.ts";
import { type Cleaner, commandLine } from "./program.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const deadlineMs = 60_000;

/**
 * What happens to the output: `out` goes unread while what is said on standard error is heard; `both` share one pipe, of
 * which so many lines are heard, and then nothing more; `late` is like `both`, until `readOn`.
 */
export type Unread = { readonly unread: "out" } | {
  readonly unread: "both" | "late";
  readonly heard: number;
};

/** Hears so many lines and the id before them. */
const hears = 'while [ $heard -ge 0 ]; do IFS= read -r line; echo "$line" >&3; heard=$((heard - 1)); done';
const both =
  'heard=$1; shift; exec 3>&1 4<&0; { sh -c \'echo "pid $$"; exec "$@"\' sh "$@" 2>&1 </dev/null 3>&- 4<&-; ' +
  'echo "code $?" >&3; } | ';

/** The reader ends, and with it the pipe, when this shell's standard input does. */
const script = {
  out: 'exec 3>&1 4<&0; { sh -c \'echo "pid $$" >&2; exec "$@"\' sh "$@" 2>&3 </dev/null 3>&- 4<&-; ' +
    'echo "code $?" >&3; } | { read -r end <&4; }',
  both: `${both}{ ${hears}; read -r end <&4; }`,
  late: `${both}{ ${hears}; read -r go <&4; cat >&3; }`,
} as const;

/**
 * How this runtime runs a TypeScript file with no process beside it. On Node, `tsx` starts a compiler for what it has not
 * compiled before, which inherits standard error. Node makes what a child inherits blocking, for both: a pipe is one
 * thing however many hold it. A full one that nobody reads would then stop the program for good, so it is compiled here.
 */
async function alone(t: Cleaner, file: string, args: readonly string[]): Promise<string[]> {
  const { bun, deno } = process.versions;
  if (bun !== undefined || deno !== undefined) return commandLine(file, args);
  const folder = mkdtempSync(join(tmpdir(), "millrace-unread-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { build } = await import("esbuild");
  const outfile = join(folder, "program.mjs");
  await build({
    absWorkingDir: root,
    entryPoints: [file],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2022",
    // Packages in CommonJS ask for Node's modules by `require`.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire("/");' },
  });
  return [outfile, ...args];
}

/** One program that nobody reads. */
export class UnreadProgram {
  readonly #shell: ChildProcess;
  #heard = "";
  #changed: () => void = () => {};

  private constructor(t: Cleaner, how: Unread, args: readonly string[]) {
    const command = [process.execPath, ...args];
    const heard = how.unread === "out" ? [] : [String(how.heard)];
    const shell = spawn("sh", ["-c", script[how.unread], "sh", ...heard, ...command], { cwd: root });
    this.#shell = shell;
    shell.stdin!.on("error", () => {});
    for (const stream of [shell.stdout!, shell.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#heard += text;
        this.#changed();
      });
    }
    shell.on("close", () => this.#changed());
    t.after(() => {
      shell.stdin!.end();
      const pid = /^pid (\d+)$/m.exec(this.#heard)?.[1];
      if (pid === undefined || /^code /m.test(this.#heard)) return;
      try {
        process.kill(Number(pid), "SIGKILL");
      } catch {
        // It has just ended.
      }
    });
  }

  /** Starts `millrace` and waits until it has an id. */
  static start(t: Cleaner, how: Unread, ...args: string[]): Promise<UnreadProgram> {
    return UnreadProgram.run(t, how, "src/gateway/main.ts", args);
  }

  /** Starts a program, whose path begins at the root of the package, and waits until it has an id. */
  static async run(t: Cleaner, how: Unread, file: string, args: readonly string[]): Promise<UnreadProgram> {
    const program = new UnreadProgram(t, how, await alone(t, file, args));
    await program.said(/^pid \d+$/m);
    return program;
  }

  /** Resolves with the match once it has been heard. */
  async said(wanted: RegExp): Promise<RegExpExecArray> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#changed();
    }, deadlineMs);
    try {
      for (;;) {
        const match = wanted.exec(this.#heard);
        if (match !== null) return match;
        if (late) throw new Error(`wait for ${wanted}: not heard within ${deadlineMs} ms\n${this.#heard}`);
        await new Promise<void>((resolve) => this.#changed = resolve);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  signal(name: "SIGTERM"): void {
    process.kill(Number(/^pid (\d+)$/m.exec(this.#heard)![1]), name);
  }

  /** As a person does who has lost patience: so late that it is no echo of the signal before. */
  async signalAgain(name: "SIGTERM"): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, signalEchoMs + 50));
    this.signal(name);
  }

  /** Everything that was heard. */
  get heard(): string {
    return this.#heard;
  }

  /** With `late`: from now on everything is heard. */
  readOn(): void {
    this.#shell.stdin!.write("\n");
  }

  /** From now on whoever writes into the pipe finds that its reader is gone. */
  letReaderGo(): void {
    this.#shell.stdin!.end();
  }

  /** The exit code, once it has ended. */
  async code(): Promise<number> {
    return Number((await this.said(/^code (\d+)$/m))[1]);
  }
}
