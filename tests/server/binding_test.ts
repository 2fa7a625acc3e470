// Where a server listens, and what it says when it cannot.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { SocketError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { serve } from "../../src/server/serve.ts";
import { echo, rejection } from "../support/frames.ts";
import { Real, Virtual } from "../support/server.ts";

test("S-18: a port in use, and a host that is not ours, are refused with what to do next, and nothing is left behind (F-16)", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve({ framing: lines(), handler: echo });
  assert.ok(server.address.transport === "tcp" && server.address.port > 0);
  const { port } = server.address;
  const taken = await rejection(serve({ port, framing: lines(), handler: echo }));
  assert.ok(taken instanceof SocketError && taken.reason === "address_in_use");
  assert.match(taken.message, new RegExp(`listen on 127.0.0.1:${port}: .*another process has it`));
  assert.ok(taken.cause !== undefined);
  const foreign = await rejection(serve({ port: 0, host: "192.0.2.1", framing: lines(), handler: echo }));
  assert.ok(foreign instanceof SocketError && foreign.reason === "address_not_available", String(foreign));
  assert.match(foreign.message, /this machine does not have this address/);
  const unknown = await rejection(
    serve({ port: 0, host: "no-such-host.invalid", framing: lines(), handler: echo }),
  );
  assert.ok(unknown instanceof SocketError);
  assert.match(unknown.message, /listen on no-such-host\.invalid:0/);
  // The first goes on, and its port is free once it has stopped.
  const peer = await place.dial(server);
  peer.write("fine\n");
  await peer.got("fine\n");
  await place.drive(server.destroy());
  const again = await place.serve({ framing: lines(), handler: echo, port });
  assert.deepEqual(again.address, server.address);
});

test("S-39: fifty servers one after the other on one port, each with a connection, leave nothing behind", async (t) => {
  const place = await Real.at(t);
  let port = 0;
  for (let round = 0; round < 50; round++) {
    const server = await place.serve({ framing: lines(), handler: echo, port });
    port = server.address.transport === "tcp" ? server.address.port : 0;
    const peer = await place.dial(server);
    peer.write("round\n");
    await peer.got("round\n");
    peer.end();
    await peer.whenClosed();
    const { destroyed } = await place.drive(server.close());
    assert.deepEqual(destroyed, []);
  }
  assert.equal(place.records.length, 50);
});

test("S-39: two servers in one process, started and stopped a thousand times, leave no timer and no connection", async (t) => {
  const place = new Virtual(t);
  const other = await place.serve({ framing: lines(), handler: echo });
  const peer = await place.dial(other);
  for (let round = 0; round < 1_000; round++) {
    const server = await place.drive(
      serve({
        port: 4_000,
        framing: lines(),
        handler: echo,
        logger: () => {},
        adapter: place.adapter,
        clock: place.clock,
      }),
    );
    const report = await place.drive(round % 2 === 0 ? server.destroy() : server.close());
    assert.equal(report.open, 0);
  }
  assert.equal(place.clock.pendingTimers, 1);
  peer.write("still here\n");
  await place.settle();
  assert.equal(peer.text, "still here\n");
});

test("a Unix socket is a place like a port, in use included (F-16)", async (t) => {
  const place = await Real.at(t);
  const directory = mkdtempSync(join(tmpdir(), "millrace-server-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "echo.sock");
  const options = { path, framing: lines({ encoding: "utf-8" }), handler: echo, logger: () => {} } as const;
  const server = await serve(options);
  place.atEnd(() => server.destroy());
  assert.deepEqual(server.address, { transport: "unix", path });
  const client = await place.connect(server, { framing: lines({ encoding: "utf-8" }) });
  await client.send("over a path");
  for await (const line of client) {
    assert.equal(line, "over a path");
    break;
  }
  const [connection] = server.connections.values();
  assert.deepEqual([connection!.peer.ip, connection!.peer.port], ["", 0]);
  assert.deepEqual(connection!.peer.local, { transport: "unix", path });
  const taken = await rejection(serve(options));
  assert.ok(taken instanceof SocketError && taken.reason === "address_in_use", String(taken));
  await client.close();
});
