// Programs that serve with several processes: what they say, and what their admin endpoint shows.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as dial, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { type Cleaner, type Program, startMillrace } from "./program.ts";

const { can } = await detectAdapter();

/** Each has several processes start one another, on a machine that may be busy. */
export const long: { readonly timeout: number; readonly skip: string | false } = {
  timeout: 120_000,
  skip: can.descriptor ? false : "this system cannot pass on sockets",
};

/** Where a program listens. */
export interface Tcp {
  readonly transport: "tcp";
  readonly host: string;
  readonly port: number;
}

/** A folder of the test's own. */
export function folderOf(t: Cleaner): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An endpoint that answers with what it is sent. */
export const echo: Readonly<Record<string, unknown>> = {
  name: "echo",
  listen: "127.0.0.1:0",
  framing: "lines",
  echo: true,
};

/** A gateway of this configuration, and what writes another. */
export function gateway(t: Cleaner, config: object): {
  readonly write: (config: object | string) => void;
  readonly program: Program;
} {
  const file = join(folderOf(t), "gateway.json");
  const write = (config: object | string) =>
    writeFileSync(file, typeof config === "string" ? config : JSON.stringify(config));
  write(config);
  return { write, program: startMillrace(t, "gateway", file) };
}

/** Where it does. */
export async function listening(program: Program): Promise<Tcp> {
  const [, host = "", port] = await program.said("err", /listen(?:ing|s) on (127\.0\.0\.1):(\d+)/);
  return { transport: "tcp", host, port: Number(port) };
}

/** Process ids, by number, once all serve. */
export async function serving(program: Program): Promise<number[]> {
  const [, pids = ""] = await program.said("err", /processe?s? \(([\d, ]+)\) serve/);
  return pids.split(", ").map(Number);
}

/** Stops it, which must end with this code; gives what it has said. */
export async function stopped(program: Program, code = 0): Promise<string> {
  program.signal("SIGTERM");
  const ended = await program.end();
  assert.equal(ended.code, code, ended.err);
  return ended.err;
}

/** A connection that has had an answer; it does not end its side by itself. */
export async function open(t: Cleaner, { port, host }: Tcp): Promise<Socket> {
  const socket = dial({ port, host, allowHalfOpen: true });
  t.after(() => socket.destroy());
  socket.on("error", () => {});
  const answered = new Promise((resolve) => socket.once("data", resolve));
  socket.write("hello\n");
  await answered;
  return socket;
}

/** A page of the admin endpoint. */
export async function fetched(url: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(url, { headers: { connection: "close" } });
  return { status: response.status, text: await response.text() };
}

/** Its URL. */
export async function adminOf(program: Program): Promise<string> {
  const [, url = ""] = await program.said("err", /admin of all processes: (\S+)/);
  return url;
}

/** Values of one metric by the number of the process. */
export function values(text: string, name: string): number[] {
  const rows = text.split("\n").filter((row) => row.startsWith(`${name}{`));
  const found: number[] = [];
  for (const row of rows) {
    const [, number, value] = /process="(\d+)".*\} (\S+)$/.exec(row)!;
    assert.equal(found[Number(number)], undefined, `${name} is there twice`);
    found[Number(number)] = Number(value);
  }
  return found.slice(1);
}

/** Of all. */
export function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}
