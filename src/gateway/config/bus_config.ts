/**
 * The bus of a configuration: which one, how much may wait in it, and how a server is reached.
 *
 * Called by `config.ts`; a running bus is made of it by `make_bus.ts`.
 */
import { isPattern } from "../buses/subject.ts";
import { type Read, Refusal, type Section } from "./section.ts";
import { readPath } from "./tls_values.ts";
import { boolean, finiteDuration, finiteSize, integer, oneOf, text } from "./values.ts";

/** Types of buses. */
export type BusType = "memory" | "stdio" | "nats" | "jetstream";

/** Which bus carries the frames, and how much may wait in each of its queues. */
export interface BusConfig {
  readonly type: BusType;
  /** Messages that may wait for one subscriber before publishers wait. */
  readonly queueMessages: number;
  /** Payload bytes that may. */
  readonly queueBytes: number;
  /** How a server is reached; undefined for a bus without one. */
  readonly nats: NatsConfig | undefined;
  /** Which stream stores the messages; undefined for a bus that stores none. */
  readonly stream: StreamConfig | undefined;
}

/** Keys as those of `NatsOptions`, with paths of files in the place of their texts. */
export interface NatsConfig {
  readonly servers?: readonly string[];
  readonly name?: string;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  readonly credentials?: string;
  readonly tls?: true | { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly connectTimeout?: number;
  readonly reconnectWait?: number;
  readonly maxPending?: number;
  readonly maxPendingBytes?: number;
}

/** Keys as those of `JetStreamOptions`. */
interface StreamConfig {
  readonly stream?: string;
  readonly create?: boolean;
  readonly subjects?: readonly string[];
  readonly storage?: "file" | "memory";
  readonly replicas?: number;
  readonly maxAge?: number;
  readonly maxBytes?: number;
  readonly duplicateWindow?: number;
}

const busTypes: readonly BusType[] = ["memory", "stdio", "nats", "jetstream"];

/** The bus is reached over a network, so that others may be on it. */
export function isNetworkBus(type: BusType): boolean {
  return type === "nats" || type === "jetstream";
}

const standard: Pick<BusConfig, "queueMessages" | "queueBytes" | "nats" | "stream"> = {
  queueMessages: 1024,
  queueBytes: 8 * 1024 * 1024,
  nats: undefined,
  stream: undefined,
};

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

const patterns: Read<readonly string[]> = (value) => {
  if (
    Array.isArray(value) && value.length > 0 &&
    value.every((one) => typeof one === "string" && isPattern(one))
  ) {
    return value as readonly string[];
  }
  throw new Refusal('a list of subjects such as ["millrace.*.in.>"]');
};

const streamName: Read<string> = (value) => {
  if (typeof value === "string" && /^[^\s.*>/\\\p{Cc}]{1,255}$/u.test(value)) return value;
  throw new Refusal("a name without spaces, dots, wildcards and slashes");
};

/** Reads it; `folder` is where relative paths start. */
export function readBus(section: Section, folder: string): BusConfig {
  if (typeof section.raw("bus") === "string") {
    const type = section.take("bus", oneOf(busTypes)) ?? "memory";
    return { ...standard, type, ...empty(type) };
  }
  const expected = `${busTypes.join(", ")}, or a table such as { type: memory }`;
  return section.table("bus", expected, (table) => readTable(table, folder)) ??
    { ...standard, type: "memory" };
}

function empty(type: BusType): Pick<BusConfig, "nats" | "stream"> {
  return { nats: isNetworkBus(type) ? {} : undefined, stream: type === "jetstream" ? {} : undefined };
}

function readTable(table: Section, folder: string): BusConfig {
  const type = table.require("type", oneOf(busTypes), busTypes.map((name) => `"${name}"`).join(" or ")) ??
    "memory";
  return {
    type,
    queueMessages: table.take("queueMessages", integer(1)) ?? standard.queueMessages,
    queueBytes: table.take("queueBytes", finiteSize) ?? standard.queueBytes,
    nats: isNetworkBus(type) ? readNats(table, folder) : undefined,
    stream: type === "jetstream" ? readStream(table) : undefined,
  };
}

function readNats(table: Section, folder: string): NatsConfig {
  const tls = table.raw("tls") === true ? true : table.table(
    "tls",
    "true, or a table with ca, cert and key",
    (own) => {
      const [cert, key] = [readPath(own, "cert", folder), readPath(own, "key", folder)];
      if ((cert === undefined) !== (key === undefined)) {
        own.refuse(
          cert === undefined ? "cert" : "key",
          undefined,
          "the path of a file: cert and key belong together",
        );
      }
      return defined({ ca: readPath(own, "ca", folder), cert, key });
    },
  );
  return defined({
    servers: table.take("servers", servers),
    name: table.take("name", text),
    user: table.take("user", text),
    password: table.take("password", text),
    token: table.take("token", text),
    credentials: readPath(table, "credentials", folder),
    tls,
    connectTimeout: table.take("connectTimeout", finiteDuration),
    reconnectWait: table.take("reconnectWait", finiteDuration),
    maxPending: table.take("maxPending", integer(1)),
    maxPendingBytes: table.take("maxPendingBytes", finiteSize),
  });
}

function readStream(table: Section): StreamConfig {
  return defined({
    stream: table.take("stream", streamName),
    create: table.take("create", boolean),
    subjects: table.take("subjects", patterns),
    storage: table.take("storage", oneOf<"file" | "memory">(["file", "memory"])),
    replicas: table.take("replicas", integer(1, 5)),
    maxAge: table.take("maxAge", finiteDuration),
    maxBytes: table.take("maxBytes", finiteSize),
    duplicateWindow: table.take("duplicateWindow", finiteDuration),
  });
}

type Defined<T> = { readonly [Key in keyof T]?: Exclude<T[Key], undefined> };

/** Without the keys that nothing was said of. */
function defined<T extends object>(table: T): Defined<T> {
  return Object.fromEntries(Object.entries(table).filter(([, value]) => value !== undefined)) as Defined<T>;
}
