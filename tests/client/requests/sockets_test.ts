// Requests over the sockets of this runtime.
import assert from "node:assert/strict";
import { test } from "node:test";
import { requests } from "../../../src/client/requests/requests.ts";
import { RequestError } from "../../../src/client/requests/request_error.ts";
import { rejection } from "../../support/frames.ts";
import { Real } from "../../support/server.ts";
import { utf8 } from "./support.ts";

test("10,000 requests by 100 callers, each with its own reply, and a slow peer holds up none for good (F-39)", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve({
    framing: utf8,
    onFrame: (line, connection) => connection.send(`${line}!`),
  });
  const client = requests(await place.connect(server, { framing: utf8, egressLimit: 4_096 }), { window: 64 });
  const caller = async (name: number): Promise<void> => {
    for (let index = 0; index < 100; index++) {
      const frame = `${name}.${index}.${"x".repeat(index)}`;
      assert.equal(await client.request(frame), `${frame}!`);
    }
  };
  await place.drive(Promise.all(Array.from({ length: 100 }, (_, name) => caller(name))));
  const { replies, requests: sent, outstanding, waiting } = client.stats();
  assert.deepEqual([replies, sent, outstanding, waiting], [10_000, 10_000, 0, 0]);
  await place.drive(client.close());
});

test("a server that goes away fails the requests that it has, and says that they were sent (F-39)", async (t) => {
  const place = await Real.at(t);
  let heard!: () => void;
  const there = new Promise<void>((resolve) => heard = resolve);
  const server = await place.serve({ framing: utf8, onFrame: () => heard() });
  const client = requests(await place.connect<string>(server, { framing: utf8 }));
  const given = client.request("are you there?");
  await place.drive(there);
  void server.destroy();
  const error = await rejection(place.drive(given));
  assert.ok(error instanceof RequestError);
  assert.deepEqual([error.reason, error.sent], ["disconnected", "sent"]);
});
