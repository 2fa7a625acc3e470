/** A server's log records on the loggers of a program written with Effect. Only the entry point `effect` loads it. */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as LogLevel from "effect/LogLevel";
import * as Tracer from "effect/Tracer";
import type { Logger, LogRecord } from "../core/logger.ts";

const levels = { debug: "Debug", info: "Info", warn: "Warn", error: "Error" } as const;

/**
 * Each record is one message at its level, and its facts are annotations, beside those of the program around `serve`.
 * Nothing is made of what the program's minimum level leaves out.
 */
export function effectLogger(services: Context.Context<never>): Logger {
  // The span around `serve` is over by the time that something happens.
  const run = Effect.runSyncWith(Context.omit(Tracer.ParentSpan)(services) as Context.Context<never>);
  const enabled = new Set(Object.values(levels).filter((severity) => run(LogLevel.isEnabled(severity))));
  return ({ level, message, fields }) => {
    const severity = levels[level];
    if (!enabled.has(severity)) return;
    run(Effect.annotateLogs(Effect.logWithLevel(severity)(message), known(fields)));
  };
}

/** The facts that are there. */
function known(fields: LogRecord["fields"]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
