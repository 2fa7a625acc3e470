/**
 * The servers of the rows with a proxy: examples/tcp_proxy.ts or HAProxy, in front of an echo on Bun's own sockets that
 * shares the load's processor.
 *
 * HAProxy has one thread, and the settings of its package but for the time limits that it asks for.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { dirname, join } from "node:path";
import { Child } from "./child.ts";
import type { Native } from "./native.ts";
import {
  commandLine,
  loadCore,
  nativeLine,
  type RuntimeName,
  type Runtimes,
  serverCore,
} from "./runtimes.ts";

/** What runs: the proxy, which is measured, and the echo behind it. */
export interface Proxied {
  readonly server: Child;
  readonly port: number;
  readonly behind: Child;
}

/** HAProxy, where it is installed. */
export function findHaproxy(): Native {
  const { error } = spawnSync("haproxy", ["-v"]);
  return error === undefined ? { program: "haproxy" } : { absent: "haproxy is not installed" };
}

/** The most that a proxy may take to listen. */
const startMs = 15_000;

/** Starts one of the two: `haproxy` is the program of the latter, if it is to be that. */
export async function startProxy(
  runtimes: Runtimes,
  runtime: RuntimeName,
  program: (name: string) => string,
  haproxy: string | undefined,
): Promise<Proxied> {
  const behind = new Child(commandLine(runtimes, "bun", loadCore, [program("raw_bun")]));
  const { port: target } = await behind.next<{ port: number }>(startMs);
  // HAProxy cannot say which port it got, so both are told one that was free a moment ago.
  const port = await freePort();
  const command = haproxy === undefined
    ? commandLine(runtimes, runtime, serverCore, [program("tcp_proxy"), String(port), String(target)])
    : nativeLine(haproxy, serverCore, [
      "-db",
      "-f",
      writeSettings(dirname(program("raw_bun")), port, target),
    ]);
  const server = new Child(command);
  try {
    await listening(server, port);
  } catch (error) {
    await Promise.all([server.end(), behind.end()]);
    throw error;
  }
  return { server, port, behind };
}

function writeSettings(folder: string, port: number, target: number): string {
  const file = join(folder, `haproxy-${port}.cfg`);
  const lines = [
    "global",
    "  nbthread 1",
    "defaults",
    "  mode tcp",
    "  timeout connect 10s",
    "  timeout client 124m",
    "  timeout server 124m",
    "listen proxy",
    `  bind 127.0.0.1:${port}`,
    `  server echo 127.0.0.1:${target}`,
  ];
  writeFileSync(file, lines.join("\n") + "\n");
  return file;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject).listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function listening(server: Child, port: number): Promise<void> {
  const until = performance.now() + startMs;
  while (!(await accepts(port))) {
    const fault = server.fault();
    if (fault !== undefined) throw new Error(fault);
    if (performance.now() > until) {
      throw new Error(`the proxy did not listen on ${port} within ${startMs} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
