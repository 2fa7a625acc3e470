/**
 * The configuration of a gateway: read from a file, a text or a value, with every fault at once.
 *
 * Called by the commands and by programs that run a gateway as a library.
 */
import { folderOfFile, hostName, readTextFile } from "../../host/process.ts";
import { membership } from "../../host/member.ts";
import { formatAddress } from "../../core/text/address.ts";
import type { Address } from "../../core/transport.ts";
import { subjectToken } from "../traffic/subject_template.ts";
import { busTypes } from "../bus_types/bus_types.ts";
import { type BusConfig, readBus } from "./bus_config.ts";
import { type EndpointConfig, nodeName, readEndpoint } from "./endpoint_config.ts";
import { type ConfigFault, type ConfigPath, FaultList, type Locate } from "./fault.ts";
import { addProcessesFaults, type ProcessesConfig, readProcesses } from "./processes.ts";
import { Section } from "./section.ts";
import { type ListenPlace, refuseSharedPlaces } from "./shared_places.ts";
import { refuseSharedSubjects } from "./shared_subjects.ts";
import type { EndpointSurroundings } from "./subjects.ts";
import { refuseSharedSpools } from "./spool.ts";
import { type ConfigFormat, formatOfFile, parseText } from "./source.ts";
import { readTelemetry, type TelemetryConfig } from "./telemetry.ts";
import { address, finiteDuration, hostNames, oneOf, size, wait } from "./values.ts";
import { type Written, writtenKeys } from "./written.ts";

/** How much a gateway says about itself on standard error. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** A checked configuration, complete with defaults. Durations in milliseconds. */
export interface GatewayConfig {
  readonly written: Written;
  readonly endpoints: readonly EndpointConfig[];
  readonly bus: BusConfig;
  /** Its name among the gateways of one bus. */
  readonly node: string;
  /** Where the admin endpoint listens; undefined for none. */
  readonly admin: AdminConfig | undefined;
  /** How long connections may take to finish when the gateway stops. */
  readonly shutdownDeadline: number;
  /** Over how long the connections of servers are told of it. */
  readonly drainSpread: number;
  readonly logLevel: LogLevel;
  /** Bytes that the connections of all endpoints may hold together; undefined for no limit. */
  readonly memoryBudget: number | undefined;
  /** The processes that serve; undefined for this one. */
  readonly processes: ProcessesConfig | undefined;
  /** Where metrics, log records and spans go; undefined for nowhere. */
  readonly telemetry: TelemetryConfig | undefined;
}

/** The admin endpoint. */
export interface AdminConfig {
  readonly address: Extract<Address, { readonly transport: "tcp" }>;
  /**
   * Names and addresses that it answers to besides those of this machine alone; undefined: on an address of this machine
   * alone none, on another one any address.
   */
  readonly hosts: readonly string[] | undefined;
}

/** A configuration, or everything that is wrong with it. */
export type ConfigResult =
  | {
    readonly ok: true;
    readonly config: GatewayConfig;
    /** Where its values stand in the text. */
    readonly locate: Locate;
  }
  | { readonly ok: false; readonly faults: readonly ConfigFault[]; readonly source: string | undefined };

/** Reads and checks a file. The format is that of its name: `.yaml`, `.yml`, `.json`, `.toml`. Never rejects. */
export async function loadConfig(path: string): Promise<ConfigResult> {
  const source = await loadSource(path);
  return source.ok ? parseConfig(source.text, source) : source;
}

/** A file's text, for {@linkcode parseConfig}. */
interface ConfigSource {
  readonly ok: true;
  readonly text: string;
  readonly format: ConfigFormat;
  readonly source: string;
  readonly folder: string;
}

/** Reads a file, and does not check it yet. Never rejects. */
export async function loadSource(
  path: string,
): Promise<ConfigSource | Extract<ConfigResult, { readonly ok: false }>> {
  const fail = (found: unknown, expected: string, hint?: string) => ({
    ok: false as const,
    faults: [{ path: "", found, expected, hint }],
    source: path,
  });
  const format = formatOfFile(path);
  if (format === undefined) return fail(path, "a file whose name ends in .yaml, .yml, .json or .toml");
  let text: string;
  try {
    text = await readTextFile(path);
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: string };
    const missing = code === "ENOENT" ? "there is no such file" : message;
    return fail(undefined, "a file that can be read", missing);
  }
  return { ok: true, text, format, source: path, folder: folderOfFile(path) };
}

/** Checks a text. `source` is what messages call it; `folder` is where relative paths in it start. */
export function parseConfig(
  text: string,
  options: {
    readonly format: ConfigFormat;
    readonly source?: string | undefined;
    /** @default that of the process */
    readonly folder?: string | undefined;
  },
): ConfigResult {
  const parsed = parseText(text, options.format);
  if (!parsed.ok) return { ok: false, faults: parsed.faults, source: options.source };
  return check(parsed.value, parsed.locate, options.source, options.folder);
}

/** Checks a value of plain objects and arrays, as a file of JSON would hold. */
export function checkConfig(value: unknown): ConfigResult {
  return check(value, () => undefined);
}

