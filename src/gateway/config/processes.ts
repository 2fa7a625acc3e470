/**
 * How many processes serve one gateway: the key `processes`, and what does not go with it.
 *
 * Used by `config.ts`, and by the command line, whose flags say the same.
 */
import { formatAddress } from "../../core/text/address.ts";
import { cpuList } from "../../core/text/cpu_list.ts";
import type { Backoff, BackoffSchedule } from "../../core/time/backoff.ts";
import type { EndpointConfig } from "./endpoint_config.ts";
import { type ConfigPath, type FaultList, formatPath } from "./fault.ts";
import { readBackoff } from "./backoff.ts";
import { type Read, Refusal, type Section } from "./section.ts";
import { integer } from "./values.ts";

/** Several processes that serve. */
export interface ProcessesConfig {
  /** `auto` for as many as there are processors. */
  readonly count: number | "auto";
  /** Of process 1, 2 and so on, and then from the first again; empty for that of this process. From -20, first, to 19, last. */
  readonly priority: readonly number[];
  /** Processors in the same way; `auto` for one each. */
  readonly cpus: readonly string[] | "auto";
  /** When one that has died is started again, and when to give up. */
  readonly restart: BackoffSchedule;
}

/** The most that are started. */
export const mostProcesses = 256;

const restartDefaults: BackoffSchedule = {
  initial: 100,
  factor: 2,
  max: 10_000,
  jitter: 0.2,
  attempts: 10,
  for: Infinity,
};

/** One process for now. */
export const standardProcesses: ProcessesConfig = {
  count: 1,
  priority: [],
  cpus: [],
  restart: restartDefaults,
};

const countRead: Read<number | "auto"> = (value) => {
  if (value === "auto") return value;
  try {
    return integer(1, mostProcesses)(value);
  } catch {
    throw new Refusal(`a whole number, 1 to ${mostProcesses}, or auto for one each processor`);
  }
};

const one = integer(-20, 19);
const priorityRead: Read<readonly number[]> = (value) => {
  try {
    return Array.isArray(value) && value.length > 0 ? value.map(one) : [one(value)];
  } catch {
    throw new Refusal("a whole number, -20 to 19, or a list of one each process");
  }
};

const cpusRead: Read<readonly string[] | "auto"> = (value) => {
  if (value === "auto") return value;
  const items: readonly unknown[] = Array.isArray(value) && value.length > 0 ? value : [value];
  const lists = items.map((item) => typeof item === "number" || typeof item === "string" ? `${item}` : "");
  if (lists.every((list) => cpuList(list) !== undefined)) return lists;
  throw new Refusal('auto, processors such as "0-3" or "0,2", or a list of these, one each process');
};

/** Reads the key; undefined where it is not there. */
export function readProcesses(section: Section): ProcessesConfig | undefined {
  const value = section.raw("processes");
  if (value === undefined) return undefined;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { ...standardProcesses, count: section.take("processes", countRead) ?? 1 };
  }
  return section.table("processes", "a number, auto, or a table such as { count: 4 }", (table) => {
    const backoff = readBackoff(table, "restart");
    if (typeof backoff === "boolean") table.refuse("restart", backoff, "a table such as { attempts: 5 }");
    return {
      count: table.require("count", countRead, "how many, or auto for one each processor") ?? 1,
      priority: table.take("priority", priorityRead) ?? [],
      cpus: table.take("cpus", cpusRead) ?? [],
      restart: scheduleOf(table, backoff),
    };
  });
}

function scheduleOf(table: Section, given: Backoff | boolean | undefined): BackoffSchedule {
  if (typeof given !== "object") return restartDefaults;
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  const merged = { ...restartDefaults, ...Object.fromEntries(entries) as Partial<BackoffSchedule> };
  const max = given.max === undefined ? Math.max(merged.max, merged.initial) : merged.max;
  if (max < merged.initial) {
    table.refuse("restart", table.raw("restart"), "a table whose max is at least as long as initial");
  }
  return { ...merged, max };
}

/** The part of a configuration that matters here. */
interface Shared {
  readonly bus: { readonly type: string };
  readonly endpoints: readonly EndpointConfig[];
}

/** What several processes cannot each have; `add` is told of it. */
function refuseForProcesses(
  { bus, endpoints }: Shared,
  add: (path: ConfigPath, found: unknown, expected: string) => void,
): void {
  const out = (why: string): string => `to be left out with processes: ${why}`;
  if (bus.type === "stdio") add(["bus"], bus.type, "another bus with processes: there is one standard input");
  for (const [index, endpoint] of endpoints.entries()) {
    const at = (key: string, found: unknown, why: string) => add(["endpoints", index, key], found, out(why));
    if (endpoint.mode === "client") {
      at(
        "connect",
        formatAddress(endpoint.address),
        "each process would connect; run client endpoints in a gateway of their own",
      );
      continue;
    }
    const { inherited, listener: { reusePort, bindRetry } } = endpoint;
    if (inherited !== undefined) {
      add(["endpoints", index, "listen"], inherited, "an address with processes: the first one binds it");
    }
    if (reusePort) at("reusePort", true, "the socket is shared anyway");
    if (bindRetry !== undefined && bindRetry !== false) {
      at("bindRetry", bindRetry, "the socket is bound once");
    }
  }
}

/** As text, for the command line. */
export function processesFault(config: Shared): string | undefined {
  const faults: string[] = [];
  refuseForProcesses(
    config,
    (path, _found, expected) => faults.push(`${formatPath(path)}: expected ${expected}`),
  );
  return faults[0];
}

/** The same as faults of a file. */
export function addProcessesFaults(list: FaultList, config: Shared): void {
  refuseForProcesses(config, (path, found, expected) => list.add(path, found, expected));
}
