// Requests over one connection: which reply is whose, and what becomes of those that get none.
import assert from "node:assert/strict";
import { test } from "node:test";
import { requestMetrics } from "../../../src/client/requests/request_metrics.ts";
import { requests } from "../../../src/client/requests/requests.ts";
import { RequestError } from "../../../src/client/requests/request_error.ts";
import { FrameError, OptionsError, TimeoutError } from "../../../src/core/errors.ts";
import { lengthField } from "../../../src/core/framing/length_field.ts";
import { readExposition } from "../../support/exposition.ts";
import { rejection } from "../../support/frames.ts";
import { Virtual } from "../../support/server.ts";
import { outcomes, pair, utf8 } from "./support.ts";

test("what is counted is shown as metrics, with the name of the client (F-39)", async (t) => {
  const { place, client, peer } = await pair(t);
  const given = [client.request("a"), client.request("b")];
  await peer.send("A");
  assert.deepEqual(await outcomes(place, given.slice(0, 1)), ["A"]);
  const families = readExposition(requestMetrics({ printer: client }));
  const values = ["outstanding", "sent_total", "replies_total", "late_replies_total"]
    .map((name) => families.get(`millrace_requests_${name}`)!.values.get('{client="printer"}'));
  assert.deepEqual([families.size, values], [14, [1, 2, 1, 0]]);
});

test("requests leave together, and replies go to their callers in order (F-39)", async (t) => {
  const { place, client, peer, asked } = await pair(t);
  const given = ["a", "b", "c"].map((frame) => client.request(frame));
  await place.settle();
  assert.deepEqual(asked, ["a", "b", "c"]);
  assert.equal(client.stats().outstanding, 3);
  for (const reply of ["A", "B", "C"]) await peer.send(reply);
  assert.deepEqual(await outcomes(place, given), ["A", "B", "C"]);
  const { requests: sent, replies, outstanding } = client.stats();
  assert.deepEqual([sent, replies, outstanding], [3, 3, 0]);
});

test("a reply after the timeout is counted, and the next one goes to the next request (F-39)", async (t) => {
  const { place, client, peer } = await pair(t);
  const late = client.request("a", { timeout: 1_000 });
  const next = client.request("b");
  await place.pass(1_500);
  const error = await rejection(late);
  assert.ok(error instanceof RequestError && error.reason === "timeout" && error.sent === "sent");
  assert.match(error.message, /none came within 1000 ms; it was sent/);
  assert.equal(client.stats().abandoned, 1);
  await peer.send("A");
  await peer.send("B");
  assert.deepEqual(await outcomes(place, [next]), ["B"]);
  const { late: came, timedOut, outstanding, abandoned } = client.stats();
  assert.deepEqual([came, timedOut, outstanding, abandoned], [1, 1, 0, 0]);
});

test("an aborted request keeps its place until its reply is there, and says whether it was sent (F-39)", async (t) => {
  const { place, client, peer } = await pair(t, { window: 1 });
  const abort = new AbortController();
  const sent = client.request("a", { signal: abort.signal });
  const waiting = client.request("b", { signal: abort.signal });
  const next = client.request("c");
  await place.settle();
  abort.abort(new Error("enough"));
  assert.deepEqual(await outcomes(place, [sent, waiting]), ["aborted sent", "aborted not_sent"]);
  assert.equal(((await rejection(sent)) as Error).cause, abort.signal.reason);
  assert.equal(client.stats().waiting, 1);
  await peer.send("A");
  await place.settle();
  await peer.send("C");
  assert.deepEqual(await outcomes(place, [next]), ["C"]);
  const other = new AbortController();
  const answered = client.request("e", { signal: other.signal });
  await place.settle();
  await peer.send("E");
  assert.deepEqual(await outcomes(place, [answered]), ["E"]);
  other.abort();
  const gone = client.request("d", { signal: abort.signal });
  assert.deepEqual(await outcomes(place, [gone]), ["aborted not_sent"]);
  const { late, aborted, requests: handed } = client.stats();
  assert.deepEqual([late, aborted, handed], [1, 3, 3]);
});

