/** All types of buses by the name that a configuration has for them. A new bus is a file and two lines here. */
import type { BusType } from "./bus_type.ts";
import { memory, stdio } from "./local.ts";
import { jetstream, type JetStreamConfig, nats, type NatsConfig } from "./nats.ts";
import { redis, type RedisConfig } from "./redis.ts";

/** What each has for settings, by what stands behind `bus.type`. */
export interface BusSettings {
  readonly memory: undefined;
  readonly stdio: undefined;
  readonly nats: NatsConfig;
  readonly jetstream: JetStreamConfig;
  readonly redis: RedisConfig;
}

/** What stands behind `bus.type`. */
export type BusTypeName = keyof BusSettings;

/** Each by its name. */
export const busTypes: { readonly [Name in BusTypeName]: BusType<BusSettings[Name]> } = {
  memory,
  stdio,
  nats,
  jetstream,
  redis,
};
