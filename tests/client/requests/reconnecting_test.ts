// Requests over the connections of a reconnecting client.
import assert from "node:assert/strict";
import { test } from "node:test";
import { reconnect } from "../../../src/client/reconnecting/reconnect.ts";
import type { ReconnectOptions } from "../../../src/client/reconnecting/reconnect_options.ts";
import type { ReconnectingClient } from "../../../src/client/reconnecting/reconnecting_client.ts";
import { requests } from "../../../src/client/requests/requests.ts";
import type { Server } from "../../../src/server/server.ts";
import { Gate, rejection } from "../../support/frames.ts";
import { Virtual } from "../../support/server.ts";
import { outcomes, type Text, utf8 } from "./support.ts";

/** A client that connects again after a second. */
function reconnecting(
  place: Virtual,
  server: { readonly address: Server<unknown>["address"] },
  options: Partial<ReconnectOptions<string>> = {},
): ReconnectingClient<string> {
  const { adapter, clock } = place;
  const client = reconnect<string>({
    address: server.address,
    framing: utf8,
    adapter,
    clock,
    logger: () => {},
    reconnect: () => "1 second",
    ...options,
  } as ReconnectOptions<string>);
  place.atEnd(() => {
    client.destroy();
    return place.drive(client.finished);
  });
  return client;
}

test("what was sent fails with its connection, and what was not waits for the next one (F-39, F-37)", async (t) => {
  const place = new Virtual(t);
  const asked: string[] = [];
  const peers: Text[] = [];
  const server = await place.serve<string>({
    framing: utf8,
    onConnect: (peer) => void peers.push(peer),
    onFrame: (line) => void asked.push(line),
  });
  const link = reconnecting(place, server);
  const client = requests(link, { window: 2 });
  const given = ["a", "b", "c", "d"].map((frame) => client.request(frame));
  assert.deepEqual([client.stats().waiting, client.stats().outstanding], [4, 0]);
  await place.drive(link.connected);
  await place.settle();
  assert.deepEqual(asked, ["a", "b"]);
  await peers[0]!.send("A");
  await place.settle();
  assert.deepEqual(asked, ["a", "b", "c"]);
  peers[0]!.destroy();
  await place.settle();
  assert.deepEqual(await outcomes(place, given.slice(0, 3)), ["A", "disconnected sent", "disconnected sent"]);
  const while_away = client.request("e");
  const limited = client.request("f", { timeout: 300 });
  await place.pass(500);
  assert.deepEqual(await outcomes(place, [limited]), ["timeout not_sent"]);
  await place.pass(1_500);
  assert.deepEqual(asked, ["a", "b", "c", "d", "e"]);
  for (const reply of ["D", "E"]) await peers[1]!.send(reply);
  assert.deepEqual(await outcomes(place, [given[3]!, while_away]), ["D", "E"]);
  const { requests: sent, replies, disconnected, late } = client.stats();
  assert.deepEqual([sent, replies, disconnected, late], [5, 3, 2, 0]);
});

test("the end of the client is the end of the requests that wait (F-39, F-37)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: utf8, onFrame: () => {} });
  const gone = new Gate();
  const link = reconnecting(place, server, {
    reconnect: () => undefined,
    onGaveUp: () => gone.open(),
  });
  const client = requests(link, { maxWaiting: 1 });
  await place.drive(link.connected);
  await place.settle();
  const sent = client.request("a");
  await place.settle();
  await place.drive(server.destroy());
  await place.drive(gone.promise);
  assert.deepEqual(await outcomes(place, [sent, client.request("b")]), [
    "disconnected sent",
    "closed not_sent",
  ]);
  assert.match(((await rejection(client.request("c"))) as Error).message, /gave up/);
});

test("without a connection so many requests wait, and a client with onFrame is refused (F-39, F-37)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: utf8, onFrame: (line, peer) => peer.send(line) });
  const link = reconnecting(place, server);
  const client = requests(link, { maxWaiting: 1 });
  const given = client.request("a");
  const error = await rejection(client.request("b"));
  assert.match((error as Error).message, /there is no connection, and 1 wait already/);
  assert.deepEqual(await outcomes(place, [given]), ["a"]);
  await place.drive(client.close());
  assert.equal((await link.finished).reason, "closed");

  const taken = requests(reconnecting(place, server, { onFrame: () => {} }));
  const refused = await rejection(place.drive(taken.request("a")));
  assert.match((refused as Error).message, /one without onFrame/);
});

test("at the end of a connection's life further requests go to the next one (F-39, F-37)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({ framing: utf8, onFrame: (line, peer) => peer.send(line) });
  const link = reconnecting(place, server, { maxLifetime: { after: 2_000, jitter: 0 } });
  const client = requests(link);
  for (let count = 0; count < 100; count++) {
    const given = client.request(String(count));
    await place.pass(100);
    if (link.connection === undefined) await place.pass(1_000);
    assert.deepEqual(await outcomes(place, [given]), [String(count)]);
  }
  assert.ok(link.stats().connections >= 4);
});
