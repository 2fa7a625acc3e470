// The entry point for Effect: lifetimes are scopes, failures are typed, handlers have services.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Scope from "effect/Scope";
import * as Stream from "effect/Stream";
import { connect, frames, layer, send, serve } from "../../effect.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { Connection } from "../../src/connection/connection.ts";
import type { Server } from "../../src/server/server.ts";
import { bytes, rejection } from "../support/frames.ts";
import { Real, Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8" });
const quiet = { logger: () => {} };

const answer = (connection: Connection<string>) =>
  Stream.runForEach(frames(connection), (line) => send(connection, `re: ${line}`));

function portOf(server: { readonly address: Server<unknown>["address"] }): number {
  return server.address.transport === "tcp" ? server.address.port : 0;
}

test("a server and its client live in one scope, and closing it drains both (F-18, F-36)", async (t) => {
  const place = await Real.at(t);
  const program = Effect.gen(function* () {
    const server = yield* serve({ ...quiet, port: 0, framing: utf8, handler: answer });
    const client = yield* connect({ port: portOf(server), framing: utf8 });
    yield* send(client, "one");
    yield* send(client, "two");
    const got = yield* Stream.runCollect(Stream.take(frames(client), 2));
    return { server, client, got: [...got] };
  });
  const { server, client, got } = await place.drive(Effect.runPromise(Effect.scoped(program)));
  assert.deepEqual(got, ["re: one", "re: two"]);
  assert.equal(server.state, "stopped");
  assert.equal(client.state, "closed");
  assert.deepEqual((await server.finished).destroyed, []);
  assert.equal((await client.closed).reason, "closed");
});

test("closing the scope drains within shutdownDeadline, and what is left is destroyed without a failure (F-18)", async (t) => {
  const place = new Virtual(t);
  const scope = Scope.makeUnsafe();
  const handler = () => Effect.never;
  const options = { ...quiet, port: 0, framing: utf8, handler, shutdownDeadline: "5 seconds" } as const;
  const server = await place.drive(Effect.runPromise(
    Scope.provide(serve({ ...options, adapter: place.adapter, clock: place.clock }), scope),
  ));
  await place.dial(server);
  const closing = Effect.runPromise(Scope.close(scope, Exit.void));
  await place.settle();
  assert.equal(server.state, "draining");
  await place.pass(5_100);
  await place.drive(closing);
  assert.equal(server.state, "stopped");
  assert.equal((await server.finished).destroyed.length, 1);
});

test("closing the scope waits for a close that a promise has begun, and its deadline stays in force (F-18)", async (t) => {
  const place = new Virtual(t);
  const scope = Scope.makeUnsafe();
  const options = { ...quiet, port: 0, framing: utf8, handler: () => Effect.never } as const;
  const server = await place.drive(Effect.runPromise(
    Scope.provide(serve({ ...options, adapter: place.adapter, clock: place.clock }), scope),
  ));
  await place.dial(server);
  const refused = rejection(server.close({ deadline: "20 seconds" }));
  await place.settle();
  let closed = false;
  const closing = Effect.runPromise(Scope.close(scope, Exit.void)).then(() => closed = true);
  await place.pass(19_000);
  assert.equal(closed, false);
  await place.pass(1_100);
  await place.drive(closing);
  assert.match(String(await refused), /within 20000 ms/);
});

test("failures are in the type and caught by tag: options, a port in use, a refused connection (S-18)", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve({ framing: utf8, handler: () => {} });
  const caught = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E, Scope.Scope>) =>
    Effect.runPromise(
      Effect.scoped(Effect.match(effect, { onFailure: (error) => error, onSuccess: () => undefined })),
    );
  const options = await caught(serve({ ...quiet, port: -1, framing: utf8, handler: () => {} }));
  assert.equal(options?._tag, "OptionsError");
  const taken = await caught(serve({ ...quiet, port: portOf(server), framing: utf8, handler: () => {} }));
  assert.equal(taken?._tag === "SocketError" && taken.reason, "address_in_use");
  const port = portOf(server);
  await place.drive(server.destroy());
  const refused = await caught(connect({ port, framing: utf8 }));
  assert.equal(refused?._tag === "SocketError" && refused.reason, "refused");
});

