// Effect's cluster runs on our sockets, unchanged: runners that speak with each other by `SocketRunner`.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as Entity from "effect/cluster/Entity";
import * as MessageStorage from "effect/cluster/MessageStorage";
import * as RunnerAddress from "effect/cluster/RunnerAddress";
import * as RunnerHealth from "effect/cluster/RunnerHealth";
import * as RunnerStorage from "effect/cluster/RunnerStorage";
import * as Runners from "effect/cluster/Runners";
import * as ShardingConfig from "effect/cluster/ShardingConfig";
import * as SocketRunner from "effect/cluster/SocketRunner";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import * as References from "effect/References";
import * as Rpc from "effect/rpc/Rpc";
import * as RpcClient from "effect/rpc/RpcClient";
import * as RpcSerialization from "effect/rpc/RpcSerialization";
import * as Schema from "effect/Schema";
import { Socket } from "effect/socket/Socket";
import { SocketServer } from "effect/socket/SocketServer";
import { layerSocketServer, socket, type SocketServerService } from "../../effect.ts";
import { within } from "../contract/within.ts";

const Counter = Entity.make("Counter", [
  Rpc.make("Add", { payload: { amount: Schema.Number }, success: Schema.Number }),
]);

const counters = Counter.toLayer(Effect.sync(() => {
  let sum = 0;
  return { Add: ({ payload }: { payload: { amount: number } }) => Effect.sync(() => sum += payload.amount) };
}));

/** The protocol by which runners reach each other: a socket of ours for each address. */
const protocol = Layer.effect(
  Runners.RpcClientProtocol,
  Effect.map(RpcSerialization.RpcSerialization, (serialization) => ({
    codecFor: serialization.codecFor,
    make: ({ host, port }: RunnerAddress.RunnerAddress) =>
      Effect.orDie(
        Effect.flatMap(socket({ host, port, openTimeout: "1 second" }), (made) =>
          RpcClient.makeProtocolSocket().pipe(
            Effect.provideService(Socket, made),
            Effect.provideService(RpcSerialization.RpcSerialization, serialization),
          )),
      ),
  })),
);

test("an entity of Effect's cluster is reached over SocketRunner on our sockets", async () => {
  const program = Effect.gen(function* () {
    const listening = yield* Layer.build(layerSocketServer({ port: 0, logger: () => {} }));
    const { server } = Context.get(listening, SocketServer) as SocketServerService;
    const address = RunnerAddress.make("127.0.0.1", server.address.port!);
    const runners = Layer.succeedContext(yield* Layer.build(RunnerStorage.layerMemory));
    const member = (runnerAddress: Option.Option<RunnerAddress.RunnerAddress>) => {
      const config = ShardingConfig.layer({
        runnerAddress,
        shardsPerGroup: 10,
        refreshAssignmentsInterval: 50,
      });
      return Layer.mergeAll(MessageStorage.layerMemory, runners, RunnerHealth.layerNoop, protocol).pipe(
        Layer.provideMerge(config),
        Layer.provideMerge(RpcSerialization.layerSchemaBinary()),
      );
    };
    yield* Layer.build(
      counters.pipe(
        Layer.provide(SocketRunner.layer),
        Layer.provide(member(Option.some(address))),
        Layer.provide(Layer.succeedContext(listening)),
      ),
    );
    const outside = SocketRunner.layerClientOnly.pipe(Layer.provide(member(Option.none())));
    const client = yield* Effect.provideContext(Counter.client, yield* Layer.build(outside));
    assert.equal(yield* client("one").Add({ amount: 2 }), 2);
    assert.equal(yield* client("one").Add({ amount: 3 }), 5);
    assert.equal(yield* client("two").Add({ amount: 1 }), 1);
    assert.ok(server.stats().framesReceived > 0, "it has not come over the socket");
  });
  const quiet = Effect.provideService(Effect.scoped(program), References.MinimumLogLevel, "None");
  await within(Effect.runPromise(quiet), () => "the entities to answer");
});
