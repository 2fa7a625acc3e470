// Programs of the system as peers of a test. One that is not installed is a reason to skip; every wait has a deadline.
import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import type { Cleaner, Ended } from "./program.ts";

const deadlineMs = 30_000;

/** A reason to skip a test, or false. Debian's packages are in `.ci/packages`. */
export function without(program: string): string | false {
  return place(program) === undefined ? `there is no program ${program}` : false;
}

/** Programs of administrators are not on everybody's path. */
function place(program: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, program)).find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A program that has been started. */
export interface OutsideProgram {
  readonly ended: Promise<Ended>;
  /** Resolves once it has said so on either stream; rejects where it ends before. */
  said(wanted: RegExp): Promise<void>;
}

/** Starts it; it is killed when the test is over, or after half a minute. */
export function start(
  t: Cleaner,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): OutsideProgram {
  const child = spawn(place(program)!, args, {
    timeout: deadlineMs,
    killSignal: "SIGKILL",
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C", ...env },
  });
  let [out, err, over] = ["", "", false];
  let changed: () => void = () => {};
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    changed();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
    changed();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      over = true;
      changed();
      resolve({ code, signal, out, err });
    });
  });
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return {
    ended,
    async said(wanted) {
      while (!wanted.test(out + err)) {
        if (over) throw new Error(`${program} ended before it said ${wanted}: ${out}${err}`);
        await new Promise<void>((resolve) => changed = resolve);
      }
    },
  };
}

/** Runs it to its end. */
export function run(
  t: Cleaner,
  program: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<Ended> {
  return start(t, program, args, env).ended;
}