test("each time limit is its own, though one wheel entry looks at all (F-39)", async (t) => {
  const { place, client } = await pair(t);
  const before = place.clock.pendingTimers;
  const ends: string[] = [];
  for (const timeout of [20_000, 100, 3_000, 100]) {
    client.request("x", { timeout }).catch(() =>
      ends.push(`${timeout} at ${Math.floor(place.clock.now() / 100)}`)
    );
  }
  assert.equal(place.clock.pendingTimers, Math.max(before, 1));
  const start = Math.floor(place.clock.now() / 100);
  for (let step = 0; step < 250; step++) await place.pass(100);
  const at = (ms: number, from: number, to: number): boolean =>
    ends.some((end) => {
      const [wait, when] = end.split(" at ").map(Number);
      return wait === ms && when! - start >= from && when! - start <= to;
    });
  assert.equal(ends.length, 4);
  assert.ok(at(100, 1, 2) && at(3_000, 30, 36) && at(20_000, 200, 206), ends.join(", "));
});

test("a short time limit beside a long one that is nearly over is not looked at too early (F-39)", async (t) => {
  const { place, client } = await pair(t);
  client.request("a", { timeout: 20_000 }).catch(() => {});
  await place.pass(19_940);
  let over = false;
  client.request("b", { timeout: 600 }).catch(() => over = true);
  await place.pass(590);
  assert.equal(over, false);
  await place.pass(200);
  assert.equal(over, true);
});

test("a peer that says nothing to a handler that waits for its reply is idle (F-39, F-12)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve<string>({
    framing: utf8,
    idleTimeout: 5_000,
    handler: async (connection) => {
      for await (const _ of connection) break;
      await rejection(requests(connection).request("are you there?", { timeout: Infinity }));
    },
  });
  const peer = await place.dial(server);
  peer.write("hello\n");
  await place.pass(8_000);
  assert.equal(place.records[0]?.reason, "idle_timeout");
});

test("a full window lets requests wait, as many as maxWaiting, and further ones fail (F-39)", async (t) => {
  const { place, client, peer, asked } = await pair(t, { window: 2, maxWaiting: 1 });
  const given = ["a", "b", "c", "d"].map((frame) => client.request(frame));
  assert.deepEqual(await outcomes(place, given.slice(3)), ["window_full not_sent"]);
  assert.deepEqual([asked, client.stats().waiting, client.stats().rejected], [["a", "b"], 1, 1]);
  await peer.send("A");
  await place.settle();
  assert.deepEqual(asked, ["a", "b", "c"]);
  await peer.send("B");
  await peer.send("C");
  assert.deepEqual(await outcomes(place, given.slice(0, 3)), ["A", "B", "C"]);
});

test("a request that waits for a place times out without having been sent (F-39)", async (t) => {
  const { place, client, asked } = await pair(t, { window: 1, timeout: 5_000 });
  const first = client.request("a", { timeout: Infinity });
  const given = client.request("b", { timeout: 1_000 });
  await place.pass(1_500);
  assert.deepEqual(await outcomes(place, [given]), ["timeout not_sent"]);
  await place.pass(20_000);
  assert.deepEqual([asked, client.stats().waiting, client.stats().outstanding], [["a"], 0, 1]);
  first.catch(() => {});
});

test("on disconnect each request says whether it was sent (F-39, F-67)", async (t) => {
  const place = new Virtual(t, { bufferSize: 40 });
  const server = await place.serve({
    framing: utf8,
    ingressLimit: 1,
    handler: () => new Promise<void>(() => {}),
  });
  const slow = await place.connect<string>(server, { framing: utf8 });
  const asking = requests(slow);
  const given: Promise<string>[] = [];
  for (let index = 0; index < 12; index++) {
    given.push(asking.request("x".repeat(24)));
    await place.settle();
  }
  slow.destroy();
  await place.settle();
  const told = await outcomes(place, given);
  const kinds = told.map((one) => one.replace("disconnected ", ""));
  assert.deepEqual([...new Set(kinds)], ["sent", "unknown", "not_sent"]);
  assert.equal(kinds.filter((kind) => kind === "unknown").length, 1);
  const { framesSent } = await slow.closed;
  assert.equal(kinds.filter((kind) => kind === "sent").length, framesSent);
  assert.equal(asking.stats().disconnected, 12);
});

test("a peer that ends fails what is open with the reason (F-39)", async (t) => {
  const { place, client, peer } = await pair(t, { window: 1 });
  const given = [client.request("a"), client.request("b")];
  await place.settle();
  await place.drive(peer.close());
  assert.deepEqual(await outcomes(place, given), ["disconnected sent", "disconnected not_sent"]);
  const error = await rejection(given[0]!);
  assert.match((error as Error).message, /it ended \(peer_closed\); the request had been sent/);
  assert.deepEqual(await outcomes(place, [client.request("c")]), ["closed not_sent"]);
});

