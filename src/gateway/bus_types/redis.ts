/** The bus on Redis: streams and channels. Loaded from `buses/redis/` when one is made. */
import { placeExpected, readPlace } from "../buses/redis/place.ts";
import { standardSubjects, StreamNames } from "../buses/redis/stream_names.ts";
import { type Read, Refusal } from "../config/section.ts";
import { finiteDuration, limit } from "../config/values.ts";
import type { BusType } from "./bus_type.ts";
import { defined, patterns, readServerKeys, type ServerKeys, tlsTexts } from "./server_keys.ts";

/** Keys as those of `RedisOptions`, with paths of files in the place of their texts. */
export interface RedisConfig extends ServerKeys {
  readonly url?: string;
  readonly subjects?: readonly string[];
  readonly maxLength?: number;
  readonly duplicateWindow?: number;
}

const url: Read<string> = (value) => {
  if (readPlace(value) !== undefined) return value as string;
  throw new Refusal(placeExpected);
};

export const redis: BusType<RedisConfig> = {
  network: true,
  // What is stored it knows of the gateway as a whole, so that an endpoint needs one stream.
  ingress: "in",
  covering: "subjects of the bus",
  standard: {},
  streamOf: ({ subjects = standardSubjects }, subject) => new StreamNames(subjects).of(subject),
  read: (table, folder) => {
    const maxLength = table.take("maxLength", limit);
    return defined({
      ...readServerKeys(table, folder),
      url: table.take("url", url),
      subjects: table.take("subjects", patterns),
      maxLength: maxLength === 0 ? Infinity : maxLength,
      duplicateWindow: table.take("duplicateWindow", finiteDuration),
    });
  },
  async make({ tls, ...rest }, { clock, log: logger, onHandlerError }) {
    const { redisBus } = await import("../buses/redis/redis_bus.ts");
    return await redisBus({ ...rest, tls: await tlsTexts(tls), clock, logger, onHandlerError });
  },
};
