/** The client of Redis, loaded for the files of this folder. */
import { installed } from "../installed.ts";

export type RedisLibrary = Pick<typeof import("ioredis"), "Redis">;

/** Rejects with `BusError` `not_installed`. */
export function loadRedis(): Promise<RedisLibrary> {
  return installed("ioredis", () => import("ioredis"));
}
