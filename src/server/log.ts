/** Structured log records of what happens at a server and its connections. */
import type { RegistryObserver } from "../connection/registry.ts";
import type { TerminationRecord } from "../connection/termination.ts";
import { type SocketError, TimeoutError, type Unfinished } from "../core/errors.ts";
import type { Address, Peer } from "../core/transport.ts";
import type { ServerState } from "./server_options.ts";
import type { Logger } from "../core/logger.ts";
import { errorText } from "../host/standard_log.ts";

/** Facts that identify a peer, and the proxy that it came through. */
export function peerFields({ ip, port, via }: Pick<Peer, "ip" | "port" | "via">): Record<string, unknown> {
  if (via === undefined) return { "peer.ip": ip, "peer.port": port };
  return { "peer.ip": ip, "peer.port": port, "proxy.ip": via.ip, "proxy.port": via.port };
}

/** Facts that identify a connection in every record. */
function connectionFields(
  { id, transport: { peer }, profile: { protocol } }: {
    readonly id: string;
    readonly transport: { readonly peer: Peer };
    readonly profile: { readonly protocol: string | undefined };
  },
) {
  return { "conn.id": id, ...peerFields(peer), ...(protocol !== undefined && { protocol }) };
}

/** What the record of an end says, by name: for each connection, so no copying by keys. */
function closedFields(record: TerminationRecord): Record<string, unknown> {
  const { error, message } = record;
  const fields: Record<string, unknown> & Facts = {
    "conn.id": record.connectionId,
    "peer.ip": record.peer.ip,
    "peer.port": record.peer.port,
    reason: record.reason,
    endedBy: record.endedBy,
    endedWith: record.endedWith,
    code: record.code,
    startedAt: record.startedAt,
    durationMs: record.durationMs,
    bytesReceived: record.bytesReceived,
    framesReceived: record.framesReceived,
    frameErrors: record.frameErrors,
    partialFrameBytes: record.partialFrameBytes,
    framesUnhandled: record.framesUnhandled,
    bytesSent: record.bytesSent,
    framesSent: record.framesSent,
    bytesUnsent: record.bytesUnsent,
    framesUnsent: record.framesUnsent,
    framesDropped: record.framesDropped,
  };
  const { via } = record.peer;
  if (via !== undefined) {
    fields["proxy.ip"] = via.ip;
    fields["proxy.port"] = via.port;
  }
  if (record.protocol !== undefined) fields.protocol = record.protocol;
  if (message !== undefined) fields.detail = message;
  if (error !== undefined) {
    fields.error = error.message;
    fields.errorReason = error._tag;
  }
  return fields;
}
/** Every number and word of the record is among them. */
type Facts = Omit<TerminationRecord, "connectionId" | "peer" | "error" | "message" | "protocol">;

/** Handlers that are named, one a record; of more than these only the number is told. */
const mostNamed = 20;

/** Handlers that had not returned when a drain was over, which is why connections had to be destroyed. */
export function logStuck(log: Logger, unfinished: readonly Unfinished[], deadlineMs: number): void {
  const stuck = unfinished.filter(({ handlerRunning }) => handlerRunning);
  for (const { id, ip, port, openMs } of stuck.slice(0, mostNamed)) {
    const fields = { "conn.id": id, ...peerFields({ ip, port }), openMs, deadlineMs };
    log({ level: "warn", message: "handler had not returned at the deadline", fields });
  }
  const more = stuck.length - mostNamed;
  if (more <= 0) return;
  const fields = { handlers: more, deadlineMs };
  log({ level: "warn", message: "more handlers had not returned at the deadline", fields });
}

/** For how long frames that are skipped belong to the episode whose first one was logged. */
const episodeMs = 10_000;

/**
 * One record for an episode of frames that were skipped, however many they are, and not one for each: a peer would
 * write our log. The closing record has their number.
 */
class Episodes {
  /** When the last episode of a connection was logged, by its age, and how many frames had come. */
  readonly #logged: WeakMap<object, { readonly at: number; readonly frames: number }> = new WeakMap();

  /** Whether this is the first of an episode. */
  begins(
    session: { readonly ageMs: number; readonly pipeline: { readonly framesReceived: number } },
  ): boolean {
    const last = this.#logged.get(session);
    const { ageMs, pipeline: { framesReceived } } = session;
    if (last !== undefined && (ageMs - last.at < episodeMs || framesReceived === last.frames)) return false;
    this.#logged.set(session, { at: ageMs, frames: framesReceived });
    return true;
  }
}

/** What the stream looks like of a connection that ran out of time before its first frame. */
function misread({ error }: TerminationRecord): string | undefined {
  return error instanceof TimeoutError ? error.looksLike : undefined;
}

/** Writes records of what happens to connections. */
export function logObserver<Received, Sent, Context>(log: Logger): RegistryObserver<Received, Sent, Context> {
  const episodes = new Episodes();
  return {
    opened(session) {
      log({ level: "debug", message: "connection opened", fields: connectionFields(session) });
    },
    closed(_session, record) {
      const looksLike = misread(record);
      const fields = closedFields(record);
      if (looksLike !== undefined) fields.looksLike = looksLike;
      // Checks of load balancers come every few seconds, and mean nothing.
      const level = record.reason === "probe" ? "debug" : looksLike === undefined ? "info" : "warn";
      log({ level, message: "connection closed", fields });
    },
    frameFailed(session, { reason, message, offset, looksLike }, last) {
      if (!last && !episodes.begins(session)) return;
      const fields = { ...connectionFields(session), reason, error: message, offset, looksLike };
      log({ level: "warn", message: "frame error", fields });
    },
    budgetChanged({ limit, held, exceeded, episodes }) {
      const message = exceeded
        ? "memory budget exceeded: new connections are rejected"
        : "memory budget met again: new connections are accepted";
      log({ level: "warn", message, fields: { limitBytes: limit, heldBytes: held, episodes } });
    },
    handlerFailed(session, error) {
      const fields = { ...connectionFields(session), error: errorText(error) };
      log({ level: "error", message: "handler failed", fields });
    },
  };
}

/** A server is in another state. */
export function logState(
  log: Logger,
  state: ServerState,
  { address, tls }: { readonly address: Address; readonly tls: string | undefined },
): void {
  const fields = { address, ...(tls !== undefined && tls !== "" && { tls }) };
  log({ level: "info", message: `server ${state}`, fields });
}

/** A listener has failed; if `fatal`, it accepts no more. */
export function logListenerFailure(log: Logger, { message, reason }: SocketError, fatal: boolean): void {
  log({ level: "error", message: "listener failed", fields: { error: message, reason, fatal } });
}
