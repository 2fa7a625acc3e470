/** Structured log records (F-53) of what happens at a server and its connections. */
import type { RegistryObserver } from "../connection/registry.ts";
import type { Peer } from "../core/transport.ts";
import type { Logger, LogRecord } from "./server_options.ts";

/** Warnings and errors to the console, one JSON line each: the default. */
export function consoleLogger(record: LogRecord): void {
  if (record.level !== "warn" && record.level !== "error") return;
  console[record.level](JSON.stringify({ level: record.level, message: record.message, ...record.fields }));
}

/** The logger itself: what it throws goes to the console, and disturbs nobody. */
export function guarded(log: Logger): Logger {
  return (record) => {
    try {
      log(record);
    } catch (error) {
      consoleLogger({ level: "error", message: "logger failed", fields: { error: errorText(error) } });
    }
  };
}

/** What was thrown, as text. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

/** Facts that identify a peer. */
export function peerFields(peer: Pick<Peer, "ip" | "port">): Record<string, unknown> {
  return { "peer.ip": peer.ip, "peer.port": peer.port };
}

/** Facts that identify a connection in every record. */
function connectionFields(session: { readonly id: string; readonly transport: { readonly peer: Peer } }) {
  return { "conn.id": session.id, ...peerFields(session.transport.peer) };
}

/** Writes records of what happens to connections. */
export function logObserver<Received, Sent, Context>(log: Logger): RegistryObserver<Received, Sent, Context> {
  return {
    opened(session) {
      log({ level: "debug", message: "connection opened", fields: connectionFields(session) });
    },
    closed(session, record) {
      const { connectionId: _, peer: __, error, message: detail, ...facts } = record;
      const fault = error && { error: error.message, errorReason: error._tag };
      const fields = {
        ...connectionFields(session),
        ...facts,
        ...(detail !== undefined && { detail }),
        ...fault,
      };
      log({ level: "info", message: "connection closed", fields });
    },
    frameFailed(session, { reason, message, offset, looksLike }) {
      const fields = { ...connectionFields(session), reason, error: message, offset, looksLike };
      log({ level: "warn", message: "frame error", fields });
    },
    handlerFailed(session, error) {
      const fields = { ...connectionFields(session), error: errorText(error) };
      log({ level: "error", message: "handler failed", fields });
    },
  };
}
