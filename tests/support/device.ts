// A device as a process of its own, which loses its power and gets it again: `device_program.ts` is what it runs.
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Cleaner, commandLine } from "./program.ts";

const file = fileURLToPath(new URL("device_program.ts", import.meta.url));

/** What it has to tell, and to whom. */
export interface Readings {
  readonly port: number;
  readonly name: string;
  readonly count: number;
  /** Between two lines; 0 for as fast as the peer takes them. */
  readonly pauseMs: number;
}

/** One device. It keeps over a loss of power what it has said: the last number that was acknowledged. */
export class Device {
  readonly readings: Readings;
  acknowledged = 0;
  /** The numbers with which its connections began, in order. */
  readonly beginnings: number[] = [];
  /** Resolves when everything is acknowledged. */
  readonly done: Promise<void>;
  readonly #progress: () => void;
  #process: ChildProcess | undefined = undefined;
  #killed = false;
  #over = false;

  /** `progress` is called when something has been acknowledged. */
  constructor(t: Cleaner, readings: Readings, progress: () => void) {
    this.readings = readings;
    this.#progress = progress;
    t.after(() => {
      this.#over = true;
      this.kill();
    });
    this.done = this.#live();
    this.done.catch(() => {});
  }

  /** Takes its power, and gives it back. */
  kill(): void {
    this.#killed = true;
    this.#process?.kill("SIGKILL");
  }

  async #live(): Promise<void> {
    const { name, count } = this.readings;
    while (this.acknowledged < count && !this.#over) {
      this.#killed = false;
      const code = await this.#run();
      if (code !== 0 && !this.#killed) throw new Error(`${name} ended with ${code}`);
    }
  }

  #run(): Promise<number | null> {
    const { count, ...rest } = this.readings;
    const order = JSON.stringify({ ...rest, from: this.acknowledged + 1, to: count });
    const child = spawn(process.execPath, commandLine(file, [order]), {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#process = child;
    let part = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (part + text).split("\n");
      part = lines.pop()!;
      for (const line of lines) {
        const [word, number] = line.split(" ");
        if (word === "from") this.beginnings.push(Number(number));
        else this.acknowledged = Number(number);
      }
      this.#progress();
    });
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", resolve);
    });
  }
}
