// Effect's own RPC runs on our sockets, unchanged: as it would on its own ones, with each of its serializations.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Rpc from "effect/rpc/Rpc";
import * as RpcClient from "effect/rpc/RpcClient";
import type { RpcClientError } from "effect/rpc/RpcClientError";
import * as RpcGroup from "effect/rpc/RpcGroup";
import * as RpcSerialization from "effect/rpc/RpcSerialization";
import * as RpcServer from "effect/rpc/RpcServer";
import * as Schema from "effect/Schema";
import * as Scope from "effect/Scope";
import * as SocketServer from "effect/socket/SocketServer";
import * as Stream from "effect/Stream";
import * as Context from "effect/Context";
import {
  layerSocket,
  layerSocketServer,
  type SocketChunk,
  type SocketServerOptions,
  type SocketServerService,
} from "../../effect.ts";
import type { Server } from "../../src/server/server.ts";
import { within } from "../contract/within.ts";
import { makeAuthority } from "../support/certificates.ts";

class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String }) {}

const group = RpcGroup.make(
  Rpc.make("Double", { payload: { value: Schema.Number }, success: Schema.Number }),
  Rpc.make("Refuse", { payload: { why: Schema.String }, success: Schema.Void, error: Refused }),
  Rpc.make("Count", { payload: { to: Schema.Number }, success: Schema.Number, stream: true }),
  Rpc.make("Length", { payload: { text: Schema.String }, success: Schema.Number }),
  Rpc.make("Break", { success: Schema.Void }),
);

const handlers = group.toLayer({
  Double: ({ value }) => Effect.succeed(value * 2),
  Refuse: ({ why }) => Effect.fail(new Refused({ why })),
  Count: ({ to }) => Stream.range(1, to),
  Length: ({ text }) => Effect.succeed(text.length),
  Break: () => Effect.die(new Error("broken")),
});

const serializations = {
  "ndjson": RpcSerialization.layerNdjson,
  "schema-binary": RpcSerialization.layerSchemaBinary(),
  "ndjson-rpc": RpcSerialization.layerNdJsonRpc(),
};

/** Their server on a layer of ours; gives where it listens, and the server beneath. */
const serving = (
  options: SocketServerOptions,
  serialization: Layer.Layer<RpcSerialization.RpcSerialization>,
) =>
  RpcServer.layer(group, { disableFatalDefects: true }).pipe(
    Layer.provide(handlers),
    Layer.provideMerge(RpcServer.layerProtocolSocketServer),
    Layer.provideMerge(layerSocketServer({ logger: () => {}, ...options })),
    Layer.provide(serialization),
  );

/** Runs with a client of their own, on a socket of ours. */
async function calling(
  name: keyof typeof serializations,
  run: (
    client: RpcClient.FromGroup<typeof group, RpcClientError>,
    server: Server<Uint8Array, SocketChunk>,
  ) => Effect.Effect<void, unknown>,
  secured?: { readonly cert: string; readonly key: string; readonly ca: string },
): Promise<void> {
  const program = Effect.gen(function* () {
    const tls = secured && { cert: secured.cert, key: secured.key };
    const given = yield* Layer.build(serving({ port: 0, ...(tls && { tls }) }, serializations[name]));
    const { server } = Context.get(given, SocketServer.SocketServer) as SocketServerService;
    const socket = layerSocket({ address: server.address, ...(secured && { tls: { ca: secured.ca } }) });
    const protocol = RpcClient.layerProtocolSocket().pipe(
      Layer.provide(socket),
      Layer.provide(serializations[name]),
    );
    const client = yield* Effect.provideContext(RpcClient.make(group), yield* Layer.build(protocol));
    yield* run(client, server);
  });
  await within(Effect.runPromise(Effect.scoped(program)), () => `the calls over ${name}`);
}

for (const name of Object.keys(serializations) as (keyof typeof serializations)[]) {
  test(`Effect's RPC over ${name}: unary, typed error, stream, 1 MB, 200 calls at once`, async () => {
    await calling(name, (client) =>
      Effect.gen(function* () {
        assert.equal(yield* client.Double({ value: 21 }), 42);
        const refused = yield* Effect.flip(client.Refuse({ why: "full" }));
        assert.ok(refused instanceof Refused && refused.why === "full");
        assert.deepEqual(yield* Stream.runCollect(client.Count({ to: 5 })), [1, 2, 3, 4, 5]);
        assert.equal(yield* client.Length({ text: "x".repeat(1_000_000) }), 1_000_000);
        const doubled = yield* Effect.all(
          Array.from({ length: 200 }, (_, value) => client.Double({ value })),
          { concurrency: "unbounded" },
        );
        assert.deepEqual(doubled, Array.from({ length: 200 }, (_, value) => value * 2));
      }));
  });
}

test("Effect's RPC over TLS of ours", async () => {
  const ca = await makeAuthority();
  const pair = await ca.sign({ names: ["127.0.0.1"] });
  await calling("schema-binary", (client, server) =>
    Effect.gen(function* () {
      assert.equal(yield* client.Double({ value: 4 }), 8);
      const [connection] = server.connections.values();
      assert.equal(connection!.peer.tls?.protocol, "TLSv1.3");
    }), { ...pair, ca: ca.cert });
});

test("a call that is a defect does not end a stream on the same connection", async () => {
  await calling("ndjson", (client, server) =>
    Effect.gen(function* () {
      const seen: number[] = [];
      yield* client.Count({ to: 3 }).pipe(
        Stream.tap(() => Effect.ignoreCause(client.Break())),
        Stream.runForEach((value) => Effect.sync(() => seen.push(value))),
      );
      assert.deepEqual(seen, [1, 2, 3]);
      assert.equal(server.stats().connectionsAccepted, 1);
    }));
});

test("a client of Effect's RPC comes back to a server that has been restarted", async () => {
  const first = Scope.makeUnsafe();
  const start = (port: number, scope: Scope.Scope) =>
    Effect.map(
      Scope.provide(
        Layer.build(serving({ port, bindRetry: true, lingerTimeout: 50 }, serializations.ndjson)),
        scope,
      ),
      (given) => (Context.get(given, SocketServer.SocketServer) as SocketServerService).server.address.port!,
    );
  const program = Effect.gen(function* () {
    const port = yield* start(0, first);
    const protocol = RpcClient.layerProtocolSocket({ retryTransientErrors: true }).pipe(
      Layer.provide(layerSocket({ port })),
      Layer.provide(serializations.ndjson),
    );
    const client = yield* Effect.provideContext(RpcClient.make(group), yield* Layer.build(protocol));
    assert.equal(yield* client.Double({ value: 1 }), 2);
    yield* Scope.close(first, Exit.void);
    yield* Effect.flatMap(Effect.scope, (scope) => start(port, scope));
    assert.equal(yield* Effect.eventually(client.Double({ value: 2 })), 4);
  });
  await within(Effect.runPromise(Effect.scoped(program)), () => "the call after the restart");
});
