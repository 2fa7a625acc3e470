/** Where sockets of a real system are tried: loopback, and a directory of its own for Unix sockets. */
import { mkdtempSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { Adapter } from "../../src/core/transport.ts";
import type { Subject } from "./rig.ts";

export function onLoopback(adapter: Adapter): Subject {
  const directory = mkdtempSync(join(tmpdir(), "millrace-contract-"));
  after(() => rmSync(directory, { recursive: true, force: true }));
  let paths = 0;
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return {
    name: `the ${adapter.name} adapter`,
    adapter,
    dialler: adapter,
    host: "127.0.0.1",
    ip: "127.0.0.1",
    unixPath: () => join(directory, `${++paths}.sock`),
    ipv6: addresses.some(({ address }) => address === "::1") || "this machine has no IPv6 loopback",
  };
}
