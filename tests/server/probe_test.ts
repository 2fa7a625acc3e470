// Checks of load balancers: who connects, says nothing and leaves.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { lines } from "../../src/core/framing/lines.ts";
import { prometheusText } from "../../src/server/prometheus.ts";
import type { Server } from "../../src/server/server.ts";
import { serverPair } from "../support/certificates.ts";
import { echo } from "../support/frames.ts";
import { it } from "../support/it.ts";
import type { Peer } from "../support/peer.ts";
import { Real, Virtual } from "../support/server.ts";
import { within } from "../contract/within.ts";

const loud = (place: Real | Virtual) => place.logs.filter(({ level }) => level !== "debug");

/** How a check leaves; Deno has no reset to send, and sends FIN. */
const leaves: Readonly<Record<string, (peer: Peer) => unknown>> = {
  "with FIN": (peer) => peer.end(),
  "with a reset where the runtime can": (peer) => peer.abort(),
};

describe("a peer that connects, sends nothing and leaves", () => {
  for (const [how, leave] of Object.entries(leaves)) {
    it(`${how} is a probe, counted apart and no fault (F-21)`, async (t) => {
      const place = await Real.at(t);
      const errors: unknown[] = [];
      const server = await place.serve({
        framing: lines(),
        handler: echo,
        onError: (error) => void errors.push(error),
      });
      const quiet = loud(place).length;
      const checks = 20;
      for (let i = 0; i < checks; i++) leave(await place.dial(server));
      await place.gone(checks);
      const { probes, closedByReason, handlerErrors } = server.stats();
      assert.deepEqual([probes, closedByReason, handlerErrors], [checks, { probe: checks }, 0]);
      assert.deepEqual(errors, []);
      assert.equal(loud(place).length, quiet, JSON.stringify(loud(place).at(-1)));
      const { reason, endedBy, error, message, bytesReceived } = place.records[0]!;
      assert.deepEqual(
        [reason, endedBy, error, message, bytesReceived],
        ["probe", "peer", undefined, undefined, 0],
      );
      assert.match(prometheusText(server), new RegExp(`^millrace_probes_total ${checks}$`, "m"));
    });

    it(`${how} before a TLS handshake is a probe, and no handshake that failed (F-21)`, async (t) => {
      const place = await Real.at(t);
      const failures: unknown[] = [];
      const server: Server<Uint8Array> = await place.serve({
        framing: lines(),
        handler: echo,
        tls: await serverPair(),
        onTlsError: (error) => void failures.push(error),
        logger: (record) => {
          place.logs.push(record);
          if (record.fields.reason === "probe") told();
        },
      });
      let told = () => {};
      const checks = 10;
      const counted = new Promise<void>((resolve) => {
        told = () => void (server.stats().probes === checks && resolve());
      });
      const quiet = loud(place).length;
      for (let i = 0; i < checks; i++) leave(await place.dial(server));
      await within(counted, () => `${checks} probes; ${server.stats().probes} were counted`);
      const { handshakesFailed, handshakesActive, connectionsAccepted } = server.stats();
      assert.deepEqual([handshakesFailed, handshakesActive, connectionsAccepted], [0, 0, 0]);
      assert.deepEqual(failures, []);
      assert.equal(loud(place).length, quiet);
    });
  }

  it("is a probe also after a greeting, and none where it was sent more (F-21)", async (t) => {
    const place = new Virtual(t);
    for (const [frames, reason] of [[1, "probe"], [2, "peer_closed"]] as const) {
      const server = await place.serve({
        framing: lines({ encoding: "utf-8" }),
        onConnect: (connection) => {
          for (let i = 0; i < frames; i++) void connection.send("220 ready");
        },
        onFrame: () => {},
      });
      (await place.dial(server)).end();
      await place.pass(3_000);
      assert.deepEqual(server.stats().closedByReason, { [reason]: 1 });
    }
  });
});

it("a peer that sends a byte, or that is closed for its silence, is no probe (F-21)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: lines(), handler: echo, idleTimeout: 1_000 });
  (await place.dial(server)).write("x").end();
  await place.dial(server);
  await place.pass(4_000);
  assert.deepEqual(server.stats().closedByReason, { frame_error: 1, idle_timeout: 1 });
  assert.equal(server.stats().probes, 0);
});

it("a server that closes what a client has dialled is no probe of the client's (F-21)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: lines(), handler: async () => {} });
  const client = await place.connect(server, { framing: lines() });
  await place.pass(3_000);
  for await (const _ of client);
  assert.equal((await place.drive(client.closed)).reason, "peer_closed");
});

it("a TLS handshake that ends after its first bytes has failed (F-21)", async (t) => {
  const place = await Real.at(t);
  let failed: (reason: string) => void = () => {};
  const reason = new Promise<string>((resolve) => failed = resolve);
  const server = await place.serve({
    framing: lines(),
    handler: echo,
    tls: await serverPair(),
    onTlsError: (error) => failed(error.reason),
  });
  const peer = await place.dial(server);
  // The head of a record that announces 512 bytes of a ClientHello.
  peer.write(new Uint8Array([22, 3, 1, 2, 0, 1, 0, 1, 252])).end();
  assert.equal(await within(reason, () => "the failure"), "peer_closed");
  assert.deepEqual([server.stats().probes, server.stats().handshakesFailed], [0, 1]);
});