test("a frame that cannot be written fails its own request, and takes no place (F-39)", async (t) => {
  const { place, client, peer } = await pair(t);
  const bad = client.request(42 as never);
  const good = client.request("good");
  await place.settle();
  await peer.send("GOOD");
  assert.deepEqual(await outcomes(place, [good]), ["GOOD"]);
  assert.ok((await rejection(bad)) instanceof FrameError);
  assert.deepEqual([client.stats().requests, client.stats().rejected], [1, 1]);
});

test("frames that answer nobody go to onUnsolicited, so many at a time (F-39)", async (t) => {
  const got: string[] = [];
  const gates: (() => void)[] = [];
  const { place, client, peer } = await pair(t, {
    isUnsolicited: (line) => line.startsWith("!"),
    maxUnsolicited: 2,
    onUnsolicited: (line) => {
      got.push(line);
      return new Promise((resolve) => gates.push(resolve));
    },
  });
  const given = client.request("a");
  for (const line of ["!1", "!2", "!3", "!4", "A", "nobody asked"]) await peer.send(line);
  assert.deepEqual(await outcomes(place, [given]), ["A"]);
  assert.deepEqual(got, ["!1"]);
  for (let call = 0; call < 3; call++) {
    gates.shift()?.();
    await place.settle();
  }
  assert.deepEqual(got, ["!1", "!2", "!3"]);
  const { unsolicited, unsolicitedDropped } = client.stats();
  assert.deepEqual([unsolicited, unsolicitedDropped], [5, 2]);
});

test("what onUnsolicited throws ends the connection, at once or later (F-39)", async (t) => {
  for (
    const onUnsolicited of [() => {
      throw new Error("boom");
    }, () => Promise.reject(new Error("boom"))]
  ) {
    const { place, peer, connection } = await pair(t, { onUnsolicited });
    await peer.send("hello");
    const record = await place.drive(connection.closed);
    assert.deepEqual([record.reason, record.message], ["handler_error", "boom"]);
  }
});

test("when all places are kept by requests that were abandoned, the connection ends (F-39)", async (t) => {
  const { place, client, connection, peer } = await pair(t, { window: 2, timeout: 1_000 });
  for (const frame of ["a", "b", "c"]) client.request(frame, { timeout: 500 }).catch(() => {});
  await place.pass(1_000);
  await peer.send("A");
  await place.pass(3_000);
  assert.equal(connection.state, "open", "one place is free again");
  client.request("d", { timeout: 500 }).catch(() => {});
  await place.pass(3_000);
  const { reason, error } = await place.drive(connection.closed);
  assert.equal(reason, "reply_timeout");
  assert.ok(error instanceof TimeoutError && error.reason === "reply" && error.limit === 1_000);
});

test("afterTimeout close ends the connection with the first reply that does not come (F-39)", async (t) => {
  const { place, client, connection } = await pair(t, { timeout: 1_000, afterTimeout: "close" });
  const given = [client.request("a"), client.request("b", { timeout: Infinity })];
  await place.pass(1_500);
  assert.deepEqual(await outcomes(place, given), ["timeout sent", "disconnected sent"]);
  assert.equal((await connection.closed).reason, "reply_timeout");
});

test("close takes no more requests, waits for the open ones and closes (F-39)", async (t) => {
  const { place, client, connection, peer } = await pair(t, { window: 1 });
  const given = [client.request("a"), client.request("b")];
  await place.settle();
  const closing = client.close();
  assert.equal(client.close(), closing);
  assert.deepEqual(await outcomes(place, [client.request("c")]), ["closed not_sent"]);
  await peer.send("A");
  await place.settle();
  assert.equal(connection.state, "open");
  await peer.send("B");
  await place.drive(closing);
  assert.deepEqual(await outcomes(place, given), ["A", "B"]);
  assert.equal((await connection.closed).reason, "closed");
});

test("a greeting may be read in a loop before (F-39)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({
    framing: utf8,
    onConnect: (connection) => void connection.send("hello"),
    onFrame: (line, connection) => connection.send(line.toUpperCase()),
  });
  const connection = await place.connect<string>(server, { framing: utf8 });
  const greetings: string[] = [];
  const greeting = async (): Promise<void> => {
    for await (const line of connection) if (greetings.push(line) > 0) break;
  };
  await place.drive(greeting());
  assert.deepEqual(greetings, ["hello"]);
  const client = requests(connection);
  assert.equal(await place.drive(client.request("a")), "A");
  assert.equal((await place.drive(server.close())).destroyed.length, 0);
  assert.equal((await place.drive(connection.closed)).reason, "peer_closed");
});

