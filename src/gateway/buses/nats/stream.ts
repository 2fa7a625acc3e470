/**
 * The stream behind a bus: found or created, and compared with what was asked for.
 *
 * Used by `jetstream_bus.ts`. Servers drop settings that they do not know without a word, so what they say that they
 * have set is compared.
 */
import type { JetStreamManager, StreamConfig } from "@nats-io/jetstream";
import { checkInteger, OptionsCheck } from "../../../core/options.ts";
import { toMilliseconds } from "../../../core/time/duration.ts";
import { BusError } from "../../errors.ts";
import { isPattern } from "../subject.ts";
import type { JetStream } from "./library.ts";
import type { JetStreamOptions } from "./jetstream_options.ts";
import type { NatsLink } from "./nats_link.ts";

/** What the bus needs to know of its stream. */
export interface Stream {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly duplicateWindowMs: number;
}

/** What is asked for, checked. */
interface StreamWish {
  readonly name: string;
  readonly create: boolean;
  readonly config: Partial<StreamConfig>;
}

const nanosecondsPerMs = 1e6;

/** @throws {OptionsError} for an invalid option */
export function streamWish(options: JetStreamOptions): StreamWish {
  const { stream = "millrace", create = true, subjects = ["millrace.*.in.>"], maxAge } = options;
  const { duplicateWindow = 120_000 } = options;
  const check = new OptionsCheck();
  if (typeof stream !== "string" || !/^[^\s.*>/\\\p{Cc}]+$/u.test(stream)) {
    check.refuse("stream", stream, "a name without spaces, dots, wildcards and slashes");
  }
  if (!Array.isArray(subjects) || subjects.length === 0 || !subjects.every((one) => isPattern(one))) {
    check.refuse("subjects", subjects, 'one or more subjects, such as "millrace.*.in.>"');
  }
  const replicas = checkInteger(check, "replicas", options.replicas, 1, 1);
  const storage = check.oneOf("storage", options.storage, "file", ["file", "memory"] as const);
  const maxBytes = options.maxBytes === undefined ? -1 : check.size("maxBytes", options.maxBytes, Infinity);
  check.done();
  const age = maxAge === undefined ? 0 : toMilliseconds(maxAge, "maxAge");
  const window = toMilliseconds(duplicateWindow, "duplicateWindow");
  return {
    name: stream,
    create,
    config: {
      name: stream,
      subjects: [...subjects],
      storage: storage as StreamConfig["storage"],
      num_replicas: replicas,
      max_age: age * nanosecondsPerMs,
      max_bytes: maxBytes === Infinity ? -1 : maxBytes,
      discard: "new" as StreamConfig["discard"],
      duplicate_window: (age === 0 ? window : Math.min(age, window)) * nanosecondsPerMs,
    },
  };
}

/** Finds or creates it. Rejects with `BusError` `rejected`. */
export async function openStream(
  manager: JetStreamManager,
  { JetStreamApiCodes, JetStreamApiError }: JetStream,
  { name, create, config }: StreamWish,
  { log }: NatsLink,
): Promise<Stream> {
  const found = await manager.streams.info(name).catch((error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) {
      return undefined;
    }
    throw error;
  });
  if (found === undefined && !create) {
    const text = `stream ${name}: there is none; create it (nats stream add), or set create: true`;
    throw new BusError("rejected", text);
  }
  const { config: own } = found ?? await manager.streams.add(config as StreamConfig).catch((cause: Error) => {
    throw new BusError("rejected", `create stream ${name}: ${cause.message}`, { cause });
  });
  const fields = { stream: name, subjects: own.subjects.join(" ") };
  log({ level: "info", message: found === undefined ? "stream created" : "stream found", fields });
  const differing = differences(config, own as unknown as Readonly<Record<string, unknown>>);
  if (differing !== "") {
    const message = found === undefined
      ? "the server did not set the stream as asked"
      : "the stream is not as configured; it is used as it is";
    log({ level: "warn", message, fields: { stream: name, differences: differing } });
  }
  return { name, subjects: own.subjects, duplicateWindowMs: Number(own.duplicate_window) / nanosecondsPerMs };
}

/** In words: what is not as it should be. */
function differences(wanted: object, found: Readonly<Record<string, unknown>>): string {
  return Object.entries(wanted)
    .filter(([key, value]) => JSON.stringify(found[key]) !== JSON.stringify(value))
    .map(([key, value]) => `${key}: found ${JSON.stringify(found[key])}, expected ${JSON.stringify(value)}`)
    .join("; ");
}
