/** Buses on NATS: of NATS itself, and of a stream of JetStream. Loaded from `buses/nats/` when one is made. */
import { type Read, Refusal, type Section } from "../config/section.ts";
import { readPath } from "../config/tls_values.ts";
import { boolean, finiteDuration, finiteSize, integer, oneOf, text } from "../config/values.ts";
import type { BusContext, BusType } from "./bus_type.ts";
import { defined, patterns, readServerKeys, type ServerKeys, textOf, tlsTexts } from "./server_keys.ts";

/** Keys as those of `NatsOptions`, with paths of files in the place of their texts. */
export interface NatsConfig extends ServerKeys {
  readonly servers?: readonly string[];
  readonly token?: string;
  readonly credentials?: string;
}

/** Keys as those of `JetStreamOptions`. */
export interface JetStreamConfig extends NatsConfig {
  readonly stream?: string;
  readonly create?: boolean;
  readonly subjects?: readonly string[];
  readonly storage?: "file" | "memory";
  readonly replicas?: number;
  readonly maxAge?: number;
  readonly maxBytes?: number;
  readonly duplicateWindow?: number;
}

const serverUrl = /^(?:nats|tls):\/\/[^\s/@]+$|^[^\s/@:]+(?::\d+)?$|^\[[^\s\]]+\](?::\d+)?$/;

const servers: Read<readonly string[]> = (value) => {
  const list = typeof value === "string" ? [value] : value;
  if (
    Array.isArray(list) && list.length > 0 &&
    list.every((url) => typeof url === "string" && serverUrl.test(url))
  ) return list as readonly string[];
  throw new Refusal(
    'a server such as "nats://127.0.0.1:4222", or a list of them; user and password have keys of their own',
  );
};

const streamName: Read<string> = (value) => {
  if (typeof value === "string" && /^[^\s.*>/\\\p{Cc}]{1,255}$/u.test(value)) return value;
  throw new Refusal("a name without spaces, dots, wildcards and slashes");
};

export const nats: BusType<NatsConfig> = {
  network: true,
  ingress: "in",
  standard: {},
  read: readNats,
  async make(settings, context) {
    const { natsBus } = await import("../buses/nats/nats_bus.ts");
    return await natsBus(await optionsOf(settings, context));
  },
};

export const jetstream: BusType<JetStreamConfig> = {
  network: true,
  // A stream finds out what it has of a connection by the connection's own subject.
  ingress: "in.{conn.id}",
  covering: "the subjects of the stream (nats stream edit)",
  standard: {},
  read: (table, folder) =>
    defined({
      ...readNats(table, folder),
      stream: table.take("stream", streamName),
      create: table.take("create", boolean),
      subjects: table.take("subjects", patterns),
      storage: table.take("storage", oneOf<"file" | "memory">(["file", "memory"])),
      replicas: table.take("replicas", integer(1, 5)),
      maxAge: table.take("maxAge", finiteDuration),
      maxBytes: table.take("maxBytes", finiteSize),
      duplicateWindow: table.take("duplicateWindow", finiteDuration),
    }),
  async make(settings, context) {
    const { jetStreamBus } = await import("../buses/nats/jetstream_bus.ts");
    return await jetStreamBus(await optionsOf(settings, context));
  },
};

function readNats(table: Section, folder: string): NatsConfig {
  return defined({
    ...readServerKeys(table, folder),
    servers: table.take("servers", servers),
    token: table.take("token", text),
    credentials: readPath(table, "credentials", folder),
  });
}

async function optionsOf<Config extends NatsConfig>(
  { credentials, tls, ...rest }: Config,
  { clock, log: logger, onHandlerError }: BusContext,
) {
  return {
    ...rest,
    credentials: await textOf(credentials),
    tls: await tlsTexts(tls),
    clock,
    logger,
    onHandlerError,
  };
}
