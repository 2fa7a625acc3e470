// HAProxy as a process of its own, for tests. It binds before it says that it has started, so nobody waits for it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Cleaner } from "./program.ts";

const found = ["haproxy", "/usr/sbin/haproxy"].find((name) => spawnSync(name, ["-v"]).status === 0);

/** A reason to skip a test, or false. */
export const withoutHaproxy: string | false = found === undefined
  ? "there is no program haproxy on the path"
  : false;

const head = `global
  maxconn 100
defaults
  mode tcp
  timeout connect 5s
  timeout client 10s
  timeout server 10s
  timeout check 2s
`;

/**
 * Starts it with these sections; `sections` is given a port for each name, and the path of a file for each of `files`.
 * Returns the ports.
 */
export async function haproxy<Name extends string>(
  t: Cleaner,
  names: readonly Name[],
  sections: (ports: Readonly<Record<Name, number>>, file: (name: string) => string) => string,
  files: Readonly<Record<string, string>> = {},
): Promise<Readonly<Record<Name, number>>> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-haproxy-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string): string => join(folder, name);
  for (const [name, text] of Object.entries(files)) writeFileSync(file(name), text);
  const ports = Object.fromEntries(
    (await freePorts(names.length)).map((port, at) => [names[at], port]),
  ) as Record<Name, number>;
  writeFileSync(file("haproxy.cfg"), head + sections(ports, file));
  const args = ["-D", "-p", file("pid"), "-f", file("haproxy.cfg")];
  const { status, stderr } = spawnSync(found!, args, { encoding: "utf8", timeout: 10_000 });
  if (status !== 0) throw new Error(`start haproxy: it ended with ${status}\n${stderr}`);
  const pid = Number(readFileSync(file("pid"), "utf8"));
  t.after(() => process.kill(pid, "SIGKILL"));
  return ports;
}

/** HAProxy cannot be asked which port the system has chosen. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(servers.map((server) =>
    new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    })
  ));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
