// The server side of requests: replies in the order of the requests, whatever the order in which handlers are done.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import fc from "fast-check";
import type { Connection } from "../../src/connection/connection.ts";
import { replies } from "../../src/connection/replies/replies.ts";
import type { RepliesOptions } from "../../src/connection/replies/replies_options.ts";
import { OptionsError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { mapFraming } from "../../src/core/framing/map_framing.ts";
import { requests } from "../../src/client/requests/requests.ts";
import { Gate } from "../support/frames.ts";
import { Real, Virtual } from "../support/server.ts";

const framing = lines({ encoding: "utf-8" });

/** A server whose handlers are opened by hand; `now …` is answered at once, `quiet …` not at all. */
async function byHand(t: TestContext, options: RepliesOptions<string> = {}, given: object = {}) {
  const place = new Virtual(t, { bufferSize: 4_096 });
  const gates = new Map<string, Gate<string | undefined>>();
  const onFrame = replies((line: string, _connection: Connection<string>) => {
    if (line.startsWith("now")) return `${line}!`;
    if (line.startsWith("quiet")) return;
    if (line.startsWith("throw")) throw new Error(line);
    const gate = new Gate<string | undefined>();
    gates.set(line, gate);
    return gate.promise;
  }, options);
  const server = await place.serve<string>({ framing, onFrame, ...given });
  const peer = await place.dial(server);
  const send = async (...frames: string[]): Promise<void> => {
    peer.write(frames.map((line) => `${line}\n`).join(""));
    await place.settle();
  };
  const done = async (line: string, reply: string | undefined = `${line}!`): Promise<void> => {
    gates.get(line)!.open(reply);
    await place.settle();
  };
  const fail = async (line: string): Promise<void> => {
    gates.get(line)!.fail(new Error(line));
    await place.settle();
  };
  const got = (): string => peer.text.trim().replaceAll("\n", " ");
  return { place, server, peer, gates, onFrame, send, done, fail, got };
}

test("replies leave in the order of the requests, though handlers finish out of order (F-39)", async (t) => {
  const { send, done, got, onFrame } = await byHand(t);
  await send("a", "b", "now c", "quiet d", "e");
  await done("b");
  await done("e");
  assert.deepEqual([got(), onFrame.stats().open], ["", 5]);
  await done("a");
  assert.equal(got(), "a! b! now c! e!");
  assert.deepEqual(onFrame.stats(), { open: 0, requests: 5, replies: 4, failed: 0, lost: 0 });
  await send("now f");
  assert.equal(got(), "a! b! now c! e! now f!");
});

test("with inOrder false replies leave when they are there (F-39)", async (t) => {
  const { send, done, got } = await byHand(t, { inOrder: false });
  await send("a", "b", "now c");
  await done("b");
  await done("a");
  assert.equal(got(), "now c! b! a!");
});

test("a full window stops the reading, and half of it done goes on (F-39)", async (t) => {
  const { send, done, gates, server, onFrame } = await byHand(t, { window: 4 }, { ingressLimit: 1 });
  await send("1", "2", "3", "4", "5", "6");
  await send("7");
  assert.deepEqual([...gates.keys()], ["1", "2", "3", "4"]);
  await done("1");
  assert.equal(gates.size, 4, "less than half is done");
  await done("2");
  assert.deepEqual([...gates.keys()], ["1", "2", "3", "4", "5", "6"]);
  assert.equal(onFrame.stats().open, 4);
  await done("3");
  await done("4");
  assert.equal(gates.size, 7);
  assert.equal(server.stats().framesReceived, 7);
});

test("a peer that has sent FIN gets what it is owed (F-39)", async (t) => {
  const { place, peer, send, done, got } = await byHand(t);
  await send("a", "b");
  peer.end();
  await place.pass(5_000);
  await done("b");
  await done("a");
  await place.pass(3_000);
  assert.deepEqual([got(), place.records[0]!.reason], ["a! b!", "peer_closed"]);
});

test("a drain waits for the replies that are owed (F-39, F-18)", async (t) => {
  const { place, server, peer, send, done, got } = await byHand(t);
  await send("a", "b");
  const closing = server.close();
  await place.pass(5_000);
  assert.equal(server.connections.size, 1);
  await done("b");
  await done("a");
  peer.end();
  const { destroyed } = await place.drive(closing);
  assert.deepEqual([destroyed, got(), place.records[0]!.reason], [[], "a! b!", "drained"]);
});

test("a handler that is still at work when its connection is gone is waited for, as any is (F-39)", async (t) => {
  const { place, server, peer, send, done, onFrame } = await byHand(t);
  await send("a");
  peer.abort();
  await place.pass(3_000);
  const closing = server.close();
  await place.settle();
  assert.equal(server.state, "draining");
  await done("a");
  await place.drive(closing);
  assert.deepEqual(onFrame.stats(), { open: 0, requests: 1, replies: 0, failed: 0, lost: 1 });
});

test("a peer that waits for a slow handler is not idle (F-39, F-12)", async (t) => {
  const { place, send, done, got } = await byHand(t, {}, { idleTimeout: 2_000 });
  await send("a");
  await place.pass(10_000);
  await done("a");
  assert.equal(got(), "a!");
  await place.pass(8_000);
  assert.equal(place.records[0]?.reason, "idle_timeout");
});

test("a handler that fails ends its connection, behind the replies before it (F-39)", async (t) => {
  const { place, send, done, fail, got, onFrame } = await byHand(t);
  await send("a", "b", "c", "throw d", "e");
  await fail("b");
  await done("c");
  assert.equal(place.records.length, 0);
  await done("a");
  await place.pass(5_000);
  assert.deepEqual([got(), place.records[0]!.reason, place.records[0]!.message], [
    "a!",
    "handler_error",
    "b",
  ]);
  assert.equal(onFrame.stats().open, 1);
  await done("e");
  assert.deepEqual(onFrame.stats(), { open: 0, requests: 5, replies: 1, failed: 1, lost: 3 });
});

test("onError makes a reply of what a handler failed with, in its place (F-39)", async (t) => {
  const { place, send, done, fail, got, onFrame } = await byHand(t, {
    onError: (error, request) =>
      request === "fatal" ? undefined : `${request} failed: ${(error as Error).message}`,
  });
  await send("a", "b", "throw c", "d");
  await fail("b");
  await done("d", 42 as never);
  await done("a");
  assert.match(got(), /^a! b failed: b throw c failed: throw c d failed: write a frame/);
  assert.deepEqual([onFrame.stats().failed, onFrame.stats().replies], [3, 4]);
  await send("fatal");
  await fail("fatal");
  await place.pass(5_000);
  assert.deepEqual([place.records[0]!.reason, place.records[0]!.message], ["handler_error", "fatal"]);
});

test("a slow reader holds back handlers, and gets every reply (F-39, S-8)", async (t) => {
  const place = new Virtual(t, { bufferSize: 1_000 });
  const onFrame = replies((line: string) => Promise.resolve(line.repeat(10)), { window: 8 });
  const server = await place.serve<string>({ framing, egressLimit: 2_000, ingressLimit: 1, onFrame });
  const client = await place.connect<string>(server, { framing, ingressLimit: 1 });
  for (let count = 0; count < 200; count++) {
    client.send(String(count).padStart(99, "x"));
    await place.settle();
  }
  const { open, requests: asked } = onFrame.stats();
  assert.ok(open <= 8 && asked < 100, `${asked} were asked, ${open} are open`);
  const got: string[] = [];
  const read = async (): Promise<void> => {
    for await (const line of client) if (got.push(line) === 200) break;
  };
  await place.drive(read());
  assert.deepEqual(got.map((line) => Number(/x(\d+)$/.exec(line)![1])), got.map((_, index) => index));
  assert.deepEqual(onFrame.stats(), { open: 0, requests: 200, replies: 200, failed: 0, lost: 0 });
});

test("in whatever order handlers finish, replies are in that of the requests (F-39)", async (t) => {
  const order = fc.uniqueArray(fc.nat(19), { minLength: 20, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(order, fc.integer({ min: 1, max: 20 }), async (finishing, window) => {
      const { send, gates, done, got, onFrame } = await byHand(t, { window });
      await send(...finishing.map((_, index) => `r${index}`));
      const waiting = [...finishing];
      while (waiting.length > 0) {
        assert.ok(onFrame.stats().open <= window);
        const at = waiting.findIndex((index) => gates.has(`r${index}`));
        const [next] = waiting.splice(at, 1);
        await done(`r${next}`);
      }
      assert.equal(got(), finishing.map((_, index) => `r${index}!`).join(" "));
      assert.equal(onFrame.stats().open, 0);
    }),
    { numRuns: 40 },
  );
});

test("the type of a reply is that of what the handler returns, and fits the framing (F-39, F-73)", async (t) => {
  const place = new Virtual(t);
  const numbers = mapFraming(framing, {
    decode: Number,
    encode: (reply: { readonly sum: number }) => `${reply.sum}`,
  });
  const onFrame = replies((asked: number) => Promise.resolve({ sum: asked + 1 }), {
    onError: () => ({ sum: 0 }),
  });
  const server = await place.serve({ framing: numbers, onFrame });
  // @ts-expect-error replies of this framing have a sum
  const wrong: Parameters<typeof place.serve<number, { readonly sum: number }>>[0]["onFrame"] = replies((
    asked: number,
  ) => `${asked}`);
  assert.ok(wrong !== undefined);
  const client = requests(await place.connect<string>(server, { framing }));
  assert.equal(await place.drive(client.request("41")), "42");
});

test("options that do not fit are refused (F-39)", () => {
  const wrong = { window: 0, inOrder: 1, onError: "end", windows: 3 };
  assert.throws(() => replies((line: string) => line, wrong as never), (error: unknown) => {
    assert.ok(error instanceof OptionsError);
    assert.deepEqual(error.issues.map(({ path }) => path).sort(), [
      "inOrder",
      "onError",
      "window",
      "windows",
    ]);
    return true;
  });
  assert.throws(() => replies(undefined as never), OptionsError);
});

test("client and server together, on the sockets of this runtime, and requests both ways (F-39)", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve<string>({
    framing,
    onFrame: replies(async (line) => {
      const index = Number(line);
      for (let turn = index % 7; turn > 0; turn--) {
        await new Promise<void>((resolve) => setTimeout(resolve, 0));
      }
      return `reply ${index}`;
    }),
  });
  const client = requests(await place.connect<string>(server, { framing }));
  const all = Array.from({ length: 1_000 }, (_, index) => client.request(String(index)));
  assert.deepEqual(await place.drive(Promise.all(all)), all.map((_, index) => `reply ${index}`));

  const [there] = server.connections.values();
  assert.ok(there !== undefined);
  const other = await place.serve<string>({
    framing,
    handler: async (connection) => {
      const asking = requests(connection, {
        isUnsolicited: (line) => line.startsWith("?"),
        onUnsolicited: replies((line: string) => Promise.resolve(`=${line.slice(1)}`)),
      });
      assert.equal(await asking.request("?name"), "=name of the client");
      await asking.request("?bye");
    },
  });
  const peer = await place.connect<string>(other, { framing });
  const both = requests(peer, {
    isUnsolicited: (line) => line.startsWith("?"),
    onUnsolicited: replies((line: string) => Promise.resolve(`=${line.slice(1)} of the client`)),
  });
  assert.equal(await place.drive(both.request("?hello")), "=hello");
  await place.drive(peer.closed);
});