test("at the end of its life a connection waits for replies, and takes no more requests (F-39)", async (t) => {
  const { place, client, connection, peer } = await pair(t, {}, {
    maxLifetime: { after: 10_000, jitter: 0 },
  });
  const given = client.request("a");
  await place.pass(11_000);
  assert.equal(connection.state, "draining");
  assert.deepEqual(await outcomes(place, [client.request("b")]), ["closed not_sent"]);
  await place.pass(5_000);
  await peer.send("A");
  assert.deepEqual(await outcomes(place, [given]), ["A"]);
  assert.equal((await place.drive(connection.closed)).reason, "max_lifetime");
});

test("a handler of a server asks its peer, and hears that no reply comes when the server drains (F-39)", async (t) => {
  const place = new Virtual(t);
  const told: string[] = [];
  const server = await place.serve<string>({
    framing: utf8,
    handler: async (connection) => {
      const client = requests(connection);
      told.push(await client.request("who are you?"));
      const error = await rejection(client.request("and why?"));
      if (error instanceof RequestError) told.push(`${error.reason} ${error.sent}`);
    },
  });
  const connection = await place.connect<string>(server, { framing: utf8 });
  await place.settle();
  await connection.send("a client");
  await place.settle();
  const closing = server.close();
  await place.pass(5_000);
  const { destroyed } = await place.drive(closing);
  assert.deepEqual([told, destroyed], [["a client", "disconnected sent"], []]);
});

test("options and connections that do not fit are refused (F-39)", async (t) => {
  const { place, connection, client } = await pair(t);
  const server = await place.serve({ framing: utf8, onFrame: () => {} });
  const refused = (make: () => unknown): string => {
    try {
      make();
    } catch (error) {
      assert.ok(error instanceof OptionsError);
      return `${error.reason} ${error.issues.map(({ path }) => path).join()}`;
    }
    return "accepted";
  };
  assert.equal(refused(() => requests(connection)), "conflict connection");
  assert.equal(refused(() => requests({} as never)), "invalid connection");
  for (
    const option of [{ onFrame: () => {} }, { egressPolicy: "drop-oldest" }, { allowHalfOpen: true }] as const
  ) {
    const other = await place.connect<string>(server, { framing: utf8, ...option });
    assert.equal(refused(() => requests(other)), "conflict connection");
  }
  const looping = await place.connect<string>(server, { framing: utf8 });
  const next = looping[Symbol.asyncIterator]().next();
  assert.equal(refused(() => requests(looping)), "conflict connection");
  looping.destroy();
  await rejection(place.drive(next));
  const other = await place.connect<string>(server, { framing: utf8 });
  const wrong = {
    timeout: "soon",
    window: 0,
    maxWaiting: -1,
    maxUnsolicited: 0.5,
    afterTimeout: "wait",
    isUnsolicited: 1,
    windows: 3,
    heartbeat: { interval: 0, missed: 0, isPong: "pong" },
    key: { ofReply: 1 },
  };
  assert.equal(
    refused(() => requests(other, wrong as never)),
    "invalid windows,isUnsolicited,key.ofReply,key,isUnsolicited,window,timeout,maxWaiting,afterTimeout," +
      "heartbeat.ping,heartbeat.isPong,heartbeat.interval,heartbeat.missed,maxUnsolicited",
  );
  assert.equal(
    refused(() =>
      requests(other, { window: 5, key: { ofReply: Number, assign: String, first: 1, last: 4 } })
    ),
    "invalid window",
  );
  assert.ok((await rejection(client.request("x", { timeout: "soon" as never }))) instanceof OptionsError);
});

test("types of requests and replies are those of the framing (F-39, F-73)", async (t) => {
  const place = new Virtual(t);
  const framing = lengthField({ lengthBytes: 2, strip: 2 });
  const server = await place.serve({ framing, onFrame: (frame, connection) => connection.send(frame) });
  const client = requests(await place.connect(server, { framing }));
  const reply: Uint8Array = await place.drive(client.request(new Uint8Array([1, 2])));
  assert.deepEqual([...reply], [1, 2]);
  // @ts-expect-error a frame of this framing is bytes
  const wrong = client.request("text");
  assert.ok((await rejection(wrong)) instanceof FrameError);
});
