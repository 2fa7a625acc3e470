/** The default of every option `logger`: JSON lines on standard error, which never wait; and loggers that may throw. */
import type { Logger, LogRecord } from "../core/logger.ts";
import { LossyLines } from "./lossy_lines.ts";
import { standardError } from "./standard_output.ts";

let lines: LossyLines | undefined = undefined;

/**
 * Warnings and errors to standard error, one JSON line each: the default. It never waits: while nobody reads, lines are
 * left out and counted, and their number is told when there is room again. The runtimes' `console` blocks the process
 * instead (Deno), or keeps every line.
 */
export function standardLogger(record: LogRecord): void {
  if (record.level !== "warn" && record.level !== "error") return;
  lines ??= new LossyLines(
    standardError(),
    (count) => format({ level: "warn", message: "log records were dropped", fields: { count } }),
  );
  lines.write(format(record));
}

function format({ level, message, fields }: LogRecord): string {
  // What is in the fields may come from outside: it must not pass for the record's own.
  const own = { level, message };
  return `${JSON.stringify({ ...own, ...fields, ...own })}\n`;
}

/** The logger itself: what it throws goes to standard error, and disturbs nobody. */
export function guarded(log: Logger): Logger {
  return (record) => {
    try {
      log(record);
    } catch (error) {
      standardLogger({ level: "error", message: "logger failed", fields: { error: errorText(error) } });
    }
  };
}

/** What was thrown, as text. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
