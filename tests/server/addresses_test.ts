// One table of addresses: what is refused, and what is shown, on every runtime alike.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "../../src/client/connect.ts";
import type { Connection } from "../../src/connection/connection.ts";
import { OptionsError, SocketError } from "../../src/core/errors.ts";
import { isIp } from "../../src/core/text/place.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { Adapter } from "../../src/core/transport.ts";
import { serve } from "../../src/server/serve.ts";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { echo, rejection } from "../support/frames.ts";
import { Real } from "../support/server.ts";

const runtime = await detectAdapter();
const framing = lines({ encoding: "utf-8" });
const hasIpv6 = Object.values(networkInterfaces()).flat().some((one) => one?.address === "::1");
const ipv6 = hasIpv6 ? false : "this machine has no IPv6 loopback";

/** Of the runtime's abilities, and no socket may open. */
const untouched: Adapter = {
  ...runtime,
  listen: () => assert.fail("no socket may open"),
  connect: () => assert.fail("no socket may open"),
};

test("S-55: hosts and ports that runtimes read in their own ways are refused before any socket opens", async () => {
  const places: readonly [object, string][] = [
    ...["*", "", " ", "a b", "a..b", "127.0.0.01", "2130706433", "127.1", "::1%lo", "fe80::1", "fe80::1%1"]
      .map((host) => [{ port: 1, host }, "host"] as [object, string]),
    ...["127.0.0.1:80", "[::1]:80", "local\0host", "bücher/x", null, 1]
      .map((host) => [{ port: 1, host }, "host"] as [object, string]),
    ...["80", -1, 65_536, 1.5, NaN, null].map((port) => [{ port }, "port"] as [object, string]),
    ...["", "a\0b", "\0abstract", "x".repeat(200), 1].map((path) => [{ path }, "path"] as [object, string]),
    ...[
      "",
      "host",
      "*:80",
      "127.1:80",
      "a..b:1",
      "host:65536",
      "unix:",
      "unix:a\0b",
      `unix:${"x".repeat(200)}`,
    ]
      .map((address) => [{ address }, "address"] as [object, string]),
    ...[1.5, -1, null, true, ["127.0.0.1", 1]].map((address) => [{ address }, "address"] as [object, string]),
  ];
  for (const [place, path] of places) {
    const given = { ...place, framing, adapter: untouched } as unknown as {
      port: number;
      framing: typeof framing;
    };
    for (const open of [() => serve({ ...given, handler: echo }), () => connect(given)]) {
      const error = await rejection(open());
      assert.ok(error instanceof OptionsError, `${JSON.stringify(place)}: ${error}`);
      assert.deepEqual(error.issues.map((issue) => issue.path), [path], JSON.stringify(place));
    }
  }
});

test("S-55: a server shows the address that it has bound, in one form, and peers reach it there", async (t) => {
  const place = await Real.at(t);
  const rows = [
    ["127.0.0.1", "127.0.0.1"],
    ["::ffff:127.0.0.1", "127.0.0.1"],
    ["[::ffff:7f00:1]", "127.0.0.1"],
    ["0.0.0.0", "0.0.0.0"],
  ] as const;
  for (const [host, shown] of rows) {
    const server = await place.serve({ host, framing, handler: echo });
    assert.ok(server.address.transport === "tcp");
    assert.equal(server.address.host, shown);
    const client = await place.connect(server, { framing });
    const [there] = server.connections.values();
    const local = { transport: "tcp", host: "127.0.0.1", port: server.address.port };
    assert.deepEqual(client.peer.ip, "127.0.0.1");
    assert.deepEqual([there!.peer.ip, there!.peer.local], ["127.0.0.1", local]);
  }
});

