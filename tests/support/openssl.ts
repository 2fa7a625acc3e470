// OpenSSL's own client and server, for tests. Every wait has a deadline.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cleaner } from "./program.ts";

/** A reason to skip a test, or false. */
export const withoutOpenssl: string | false = spawnSync("openssl", ["version"]).status === 0
  ? false
  : "there is no program openssl on the path";

/** One running `openssl`. */
export class Openssl {
  /** The exit code; null when it was killed. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  #text = "";
  #changed: () => void = () => {};
  #over = false;

  constructor(t: Cleaner, ...args: string[]) {
    const child = this.#child = spawn("openssl", args, { timeout: 20_000 });
    t.after(() => child.kill("SIGKILL"));
    const hear = (text: string): void => {
      this.#text += text;
      this.#changed();
    };
    child.stdin!.on("error", () => {});
    child.stdout!.setEncoding("utf8").on("data", hear);
    child.stderr!.setEncoding("utf8").on("data", hear);
    this.ended = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => {
        this.#over = true;
        this.#changed();
        resolve(code);
      });
    });
  }

  /** All that it has printed. */
  get text(): string {
    return this.#text;
  }

  count(pattern: RegExp): number {
    return this.#text.match(pattern)?.length ?? 0;
  }

  say(text: string): void {
    this.#child.stdin!.write(text);
  }

  /** No more input, on which a client leaves. */
  leave(): void {
    this.#child.stdin!.end();
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Resolves as soon as the condition holds, or when the program is over; which, its caller asserts. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.#over) await new Promise<void>((resolve) => this.#changed = resolve);
  }

  /** The port of an `s_server` that was given `-accept 0`. */
  async port(): Promise<number> {
    const said = () => /ACCEPT \S+:(\d+)/.exec(this.#text)?.[1];
    await this.until(() => said() !== undefined);
    const port = said();
    if (port === undefined) throw new Error(`wait for openssl to listen: it ended\n${this.#text}`);
    return Number(port);
  }
}

/** Writes texts to files that go with the test; returns their paths. */
export function filesFor(t: Cleaner): (name: string, text: string) => string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-openssl-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return (name, text) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
}