function check(value: unknown, locate: Locate, source?: string, folder = "."): ConfigResult {
  const list = new FaultList(locate);
  const config = readGateway(list, value, folder);
  if (config !== undefined && list.faults.length === 0) return { ok: true, config, locate };
  const faults = list.faults.toSorted((a, b) =>
    (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
  );
  return { ok: false, faults, source };
}

function readGateway(list: FaultList, value: unknown, folder: string): GatewayConfig | undefined {
  const section = Section.open(list, [], value, "a table with endpoints");
  if (section === undefined) return undefined;
  const bus = readBus(section, folder);
  const node = nodeOf(section.take("node", nodeName), bus.type);
  const endpoints = readEndpoints(list, section, { bus: bus.type, node }, folder);
  const admin = section.table("admin", 'a table such as { listen: "127.0.0.1:9464" }', readAdmin);
  const shutdown = section.table(
    "shutdown",
    'a table such as { deadline: "30s", spread: "10s" }',
    (table) => ({ deadline: table.take("deadline", finiteDuration), spread: table.take("spread", wait) }),
  );
  const memoryBudget = section.take("memoryBudget", size);
  const processes = readProcesses(section);
  if (processes !== undefined) addProcessesFaults(list, { bus, endpoints });
  const telemetry = readTelemetry(section);
  const logLevel = section.table(
    "log",
    "a table such as { level: info }",
    (table) => table.take("level", oneOf<LogLevel>(["debug", "info", "warn", "error"])),
  );
  refuseSharedPlaces(list, listenPlaces(value as Table));
  section.close();
  return {
    written: list.faults.length === 0 ? writtenKeys(value) : new Map(),
    endpoints,
    bus,
    node,
    admin,
    shutdownDeadline: shutdown?.deadline ?? 30_000,
    drainSpread: shutdown?.spread ?? 0,
    logLevel: logLevel ?? "info",
    memoryBudget,
    processes,
    telemetry,
  };
}

/** The name of this process on the bus: each of several has connections of its own. */
function nodeOf(name: string | undefined, bus: BusConfig["type"]): string {
  // Deno asks for a permission, which nobody needs who is alone.
  if (!busTypes[bus].network) return name ?? "local";
  const number = membership()?.number;
  return `${name ?? subjectToken(hostName())}${number === undefined ? "" : `-${number}`}`;
}

type Table = Readonly<Record<string, unknown>>;

/** Where the endpoints and the admin endpoint listen, as it is written. */
function listenPlaces({ endpoints, admin }: Table): ListenPlace[] {
  const tables = Array.isArray(endpoints) ? endpoints as readonly unknown[] : [];
  const places = tables.map((item, index) => placeOf(["endpoints", index, "listen"], item));
  return [...places, placeOf(["admin", "listen"], admin)].filter((place) => place !== undefined);
}

function placeOf(path: ConfigPath, item: unknown): ListenPlace | undefined {
  if (typeof item !== "object" || item === null) return undefined;
  const { listen, connect, reusePort, ipv6Only } = item as Table;
  if (listen === undefined || connect !== undefined) return undefined;
  return { path, value: listen, reusePort: reusePort === true, ipv6Only: ipv6Only === true };
}

function readAdmin(table: Section): AdminConfig | undefined {
  const place = table.require("listen", address("listen"), 'where to listen, such as "127.0.0.1:9464"');
  const hosts = table.take("hosts", hostNames);
  if (place?.transport === "unix") {
    table.refuse("listen", formatAddress(place), 'a host and port such as "127.0.0.1:9464"');
    return undefined;
  }
  return place && { address: place, hosts };
}

function readEndpoints(
  list: FaultList,
  section: Section,
  around: EndpointSurroundings,
  folder: string,
): EndpointConfig[] {
  const value = section.raw("endpoints");
  if (!Array.isArray(value) || value.length === 0) {
    section.refuse("endpoints", value, "a list of one or more endpoints");
    return [];
  }
  const endpoints = value.map((item, index) =>
    readEndpoint(list, ["endpoints", index], item, around, folder)
  );
  refuseTwins(list, value, (item) => item.name, "name");
  refuseSharedSubjects(list, endpoints, around);
  refuseSharedSpools(list, endpoints);
  return endpoints.filter((endpoint) => endpoint !== undefined);
}

/** Two endpoints of one name cannot be told apart. */
function refuseTwins(
  list: FaultList,
  endpoints: readonly unknown[],
  mark: (endpoint: Record<string, unknown>) => unknown,
  key: string,
): void {
  const seen = new Map<unknown, number>();
  endpoints.forEach((endpoint, index) => {
    if (typeof endpoint !== "object" || endpoint === null) return;
    const value = mark(endpoint as Record<string, unknown>);
    if (value === undefined) return;
    const first = seen.get(value);
    if (first === undefined) seen.set(value, index);
    else list.add(["endpoints", index, key], value, `a different ${key} from that of endpoints[${first}]`);
  });
}
