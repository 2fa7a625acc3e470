/**
 * What the gateway says about itself: one JSON line a record, on standard error, from a level up.
 */
import type { Clock } from "../core/clock.ts";
import type { TextOutput } from "../host.ts";
import type { Logger, LogRecord } from "../server/server_options.ts";
import type { LogLevel } from "./config/config.ts";

const order: readonly LogRecord["level"][] = ["debug", "info", "warn", "error"];
/** Characters that may wait for a slow reader of standard error; beyond, records are counted, not kept. */
const mostWaiting = 256 * 1024;

/** A logger to a text output. It never waits: while the output is stuck, records are counted and reported later. */
export function lineLogger(output: TextOutput, level: LogLevel, clock: Clock): Logger {
  const least = order.indexOf(level);
  let waiting = 0;
  let missed = 0;
  const write = (line: string): void => {
    const wait = output.write(line);
    if (wait === undefined) return;
    waiting += line.length;
    const done = (): void => void (waiting -= line.length);
    wait.then(done, done);
  };
  const format = (record: LogRecord): string => {
    const { level, message, fields } = record;
    const own = { time: new Date(clock.wallTime()).toISOString(), level, message };
    // What is in the fields may come from outside: it must not pass for the record's own.
    return `${JSON.stringify({ ...own, ...fields, ...own })}\n`;
  };
  return (record) => {
    if (order.indexOf(record.level) < least) return;
    if (waiting > mostWaiting) {
      missed++;
      return;
    }
    if (missed > 0) {
      const fields = { count: missed };
      missed = 0;
      write(format({ level: "warn", message: "log records were left out", fields }));
    }
    write(format(record));
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
    const last = left === 1 ? { note: "further ones are only counted" } : {};
    this.#log({ level: "warn", message, fields: { ...fields, ...last } });
  }
}
