/**
 * What the gateway says about itself: one JSON line a record, on standard error, from a level up.
 */
import type { Clock } from "../core/time/clock.ts";
import { LossyLines } from "../host/lossy_lines.ts";
import type { TextOutput } from "../host/standard_output.ts";
import type { Logger, LogRecord } from "../core/logger.ts";

const order: readonly LogRecord["level"][] = ["debug", "info", "warn", "error"];
/** A logger to a text output. It never waits: while the output is stuck, records are counted and reported later. */
export function lineLogger(
  output: TextOutput,
  level: LogRecord["level"] | (() => LogRecord["level"]),
  clock: Clock,
): Logger {
  const least = typeof level === "function" ? level : () => level;
  const format = (record: LogRecord): string => {
    const { level, message, fields } = record;
    const own = { time: new Date(clock.wallTime()).toISOString(), level, message };
    // What is in the fields may come from outside: it must not pass for the record's own.
    return `${JSON.stringify({ ...own, ...fields, ...own })}\n`;
  };
  const lines = new LossyLines(
    output,
    (count) => format({ level: "warn", message: "log records were dropped", fields: { count } }),
  );
  return (record) => {
    if (order.indexOf(record.level) >= order.indexOf(least())) lines.write(format(record));
  };
}

/** The same logger with these facts in every record, whatever else is in it. */
export function withFields(log: Logger, facts: Readonly<Record<string, unknown>>): Logger {
  return (record) => log({ ...record, fields: { ...facts, ...record.fields, ...facts } });
}

/** Lets the first few of a kind through, so that a flood of bad input is not a flood of records too. */
export class Sparingly {
  readonly #log: Logger;
  readonly #left: Map<string, number> = new Map();

  constructor(log: Logger) {
    this.#log = log;
  }

  warn(message: string, fields: Readonly<Record<string, unknown>>): void {
    const left = this.#left.get(message) ?? 10;
    if (left < 1) return;
    this.#left.set(message, left - 1);
    const last = left === 1 ? { note: "further ones are counted, not logged" } : {};
    this.#log({ level: "warn", message, fields: { ...fields, ...last } });
  }
}