test("frames fail with the connection's error, send with the framing's or the connection's", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve({
    framing: lines({ encoding: "utf-8", maxFrameBytes: 5, checkSent: true }),
    handler: () => {},
  });
  const peer = await place.dial(server);
  const [connection] = server.connections.values();
  peer.write("ok\nfar too long\n");
  const seen: string[] = [];
  const exit = await place.drive(Effect.runPromise(Effect.result(
    Stream.runForEach(frames(connection!), (line) => Effect.sync(() => void seen.push(line))),
  )));
  assert.deepEqual(seen, ["ok"]);
  assert.ok(exit._tag === "Failure" && exit.failure._tag === "FrameError");
  const unsendable = await Effect.runPromise(Effect.result(send(connection!, "two\nlines")));
  assert.ok(unsendable._tag === "Failure" && unsendable.failure._tag === "FrameError");
  connection!.destroy();
  await place.settle();
  const late = await Effect.runPromise(Effect.result(send(connection!, "late")));
  // What ended the connection first, though it was dropped after that.
  assert.ok(late._tag === "Failure" && exit._tag === "Failure" && late.failure === exit.failure);
});

class Greeting extends Context.Service<Greeting, { readonly text: string }>()("test/Greeting") {}
class Echo extends Context.Service<Echo, Server<string>>()("test/Echo") {}

test("handlers require services and a scope of their own; a layer makes the server (F-24)", async (t) => {
  const place = await Real.at(t);
  const released: string[] = [];
  const server = layer(Echo, {
    ...quiet,
    port: 0,
    framing: utf8,
    handler: (connection) =>
      Effect.gen(function* () {
        const { text } = yield* Greeting;
        yield* Effect.acquireRelease(Effect.void, () => Effect.sync(() => void released.push(connection.id)));
        yield* send(connection, text);
        yield* Stream.runDrain(frames(connection));
      }),
  });
  const program = Effect.gen(function* () {
    const { address } = yield* Echo;
    const peer = yield* Effect.promise(() => place.dial({ address }));
    yield* Effect.promise(() => peer.got("hello\n"));
    assert.equal(released.length, 0);
    peer.end();
    yield* Effect.promise(() => peer.whenClosed());
  });
  const provided = Layer.provide(server, Layer.succeed(Greeting, { text: "hello" }));
  await place.drive(Effect.runPromise(Effect.provide(program, provided)));
  assert.equal(released.length, 1);
});

test("interrupting a program that connects gives the attempt up", async (t) => {
  const place = new Virtual(t);
  let given: AbortSignal | undefined;
  const adapter = {
    ...place.adapter,
    connect: ({ signal }: { signal: AbortSignal | undefined }) =>
      new Promise<never>((_resolve, reject) => {
        given = signal;
        signal!.addEventListener("abort", () => reject(new Error("aborted")));
      }),
  };
  const program = Effect.scoped(connect({ port: 1, framing: utf8, adapter, clock: place.clock }));
  const stop = new AbortController();
  const exit = Effect.runPromiseExit(program, { signal: stop.signal });
  await place.settle();
  stop.abort();
  assert.ok(Exit.isFailure(await exit));
  assert.equal(given?.aborted, true);
});

test("Durations of Effect are taken as they are", async (t) => {
  const place = new Virtual(t);
  const { seconds } = await import("effect/Duration");
  const server = await place.serve({ framing: lines(), handler: () => {}, idleTimeout: seconds(5) });
  const peer = await place.dial(server);
  peer.write(bytes("x\n"));
  await place.pass(6_000);
  assert.ok(peer.ended);
});
