/**
 * What a server's own settings mean for messages that it stores: said once, when the bus begins.
 *
 * Used by `redis_bus.ts`. Where they cannot be read, as on many hosted servers, that is said.
 */
import { BusError } from "../../errors.ts";
import type { RedisLink } from "./redis_link.ts";

/** XAUTOCLAIM came with this one. */
const oldest = [6, 2] as const;

/** Rejects with `BusError` `rejected` for a server that is too old. */
export async function checkServer({ commands, log, where }: RedisLink): Promise<void> {
  const info = await commands.info("server").catch(() => "");
  const [, major, minor] = /redis_version:(\d+)\.(\d+)/.exec(info) ?? [];
  if (
    major !== undefined &&
    (Number(major) < oldest[0] || (Number(major) === oldest[0] && Number(minor) < oldest[1]))
  ) {
    throw new BusError(
      "rejected",
      `${where} is Redis ${major}.${minor}, expected ${oldest.join(".")} or newer`,
    );
  }
  const names = ["appendonly", "appendfsync", "maxmemory", "maxmemory-policy"];
  try {
    const found = await Promise.all(
      names.map((name) => commands.config("GET", name)),
    ) as (readonly string[])[];
    for (const risk of risksOf(Object.fromEntries(found.map(([name, value]) => [name ?? "", value])))) {
      log({ level: "warn", message: "stored frames may be lost", fields: { server: where, ...risk } });
    }
  } catch (error) {
    log({
      level: "info",
      message: "the server's settings cannot be read: whether it keeps what it stores is not known",
      fields: { server: where, error: (error as Error).message },
    });
  }
}

/** In words: when, and what to set. */
function risksOf(
  settings: Readonly<Record<string, string | undefined>>,
): { when: string; expected: string }[] {
  const risks = [];
  if (settings["appendonly"] === "no") {
    risks.push({ when: "the server ends: all since its last snapshot", expected: "appendonly yes" });
  } else if (settings["appendfsync"] !== undefined && settings["appendfsync"] !== "always") {
    risks.push({
      when: `its machine loses power: those of ${
        settings["appendfsync"] === "no" ? "many seconds" : "a second or two"
      }`,
      expected: "appendfsync always",
    });
  }
  const policy = settings["maxmemory-policy"];
  if (settings["maxmemory"] !== "0" && policy !== undefined && policy !== "noeviction") {
    risks.push({
      when: policy.startsWith("allkeys")
        ? "its memory is full: it evicts whole streams"
        : "its memory is full: it forgets what it has, and stores frames twice",
      expected: "maxmemory-policy noeviction",
    });
  }
  return risks;
}
