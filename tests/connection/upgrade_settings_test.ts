// Options of an upgrade: what a server says alike is settled once, and its certificate checked once.
import assert from "node:assert/strict";
import { it } from "node:test";
import { memoryAdapter } from "../../src/adapters/memory/adapter.ts";
import { resolveUpgrade } from "../../src/connection/tls/upgrade_settings.ts";
import type { UpgradePlace } from "../../src/connection/profile.ts";
import { OptionsCheck } from "../../src/core/options.ts";
import { TlsError } from "../../src/core/tls/tls_error.ts";

function place(side: "server" | "client" = "server") {
  const memory = memoryAdapter();
  const checked: string[] = [];
  const made: UpgradePlace = {
    side,
    adapter: { ...memory, can: { ...memory.can, tls: true } },
    address: { transport: "tcp", host: "here.example", port: 1 },
    checkPair: (pair) => {
      checked.push(pair.cert);
      return pair.cert === "bad" ? Promise.reject(new TlsError("material", "bad")) : Promise.resolve();
    },
  };
  return { made, checked };
}

it("the same options give the same settings, so that contexts are kept and sessions resumed (F-34)", async () => {
  const { made, checked } = place();
  const settle = async (given: object) => {
    const settings = resolveUpgrade(new OptionsCheck(), given, made);
    await settings.prepare(0);
    return settings;
  };
  const first = await settle({ cert: "c", key: "k", alpn: ["a", "b"], authorize: () => true });
  const again = await settle({
    key: "k",
    alpn: ["a", "b"],
    cert: "c",
    ca: undefined,
    authorize: () => false,
  });
  assert.equal(again.tls, first.tls);
  assert.notEqual(again.authorize, first.authorize);
  assert.equal(again.tls.server?.material, first.tls.server?.material);
  assert.deepEqual(checked, ["c"]);
  for (
    const other of [{ cert: "d", key: "k" }, { cert: "d", key: "k", alpn: ["a"] }, {
      cert: "d",
      key: "k",
      alpn: ["b"],
    }]
  ) {
    const before = checked.length;
    assert.notEqual((await settle(other)).tls, first.tls);
    assert.equal(checked.length, before + 1);
  }
});

it("so do the same certificates, of which the upgrade checks none", async () => {
  const { made, checked } = place();
  const material = { cert: "c", key: "k" };
  const certificates = { material, several: false, select: () => undefined };
  const settle = async (given: object) => {
    const settings = resolveUpgrade(new OptionsCheck(), given, made);
    await settings.prepare(0);
    return settings.tls;
  };
  const first = await settle({ certificates });
  assert.equal(await settle({ certificates }), first);
  assert.notEqual(await settle({ certificates: { ...certificates } }), first);
  assert.deepEqual(checked, []);
});

it("a pair that was refused is looked at again", async () => {
  const { made, checked } = place();
  for (const _ of [1, 2]) {
    const settings = resolveUpgrade(new OptionsCheck(), { cert: "bad", key: "k" }, made);
    await assert.rejects(settings.prepare(0), { reason: "material" });
  }
  assert.deepEqual(checked, ["bad", "bad"]);
});

it("a client's server name is the host it has connected to, unless it says another", () => {
  const { made } = place("client");
  const name = (given: object) => resolveUpgrade(new OptionsCheck(), given, made).tls.client?.serverName;
  assert.equal(name({}), "here.example");
  assert.equal(name({ serverName: "there.example" }), "there.example");
  // S-48: as RFC 6066 has it.
  assert.equal(name({ serverName: "Bücher.Example." }), "xn--bcher-kva.example");
  assert.equal(name({ serverName: "[::1]" }), "::1");
});
