// Every way in which a connection can end, and what its record says (F-62).
import assert from "node:assert/strict";
import { test } from "node:test";
import { requests } from "../../src/client/requests/requests.ts";
import type { Connection } from "../../src/connection/connection.ts";
import type { CloseReason, TerminationRecord } from "../../src/connection/termination.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { Server } from "../../src/server/server.ts";
import type { UncheckedServeOptions } from "../../src/server/server_options.ts";
import { echo, rejection } from "../support/frames.ts";
import type { Peer } from "../support/peer.ts";
import { Virtual } from "../support/server.ts";

type Text = Connection<string>;

interface Row {
  /** What ends it, given everybody. */
  readonly end: (all: { peer: Peer; connection: Text; server: Server<string> }) => unknown;
  readonly options?: Partial<UncheckedServeOptions<string>>;
  readonly handler?: (connection: Text) => void | Promise<void>;
  readonly by: "peer" | "local";
  readonly with: "fin" | "rst";
  readonly reading?: "stalled";
  readonly message?: string | RegExp;
  readonly code?: string;
}

const flood = async (connection: Text) => {
  for (;;) await connection.send("x".repeat(999));
};
const hang = () => new Promise<void>(() => {});

/** All but what needs TLS, which sockets in memory have not: upgrade_test.ts has that; or threads: workers_test.ts. */
const rows: Readonly<Record<Exclude<CloseReason, "tls_error" | "worker_lost">, Row>> = {
  peer_closed: { end: ({ peer }) => peer.write("bye\n").end(), by: "peer", with: "fin" },
  peer_reset: { end: ({ peer }) => peer.write("bye\n").abort(), by: "peer", with: "rst", message: /reset/i },
  probe: { end: ({ peer }) => peer.end(), by: "peer", with: "fin" },
  handler_done: {
    end: ({ peer }) => peer.write("go\n"),
    handler: async (c) => {
      for await (const _ of c) return;
    },
    by: "local",
    with: "fin",
  },
  closed: {
    end: ({ connection }) => connection.close("enough"),
    by: "local",
    with: "fin",
    message: "enough",
  },
  aborted: { end: ({ connection }) => connection.destroy(), by: "local", with: "rst" },
  killed: {
    end: ({ connection }) => connection.destroy({ reason: "spam", code: "E7" }),
    by: "local",
    with: "rst",
    message: "spam",
    code: "E7",
  },
  drained: { end: ({ server }) => void server.close(), by: "local", with: "fin" },
  shutdown: { end: ({ server }) => void server.destroy(), by: "local", with: "rst" },
  idle_timeout: {
    end: () => {},
    options: { idleTimeout: 3_000 },
    by: "local",
    with: "fin",
    message: /3000 ms/,
  },
  first_frame_timeout: {
    end: () => {},
    options: { firstFrameTimeout: 3_000 },
    by: "local",
    with: "fin",
    message: /first frame/,
  },
  frame_timeout: {
    end: ({ peer }) => peer.write("half"),
    options: { frameTimeout: 3_000 },
    by: "local",
    with: "fin",
    message: /a frame that has begun/,
  },
  byte_rate: {
    end: ({ peer }) => peer.write("half"),
    options: { minByteRate: { bytesPerSecond: 10, period: 2_000 } },
    by: "local",
    with: "fin",
    message: /minByteRate, 0 bytes in 2000 ms, expected 10 a second/,
  },
  max_lifetime: { end: () => {}, options: { maxLifetime: 3_000 }, by: "local", with: "fin" },
  reply_timeout: {
    end: () => {},
    handler: async (connection) => {
      await rejection(
        requests(connection, { timeout: 1_000, afterTimeout: "close" }).request("are you there?"),
      );
    },
    by: "local",
    with: "rst",
    message: /a request had no reply within 1000 ms/,
  },
  close_timeout: {
    end: ({ peer }) => peer.end(),
    options: { closeTimeout: 3_000 },
    handler: hang,
    by: "local",
    with: "rst",
    message: /closeTimeout 3000 ms/,
  },
  frame_error: { end: ({ peer }) => peer.write("far too long\n"), by: "peer", with: "fin", message: /10/ },
  handler_error: {
    end: ({ peer }) => peer.write("go\n"),
    handler: async (connection) => {
      for await (const _ of connection) throw new Error("boom");
    },
    by: "local",
    with: "fin",
    message: "boom",
  },
  memory_budget: {
    end: () => {},
    options: { memoryBudget: 5_000, egressLimit: 10_000 },
    handler: flood,
    reading: "stalled",
    by: "local",
    with: "rst",
    message: /hold \d+ bytes of a connection: memoryBudget 5000 is exceeded, and none of them moved/,
  },
  egress_limit: {
    end: () => {},
    options: { egressPolicy: "close", egressLimit: 5_000 },
    handler: flood,
    reading: "stalled",
    by: "local",
    with: "rst",
    message: /egressLimit 5000/,
  },
};

for (const [reason, row] of Object.entries(rows)) {
  test(`a connection's record says ${reason}, whose act it was and how our side let go (F-62)`, async (t) => {
    const place = new Virtual(t, { bufferSize: 1_000 });
    const server = await place.serve<string>({
      framing: lines({ encoding: "utf-8", maxFrameBytes: 1_000 }),
      ...(reason === "frame_error" ? { framing: lines({ encoding: "utf-8", maxFrameBytes: 10 }) } : {}),
      handler: row.handler ?? echo,
      ...(row.options as object),
    });
    const dialling = place.dial(server, row.reading);
    await place.settle();
    const [connection] = server.connections.values();
    const peer = await dialling;
    const closed: Promise<TerminationRecord> | undefined = connection?.closed;
    row.end({ peer, connection: connection!, server });
    await place.pass(4_000);
    if (peer.ended) peer.end();
    await place.pass(2_500);
    assert.equal(place.records.length, 1);
    const [record] = place.records;
    assert.deepEqual([record!.reason, record!.endedBy, record!.endedWith], [reason, row.by, row.with]);
    assert.equal(record!.code, row.code);
    if (typeof row.message === "object") assert.match(record!.message ?? "", row.message);
    else assert.equal(record!.message, row.message);
    if (closed !== undefined) assert.equal(await closed, record);
    assert.deepEqual(server.stats().closedByReason, { [reason]: 1 });
    assert.ok(peer.closed);
    const logged = place.logs.find(({ message }) => message === "connection closed");
    assert.equal(logged!.fields.reason, reason);
    assert.doesNotThrow(() => JSON.stringify(record));
  });
}
