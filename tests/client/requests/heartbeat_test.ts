// Heartbeats of a client of requests: sent after silence, answered, and the end of a peer that is gone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { TimeoutError } from "../../../src/core/errors.ts";
import { outcomes, pair } from "./support.ts";

const isPong = (line: string): boolean => line === "pong";

test("a silent peer is asked, its answer is no reply, and what it says puts off the next question (F-39)", async (t) => {
  const heartbeat = { ping: () => "ping", interval: 10_000, isPong };
  const { place, client, peer, asked, connection } = await pair(t, { heartbeat });
  await place.pass(9_000);
  assert.deepEqual(asked, []);
  await peer.send("news");
  await place.pass(9_000);
  assert.deepEqual(asked, [], "it has just said something");
  await place.pass(2_000);
  assert.deepEqual(asked, ["ping"]);
  const given = client.request("a");
  await place.settle();
  await peer.send("pong");
  await peer.send("A");
  assert.deepEqual(await outcomes(place, [given]), ["A"]);
  for (let silence = 0; silence < 10; silence++) {
    await place.pass(11_000);
    await peer.send("pong");
    await place.settle();
  }
  const { pings, pongs, pingsMissed } = client.stats();
  assert.deepEqual([pings, pongs, pingsMissed, connection.state], [11, 11, 0, "open"]);
});

test("a peer that answers no heartbeat is gone after so many (F-39)", async (t) => {
  const heartbeat = { ping: "ping", interval: 10_000, missed: 2, isPong };
  const { place, client, asked, connection } = await pair(t, { heartbeat });
  const given = client.request("a", { timeout: Infinity });
  await place.pass(22_000);
  assert.deepEqual([asked, client.stats().pingsMissed, connection.state], [["a", "ping", "ping"], 2, "open"]);
  await place.pass(11_000);
  const { reason, error, message } = await place.drive(connection.closed);
  assert.equal(reason, "reply_timeout");
  assert.ok(error instanceof TimeoutError && error.reason === "heartbeat" && error.limit === 10_000);
  assert.match(message!, /2 heartbeats, one each 10000 ms, were not answered/);
  assert.deepEqual(await outcomes(place, [given]), ["disconnected sent"]);
});

test("without isPong a heartbeat is a request, which is not sent while another is open (F-39)", async (t) => {
  const { place, client, peer, asked, connection } = await pair(t, {
    timeout: Infinity,
    heartbeat: { ping: "PING", interval: 1_000, missed: 1 },
  });
  const slow = client.request("BLPOP");
  await place.pass(20_000);
  assert.deepEqual([asked, connection.state], [["BLPOP"], "open"]);
  await peer.send("value");
  assert.deepEqual(await outcomes(place, [slow]), ["value"]);
  await place.pass(1_300);
  assert.deepEqual(asked, ["BLPOP", "PING"]);
  const next = client.request("GET");
  await place.settle();
  await peer.send("PONG");
  await peer.send("value 2");
  assert.deepEqual(await outcomes(place, [next]), ["value 2"]);
  const { pings, pongs, replies } = client.stats();
  assert.deepEqual([pings, pongs, replies], [1, 1, 2]);
  await place.pass(1_300);
  assert.deepEqual(asked.slice(2), ["GET", "PING"]);
  await place.pass(5_000);
  assert.equal((await place.drive(connection.closed)).reason, "reply_timeout");
  assert.equal(client.stats().disconnected, 0);
});

test("requests that were abandoned do not hold off the end of a peer that is gone (F-39)", async (t) => {
  const { place, client, connection } = await pair(t, {
    heartbeat: { ping: "PING", interval: 1_000, missed: 2 },
  });
  client.request("GET", { timeout: 500 }).catch(() => {});
  await place.pass(5_000);
  assert.equal((await place.drive(connection.closed)).reason, "reply_timeout");
});

test("a heartbeat with a key is answered by that key (F-39)", async (t) => {
  const key = {
    ofReply: (line: string) => Number(line.slice(1)),
    assign: (line: string, key: number) => `${line}${key}`,
  };
  const { place, client, peer, asked } = await pair(t, {
    key,
    heartbeat: { ping: "p", interval: 1_000 },
  });
  const slow = client.request("r");
  await place.pass(1_300);
  assert.deepEqual(asked, ["r1", "p2"]);
  await peer.send("p2");
  await peer.send("r1");
  assert.deepEqual(await outcomes(place, [slow]), ["r1"]);
  assert.deepEqual([client.stats().pongs, client.stats().replies], [1, 1]);
});

test("a ping that throws, or cannot be written, ends the connection (F-39)", async (t) => {
  for (
    const ping of [
      () => {
        throw new Error("boom");
      },
      () => 42 as never,
    ]
  ) {
    const { place, connection } = await pair(t, { heartbeat: { ping, interval: 1_000 } });
    await place.pass(1_500);
    assert.equal((await place.drive(connection.closed)).reason, "handler_error");
  }
});
