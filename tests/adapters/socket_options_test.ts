// What the kernel knows of a socket after the adapter has tuned it, as Linux shows it in /proc/net/tcp.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, type TestContext } from "node:test";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { onLoopback } from "../contract/native.ts";
import { Rig } from "../contract/rig.ts";
import { it } from "../support/it.ts";

const adapter = await detectAdapter();
const linux = existsSync("/proc/net/tcp") ? false : "this system does not show the timers of its sockets";
const skip = linux || (adapter.can.keepAlive ? false : "this adapter can't set keepAlive");
const skipDelay = linux ||
  (adapter.can.keepAliveDelay ? false : "this adapter can't set keepAlive with a delay");

/** Seconds to the first keepalive probe of the connection between two ports; undefined where none is set. */
function keepAliveOf(local: number, remote: number): number | undefined {
  const hex = (port: number): string => `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const line = readFileSync("/proc/net/tcp", "latin1").split("\n").map((text) => text.trim().split(/\s+/))
    .find(([, from, to]) => from?.endsWith(hex(local)) && to?.endsWith(hex(remote)));
  assert.ok(line, `no socket from port ${local} to ${remote}`);
  // "02" is a keepalive timer; the time left is in hundredths of a second.
  const [kind, left] = line[5]!.split(":");
  return kind === "02" ? parseInt(left!, 16) / 100 : undefined;
}

/** The keepalive of both ends of a connection that is tuned like this. */
async function tuned(
  t: TestContext,
  keepAlive: "system" | boolean | number,
): Promise<(number | undefined)[]> {
  const rig = new Rig(onLoopback(adapter), t);
  const listening = await rig.listen({ keepAlive });
  const [client, server] = await Promise.all([
    rig.connect(listening.address, { keepAlive }),
    listening.next(),
  ]);
  const [far, near] = [server.transport.peer.port, listening.port];
  client.start();
  server.start();
  return [keepAliveOf(far, near), keepAliveOf(near, far)];
}

describe(`TCP keepalive, on the ${adapter.name} adapter`, () => {
  it("is off where it is to be off (F-14)", { skip }, async (t) => {
    assert.deepEqual(await tuned(t, false), [undefined, undefined]);
  });

  it("is as the system has it unless something else is wanted (F-14)", { skip }, async (t) => {
    assert.deepEqual(await tuned(t, "system"), [undefined, undefined]);
  });

  it("S-66: is on with the delay of the system where only that is wanted", { skip }, async (t) => {
    const system = Number(readFileSync("/proc/sys/net/ipv4/tcp_keepalive_time", "latin1"));
    for (const seconds of await tuned(t, true)) {
      assert.ok(seconds !== undefined && seconds > system - 10 && seconds <= system + 0.1, `${seconds} s`);
    }
  });

  it("sends its first probe after the delay, on both ends (F-14, F-26)", { skip: skipDelay }, async (t) => {
    for (const seconds of await tuned(t, 90_000)) {
      assert.ok(seconds !== undefined && seconds > 80 && seconds <= 90.1, `${seconds} s`);
    }
  });
});
