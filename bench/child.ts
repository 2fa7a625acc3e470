/**
 * A measured process: started with a deadline, spoken to in JSON lines, and always ended.
 *
 * Used by `echo_rows.ts` and `idle_row.ts`. Reads /proc where there is one.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const running = new Set<Child>();

/** Ends every process that this run has started. */
export function endAll(): void {
  for (const child of running) child.end();
}

/** One process of ours. */
export class Child {
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  readonly #exited: Promise<void>;
  #waiting: ((line: string | undefined) => void) | undefined;
  #errors = "";
  #over = false;

  constructor([program, args]: readonly [string, readonly string[]]) {
    this.#process = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    running.add(this);
    this.#process.stdin!.on("error", () => {});
    this.#process.stderr!.on("data", (text) => this.#errors = (this.#errors + text).slice(-4000));
    this.#process.on("error", (error) => this.#errors += error.message);
    const reader = createInterface({ input: this.#process.stdout! });
    reader.on("line", (line) => {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting === undefined) this.#lines.push(line);
      else waiting(line);
    });
    this.#exited = new Promise((resolve) =>
      this.#process.on("close", () => {
        this.#over = true;
        running.delete(this);
        this.#waiting?.(undefined);
        resolve();
      })
    );
  }

  /** The next line of its standard output, parsed. Rejects when it ends first, or after `ms`. */
  async next<T>(ms: number): Promise<T> {
    const line = this.#lines.shift() ?? await this.#wait(ms);
    if (line === undefined) {
      this.end();
      throw new Error(
        `${this.#process.spawnargs.join(" ")}: gave no answer within ${ms} ms\n${this.#errors}`,
      );
    }
    return JSON.parse(line) as T;
  }

  /** Why it is over, where it is: what it has said on standard error. */
  fault(): string | undefined {
    return this.#over ? `${this.#process.spawnargs.join(" ")}: ended\n${this.#errors}` : undefined;
  }

  /** Sends one line to its standard input. */
  tell(line: string): void {
    this.#process.stdin!.write(line + "\n");
  }

  /** Processor time that it and its children have used so far, in milliseconds; 0 where there is no /proc. */
  cpuMs(): number {
    const children = this.#read(`task/${this.#process.pid}/children`).match(/\d+/g) ?? [];
    return [`${this.#process.pid}`, ...children].reduce((sum, pid) => sum + cpuMsOf(pid), 0);
  }

  /** Resident memory in bytes; 0 where there is no /proc. */
  rssBytes(): number {
    return Number(/VmRSS:\s+(\d+) kB/.exec(this.#read("status"))?.[1] ?? 0) * 1024;
  }

  /** Files that it may have open, by the hard limit, to which all three runtimes raise themselves. */
  mostFiles(): number {
    const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(this.#read("limits"))?.[1];
    return hard === undefined ? Infinity : Number(hard);
  }

  #read(file: string): string {
    return read(`/proc/${this.#process.pid}/${file}`);
  }

  #wait(ms: number): Promise<string | undefined> {
    if (this.#over) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms, undefined);
      this.#waiting = (line) => {
        clearTimeout(timer);
        resolve(line);
      };
    });
  }

  /** Ends it now; resolves when it is gone. */
  end(): Promise<void> {
    if (!this.#over) this.#process.kill("SIGKILL");
    return this.#exited;
  }
}

function cpuMsOf(pid: string): number {
  // The fields after the name in brackets; user and system time are the 14th and 15th of all, in ticks of 10 ms.
  const fields = read(`/proc/${pid}/stat`).split(") ").at(-1)!.split(" ");
  return fields.length < 13 ? 0 : (Number(fields[11]) + Number(fields[12])) * 10;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
