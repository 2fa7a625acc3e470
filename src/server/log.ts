/** Structured log records (F-53) of what happens at a server and its connections. */
import type { Session } from "../connection/session.ts";
import type { TerminationRecord } from "../connection/termination.ts";
import type { FrameError } from "../core/errors.ts";
import type { Peer } from "../core/transport.ts";
import type { Logger, LogRecord } from "./server_options.ts";

type AnySession = Pick<Session<unknown, never, unknown>, "id" | "transport">;

/** Warnings and errors to the console, one JSON line each: the default. */
export function consoleLogger(record: LogRecord): void {
  if (record.level !== "warn" && record.level !== "error") return;
  console[record.level](JSON.stringify({ level: record.level, message: record.message, ...record.fields }));
}

/** Facts that identify a connection in every record. */
export function connectionFields(session: AnySession): Record<string, unknown> {
  return { "conn.id": session.id, ...peerFields(session.transport.peer) };
}

/** Facts that identify a peer. */
export function peerFields(peer: Peer): Record<string, unknown> {
  return { "peer.ip": peer.ip, "peer.port": peer.port };
}

export function logOpened(log: Logger, session: AnySession): void {
  log({ level: "debug", message: "connection opened", fields: connectionFields(session) });
}

export function logClosed(log: Logger, session: AnySession, record: TerminationRecord): void {
  const { connectionId: _, peer: __, error, ...facts } = record;
  const fields = {
    ...connectionFields(session),
    ...facts,
    ...(error && { error: error.message, errorReason: error._tag }),
  };
  log({ level: "info", message: "connection closed", fields });
}

export function logFrameError(log: Logger, session: AnySession, error: FrameError): void {
  const { reason, message, offset, looksLike } = error;
  log({
    level: "warn",
    message: "frame error",
    fields: { ...connectionFields(session), reason, error: message, offset, looksLike },
  });
}

export function logHandlerError(log: Logger, session: AnySession, error: unknown): void {
  const text = error instanceof Error ? error.stack ?? error.message : String(error);
  log({ level: "error", message: "handler failed", fields: { ...connectionFields(session), error: text } });
}
