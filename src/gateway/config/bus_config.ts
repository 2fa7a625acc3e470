/**
 * The bus of a configuration: which one, how much may wait in it, and what is to be known of its type.
 *
 * Called by `config.ts`; a running bus is made of it by `make_bus.ts`. What a type has of its own is in `bus_types/`.
 */
import { type BusSettings, type BusTypeName, busTypes } from "../bus_types/bus_types.ts";
import type { Section } from "./section.ts";
import { finiteSize, integer, oneOf } from "./values.ts";

/** Which bus carries the frames, and how much may wait in each of its queues. */
export interface BusConfig<Name extends BusTypeName = BusTypeName> {
  readonly type: Name;
  /** Messages that may wait for one subscriber before publishers wait. */
  readonly queueMessages: number;
  /** Payload bytes that may. */
  readonly queueBytes: number;
  /** What belongs to its type. */
  readonly settings: BusSettings[Name];
}

const names = Object.keys(busTypes) as readonly BusTypeName[];
const queues = { queueMessages: 1024, queueBytes: 8 * 1024 * 1024 };

/** Reads it; `folder` is where relative paths start. */
export function readBus(section: Section, folder: string): BusConfig {
  const short = (type: BusTypeName): BusConfig => ({ type, ...queues, settings: busTypes[type].standard });
  if (typeof section.raw("bus") === "string") return short(section.take("bus", oneOf(names)) ?? "memory");
  const expected = `${names.join(", ")}, or a table such as { type: memory }`;
  return section.table("bus", expected, (table) => readTable(table, folder)) ?? short("memory");
}

function readTable(table: Section, folder: string): BusConfig {
  const type = table.require("type", oneOf(names), names.map((name) => `"${name}"`).join(" or ")) ?? "memory";
  return {
    type,
    queueMessages: table.take("queueMessages", integer(1)) ?? queues.queueMessages,
    queueBytes: table.take("queueBytes", finiteSize) ?? queues.queueBytes,
    settings: busTypes[type].read(table, folder),
  };
}