test("an address is one option for servers and clients alike: as text, and as another server shows it", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-address-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const socket = join(folder, "echo.sock");
  for (const given of ["127.0.0.1:0", "0", 0, "[::ffff:127.0.0.1]:0", `unix:${socket}`]) {
    const address = given as string;
    const server = await serve({ address, framing, handler: echo });
    t.after(() => server.destroy());
    const shown = server.address;
    assert.deepEqual(shown, {
      transport: address === `unix:${socket}` ? "unix" : "tcp",
      ...(shown.transport === "unix" ? { path: socket } : { host: "127.0.0.1", port: shown.port }),
    });
    const text = shown.transport === "unix" ? `unix:${shown.path}` : `${shown.host}:${shown.port}`;
    for (const there of [shown, text, ...(shown.transport === "unix" ? [] : [`:${shown.port}`])]) {
      const client = await connect({ address: there, framing });
      t.after(() => client.destroy());
      await client.send("hello");
      for await (const line of client) {
        assert.equal(line, "hello");
        break;
      }
    }
    await server.close();
    const again = await serve({ address: shown, framing, handler: echo });
    assert.deepEqual(again.address, shown);
    await again.close();
  }
});

test("S-55: a server at a name shows an address, and comes back to it", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve({ host: "LOCALHOST", framing, handler: echo });
  const { address } = server;
  assert.ok(address.transport === "tcp" && isIp(address.host), JSON.stringify(address));
  await server.suspend();
  await server.resume();
  assert.deepEqual(server.address, address);
  const client = await connect({ host: "Localhost", port: address.port, framing });
  place.atEnd(() => client.destroy());
  assert.ok(isIp(client.peer.ip));
  const [there] = server.connections.values();
  assert.deepEqual(there!.peer.local, address);
});

test("S-55: IPv6 may be written in any form, with brackets too", { skip: ipv6 }, async (t) => {
  const place = await Real.at(t);
  for (const host of ["::1", "[::1]", "0:0:0:0:0:0:0:1", "[0::0001]"]) {
    const server = await place.serve({ host, framing, handler: echo });
    assert.ok(server.address.transport === "tcp");
    assert.equal(server.address.host, "::1");
    const client = await connect({ host, port: server.address.port, framing });
    place.atEnd(() => client.destroy());
    assert.deepEqual([client.peer.ip, client.peer.local.transport === "tcp" && client.peer.local.host], [
      "::1",
      "::1",
    ]);
  }
});

test("S-55: names that are none, and zones that are none, have the same reason everywhere", async () => {
  const rows = [
    ["no-such-host.invalid", "host_not_found"],
    ["localhost.localhost.invalid.", "host_not_found"],
    ["bücher.invalid", "host_not_found"],
    ["no_such.invalid", "host_not_found"],
    ["fe80::1%nosuchif0", "address_not_available"],
    ["192.0.2.1", "address_not_available"],
    ["2001:db8::1", "address_not_available"],
  ] as const;
  for (const [host, reason] of rows) {
    const listening = await rejection(serve({ port: 0, host, framing, handler: echo }));
    assert.ok(listening instanceof SocketError, `${host}: ${listening}`);
    assert.equal(listening.reason, reason, `${host}: ${listening.message}`);
    // Addresses of others are not tried: they might be there.
    if (isIp(host) && !host.includes("%")) continue;
    const dialling = await rejection(connect({ port: 1, host, framing }));
    assert.ok(dialling instanceof SocketError, `${host}: ${dialling}`);
    assert.equal(dialling.reason, reason, `${host}: ${dialling.message}`);
  }
});

test("S-55: whoever is connected to is known, even when it has reset the connection at once", async (t) => {
  const place = await Real.at(t);
  const listener = await runtime.listen({
    address: { transport: "tcp", host: "127.0.0.1", port: 0 },
    noDelay: true,
    keepAlive: "system",
    backlog: undefined,
    reusePort: false,
    ipv6Only: false,
    tls: undefined,
    failed: () => {},
  }, (transport) => transport.abort());
  place.atEnd(() => listener.stop());
  const { address } = listener;
  assert.ok(address.transport === "tcp");
  for (let round = 0; round < 20; round++) {
    try {
      const client: Connection<string> = await connect({ host: address.host, port: address.port, framing });
      assert.deepEqual([client.peer.ip, client.peer.port], [address.host, address.port]);
      client.destroy();
    } catch (error) {
      assert.ok(error instanceof SocketError && error.reason === "reset", String(error));
    }
  }
});
