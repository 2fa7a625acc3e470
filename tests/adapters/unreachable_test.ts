import assert from "node:assert/strict";
import { describe } from "node:test";
import process from "node:process";
import { isUnreachable } from "../../src/adapters/bun/route.ts";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { SocketError } from "../../src/core/errors.ts";
import { onLoopback } from "../contract/native.ts";
import { Rig } from "../contract/rig.ts";
import { it } from "../support/it.ts";

const adapter = await detectAdapter();
const skip = process.platform === "linux" ? false : "what TCP says of a group differs by system";

describe(`an address to which no route leads, on the ${adapter.name} adapter`, () => {
  // The kernel itself says so: TCP has no groups.
  for (const host of ["224.0.0.1", "255.255.255.255"]) {
    it(`S-66: is unreachable and not refused: ${host}`, { skip }, async (t) => {
      const attempt = new Rig(onLoopback(adapter), t).connect({ transport: "tcp", host, port: 9 });
      await assert.rejects(
        attempt,
        (error) => error instanceof SocketError && error.reason === "unreachable",
      );
    });
  }

  it("S-66: is none where a server could answer and does not", async (t) => {
    const rig = new Rig(onLoopback(adapter), t);
    const { address, listener } = await rig.listen();
    await listener.stop();
    await assert.rejects(
      rig.connect(address),
      (error) => error instanceof SocketError && error.reason === "refused",
    );
  });
});

describe("the tables of routes", () => {
  const head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n";
  const local = "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
  const usual = "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";
  const zero = "0".repeat(32);
  const no6 = `${zero} 00 ${zero} 00 ${zero} ffffffff 00000001 00000000 00200200       lo\n`;
  const loop6 = `${zero.slice(1)}1 80 ${zero} 00 ${zero} 00000000 00000004 00000000 80200001       lo\n`;
  const some6 = `fd${zero.slice(2)} 40 ${zero} 00 ${zero} 00000100 00000001 00000000 00000001     eth0\n`;
  const rows = [
    ["192.0.2.77", head + local, no6, false],
    ["198.51.100.1", head + local, no6, true],
    ["198.51.100.1", head + local + usual, no6, false],
    ["127.0.0.9", head, no6, false],
    ["10.9.8.7", head, no6, false],
    ["::1", head, loop6 + no6, false],
    ["::ffff:127.0.0.1", head, no6, false],
    ["fd00::5", head, some6 + no6, false],
    ["2001:db8::1", head, some6 + loop6 + no6, true],
    ["ff0e::1", head, some6 + no6, true],
  ] as const;
  for (const [ip, ipv4, ipv6, expected] of rows) {
    it(`S-66: say whether one leads to ${ip}: ${!expected}`, () => {
      assert.equal(isUnreachable(ip, { ipv4, ipv6, own: ["10.9.8.7"] }), expected);
    });
  }
});
