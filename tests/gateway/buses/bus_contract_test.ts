// One contract for every bus.
import { memoryBus } from "../../../src/gateway/buses/memory_bus.ts";
import { jetStreamBus } from "../../../src/gateway/buses/nats/jetstream_bus.ts";
import { natsBus } from "../../../src/gateway/buses/nats/nats_bus.ts";
import { redisBus } from "../../../src/gateway/buses/redis/redis_bus.ts";
import { stdioBus } from "../../../src/gateway/buses/stdio_bus.ts";
import { NatsServer, withoutNats } from "../../support/nats_server.ts";
import { RedisServer, withoutRedis } from "../../support/redis_server.ts";
import { loopback } from "./loopback.ts";
import { busContract } from "./bus_contract.ts";

const subjects = ["one.>", "two.>", "bytes", "order", "slow", "fail", "close"].map((name) => `t.${name}`);

busContract({
  name: "memory",
  skip: false,
  waits: true,
  knowsNobody: true,
  open(t, onHandlerError) {
    const bus = memoryBus({ onHandlerError });
    t.after(() => bus.close());
    return Promise.resolve(bus);
  },
});

busContract({
  name: "stdio",
  skip: false,
  waits: false,
  knowsNobody: false,
  binary: "base64",
  open(t, onHandlerError) {
    const bus = stdioBus({ ...loopback(), onHandlerError });
    t.after(() => bus.close());
    return Promise.resolve(bus);
  },
});

busContract({
  name: "nats",
  skip: withoutNats,
  waits: false,
  knowsNobody: true,
  async open(t, onHandlerError) {
    const { url } = await NatsServer.start(t);
    const bus = await natsBus({ servers: url, onHandlerError });
    t.after(() => bus.close());
    return bus;
  },
});

busContract({
  name: "jetstream",
  skip: withoutNats,
  waits: false,
  knowsNobody: true,
  async open(t, onHandlerError) {
    const { url } = await NatsServer.start(t);
    const bus = await jetStreamBus({ servers: url, onHandlerError, stream: "T", subjects: ["other.>"] });
    t.after(() => bus.close());
    return bus;
  },
});

busContract({
  name: "jetstream (stored)",
  skip: withoutNats,
  waits: false,
  knowsNobody: true,
  async open(t, onHandlerError) {
    const { url } = await NatsServer.start(t);
    const bus = await jetStreamBus({ servers: url, onHandlerError, stream: "T", subjects });
    t.after(() => bus.close());
    return bus;
  },
});

for (const [name, stored] of [["redis", ["other.>"]], ["redis (stored)", subjects]] as const) {
  busContract({
    name,
    skip: withoutRedis,
    waits: false,
    knowsNobody: true,
    async open(t, onHandlerError) {
      const { url } = await RedisServer.start(t);
      const bus = await redisBus({ url, onHandlerError, subjects: stored });
      t.after(() => bus.close());
      return bus;
    },
  });
}
