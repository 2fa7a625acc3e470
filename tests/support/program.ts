// Programs of this package as processes of their own, on the runtime that runs the test. Every wait has a deadline.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { signalEchoMs } from "../../src/host/signal_echo.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
// A program may start others, each of which takes its time on a machine that is busy.
const deadlineMs = 60_000;

/** How this runtime runs a TypeScript file, without its own name. */
export function commandLine(file: string, args: readonly string[]): string[] {
  const { bun, deno } = process.versions;
  if (deno !== undefined) return ["run", "-A", "--no-check", "--quiet", file, ...args];
  return bun !== undefined ? [file, ...args] : ["--import", "tsx", file, ...args];
}

/** How a program ended, and what it said. */
export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

/** What cleans up after a test. */
export interface Cleaner {
  after(cleanup: () => unknown): void;
}

/** What a program gets besides its arguments. */
export interface Inherited {
  /** Open descriptors, which it has from 3 on. */
  readonly descriptors?: readonly number[];
  /** Variables; with these `LISTEN_PID` too. */
  readonly env?: Readonly<Record<string, string>>;
}

/** One running program. */
export class Program {
  readonly ended: Promise<Ended>;
  readonly #process: ChildProcess;
  #out = "";
  #err = "";
  #changed: () => void = () => {};
  #over = false;

  /** `file` is a path from the root of the package. */
  constructor(t: Cleaner, file: string, args: readonly string[], { descriptors, env }: Inherited = {}) {
    const command = [process.execPath, ...commandLine(file, args)];
    // As systemd does it: only the process itself has its number before it begins.
    const [name = "", ...rest] = env === undefined
      ? command
      : ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$0" "$@"', ...command];
    const child = this.#process = spawn(name, rest, {
      cwd: root,
      stdio: ["pipe", "pipe", "pipe", ...(descriptors ?? [])],
      env: { ...process.env, ...env },
    });
    t.after(() => child.kill("SIGKILL"));
    // A program that ends before it has read its input is not this side's failure.
    child.stdin!.on("error", () => {});
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.#out += text;
      this.#changed();
    });
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#err += text;
      this.#changed();
    });
    this.ended = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => {
        this.#over = true;
        this.#changed();
        resolve({ code, signal, out: this.#out, err: this.#err });
      });
    });
  }

  /** Resolves with the match once the program has said it. */
  async said(where: "out" | "err", wanted: RegExp): Promise<RegExpExecArray> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#changed();
    }, deadlineMs);
    try {
      for (;;) {
        const match = wanted.exec(where === "out" ? this.#out : this.#err);
        if (match !== null) return match;
        if (this.#over || late) {
          const why = late ? `within ${deadlineMs} ms` : "before it ended";
          throw new Error(`wait for ${wanted}: not said ${why}\n${this.#out}\n${this.#err}`);
        }
        await new Promise<void>((resolve) => this.#changed = resolve);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  get pid(): number {
    return this.#process.pid!;
  }

  write(text: string | Uint8Array): void {
    this.#process.stdin!.write(text);
  }

  /** Ends its standard input. */
  endInput(): void {
    this.#process.stdin!.end();
  }

  signal(name: "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGKILL" | "SIGUSR2"): void {
    // After ChildProcess.kill, Deno reports the signal even where the program has ended by itself with a code.
    process.kill(this.pid, name);
  }

  /** As a person does who has lost patience: so late that it is no echo of the signal before. */
  async signalAgain(name: "SIGTERM" | "SIGINT"): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, signalEchoMs + 50));
    this.signal(name);
  }

  /** How it ended; it is killed at the deadline, which is an error. */
  async end(): Promise<Ended> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#process.kill("SIGKILL");
    }, deadlineMs);
    try {
      const ended = await this.ended;
      if (!late) return ended;
      throw new Error(`wait for the end: not there within ${deadlineMs} ms\n${ended.out}\n${ended.err}`);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Runs a program to its end while everything else in this process stands still. */
export function runBlocking(file: string, args: readonly string[]): Ended {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, commandLine(file, args), {
    cwd: root,
    encoding: "utf8",
    timeout: deadlineMs,
  });
  return { code: status, signal, out: stdout, err: stderr };
}

/** Starts `millrace`. */
export function startMillrace(t: Cleaner, ...args: string[]): Program {
  return new Program(t, "src/gateway/main.ts", args);
}

/** Runs `millrace` to its end, with this as its standard input. */
export function runMillrace(
  t: Cleaner,
  args: readonly string[],
  input: string | Uint8Array = "",
): Promise<Ended> {
  const program = startMillrace(t, ...args);
  program.write(input);
  program.endInput();
  return program.end();
}
