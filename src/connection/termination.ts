/** How one connection ended: the record that `onDisconnect`, the logs, the metrics and `connection.closed` share. */
import { type MillraceError, SocketError } from "../core/errors.ts";
import type { Peer } from "../core/transport.ts";

/**
 * Why a connection ended; the first cause wins. `peer_closed`, `drained` and `max_lifetime` mean a clean end, and are
 * replaced by an error that prevents it; `handler_done` and `closed` are only replaced by `close_timeout`.
 */
export type CloseReason =
  /** The peer sent FIN at a frame boundary and everything owed to it was delivered. */
  | "peer_closed"
  /** The peer reset the connection, or it broke (`error` says how). */
  | "peer_reset"
  /**
   * On a server: the peer connected, sent no byte, and closed or reset the connection, as health checks of load
   * balancers do. At most one frame had been sent to it, such as a greeting. Not a fault: `error` is undefined.
   */
  | "probe"
  /** The handler returned, or `close()` was called. */
  | "handler_done"
  | "closed"
  /** `destroy()` was called. */
  | "aborted"
  /** `server.kill()` or `connection.destroy({ … })` was called; `code` and `message` are the caller's. */
  | "killed"
  /** The server shut down, and this connection ended before the deadline. */
  | "drained"
  /** The server shut down, and this connection was destroyed: at the deadline, or by `server.destroy()`. */
  | "shutdown"
  /** It was open for `maxLifetime`. */
  | "max_lifetime"
  | "idle_timeout"
  | "first_frame_timeout"
  | "frame_timeout"
  /** The bytes of a frame that had begun came more slowly than `minByteRate`. */
  | "byte_rate"
  /** `requests`: heartbeats were not answered, or no reply came of all those that were awaited. */
  | "reply_timeout"
  /** The peer sent FIN or this side began to close, and the remaining work made no progress for `closeTimeout`. */
  | "close_timeout"
  /** Bytes that are not frames, a frame over the limit, or an end inside a frame. */
  | "frame_error"
  /** `upgrade()` failed: the handshake, or plaintext after the command that asked for it. */
  | "tls_error"
  /** The handler, `onFrame`, `onConnect` or `onFirstByte` threw or rejected. */
  | "handler_error"
  /** Egress policy `close`: the peer read too slowly. */
  | "egress_limit"
  /** `memoryBudget` was exceeded, and this connection held most of those that stood still. */
  | "memory_budget"
  /** The worker that had the connection has ended, or none was there in time: `message` says how. Only with `workers()`. */
  | "worker_lost";

/** Ends that are nobody's fault, and that handler and peer are told of in time. */
export type Retiring = "drained" | "max_lifetime";

/** One connection's end, as data. */
export interface TerminationRecord {
  /** Id of the connection. */
  readonly connectionId: string;
  /** Both addresses. */
  readonly peer: Peer;
  /** Its protocol, as named in the server's `firstBytes.protocols`; undefined for the server's own. */
  readonly protocol: string | undefined;
  /** Why it ended: the first cause, not what followed from it. */
  readonly reason: CloseReason;
  /** Which side ended it. */
  readonly endedBy: "peer" | "local";
  /**
   * How this side closed the socket: FIN after everything was flushed, or RST (FIN where the runtime cannot reset),
   * which may discard data that the peer has not read yet. Never `"fin"` if some data had not reached the kernel.
   */
  readonly endedWith: "fin" | "rst";
  /** The code given to `kill` or `destroy`. */
  readonly code: string | undefined;
  /** The text given to `kill`, `destroy` or `close`, or the error's message. */
  readonly message: string | undefined;
  /** The error that caused it, if there is one. */
  readonly error: MillraceError | undefined;
  /** Wall-clock time of the start, milliseconds since 1970. */
  readonly startedAt: number;
  /** How long it was open, in milliseconds. */
  readonly durationMs: number;
  /** Bytes received. */
  readonly bytesReceived: number;
  /** Complete frames received. */
  readonly framesReceived: number;
  /** Bad frames: those that were skipped, and the one that ended the connection. */
  readonly frameErrors: number;
  /** Bytes of a frame that never became complete. */
  readonly partialFrameBytes: number;
  /**
   * Frames that were received but never reached the handler. If more than 4,096 wait when the connection breaks,
   * frames that a loop may still ask for are counted as neither received nor unhandled yet.
   */
  readonly framesUnhandled: number;
  /** Bytes handed to the kernel. */
  readonly bytesSent: number;
  /** Frames handed to the kernel completely. */
  readonly framesSent: number;
  /** Bytes accepted by `send` that did not reach the kernel as far as is known. */
  readonly bytesUnsent: number;
  /** Frames that these bytes belong to, including one that reached the kernel in part. */
  readonly framesUnsent: number;
  /** Frames dropped by the egress policy. */
  readonly framesDropped: number;
}

/** The first cause of an end, noted when the end begins. */
export interface Ending {
  readonly reason: CloseReason;
  readonly by: "peer" | "local";
  readonly error: MillraceError | undefined;
  readonly message: string | undefined;
  readonly code: string | undefined;
}

/** Why and by whom it ends, and what goes into the record. */
export type Cause = readonly [
  reason: CloseReason,
  by: "peer" | "local",
  error?: MillraceError | undefined,
  message?: string | undefined,
  code?: string | undefined,
];

/** Causes that stand for as long as all that is owed gets delivered. */
export const hopes: readonly CloseReason[] = ["peer_closed", "drained", "max_lifetime"];
/** Those of them, and of our own closing, that a delivery which has failed makes untrue. */
export const promises: readonly CloseReason[] = [...hopes, "handler_done", "closed"];
/** A peer that let time pass has had its time. */
export const outOfTime: readonly CloseReason[] = [
  "first_frame_timeout",
  "frame_timeout",
  "byte_rate",
  "idle_timeout",
];

/** Ends of the connection's own code, or of a peer that had said all: they are not errors for a reader. */
export const quietEnds: readonly CloseReason[] = ["closed", "handler_done", "peer_closed"];

/** The parts of a session that the record is made of. */
interface Ended {
  readonly id: string;
  readonly startedAt: number;
  readonly ageMs: number;
  readonly frameErrors: number;
  readonly profile: { readonly accepted: boolean; readonly protocol: string | undefined };
  readonly transport: { readonly peer: Peer };
  readonly pipeline: {
    readonly bytesReceived: number;
    readonly framesReceived: number;
    readonly partialFrameBytes: number;
  };
  readonly delivery: { readonly unhandled: number; readonly inbox: { readonly length: number } };
  readonly outbox: {
    readonly bytesSent: number;
    readonly framesSent: number;
    readonly pending: number;
    readonly framesPending: number;
    readonly framesDropped: number;
  };
}

/** A peer that left as a check of a load balancer does: nothing came, and no more than a greeting was sent. */
function isProbe({ profile, pipeline, outbox }: Ended, { reason }: Ending): boolean {
  return profile.accepted && pipeline.bytesReceived === 0 &&
    (reason === "peer_closed" || reason === "peer_reset") && outbox.framesSent + outbox.framesPending <= 1;
}

const probe: Ending = { reason: "probe", by: "peer", error: undefined, message: undefined, code: undefined };

/** The record of a connection that has just ended. */
export function makeRecord(session: Ended, cause: Ending, endedWith: "fin" | "rst"): TerminationRecord {
  const { pipeline, delivery, outbox } = session;
  const ending = isProbe(session, cause) ? probe : cause;
  return {
    connectionId: session.id,
    peer: session.transport.peer,
    protocol: session.profile.protocol,
    reason: ending.reason,
    endedBy: ending.by,
    endedWith,
    code: ending.code,
    message: ending.message ?? ending.error?.message,
    error: ending.error,
    startedAt: session.startedAt,
    durationMs: session.ageMs,
    bytesReceived: pipeline.bytesReceived,
    framesReceived: pipeline.framesReceived,
    frameErrors: session.frameErrors,
    partialFrameBytes: pipeline.partialFrameBytes,
    framesUnhandled: delivery.unhandled + delivery.inbox.length,
    bytesSent: outbox.bytesSent,
    framesSent: outbox.framesSent,
    bytesUnsent: outbox.pending,
    framesUnsent: outbox.framesPending,
    framesDropped: outbox.framesDropped,
  };
}

/** In words, for errors. */
export function whyOf({ reason, message }: Ending): string {
  return message === undefined ? reason : `${reason}: ${message}`;
}

/** What a send fails with that cannot happen any more; made when one does, since most ends meet none. */
export function closedError(
  id: string,
  how: string,
  cause: MillraceError | undefined,
): () => MillraceError {
  let error = cause;
  return () => {
    error ??= new SocketError("closed", `send on connection ${id}: ${how}`);
    error.connectionId = id;
    return error;
  };
}

/** What a pending read fails with. */
export function lostError(id: string, ending: Ending): MillraceError {
  if (ending.error !== undefined) return ending.error;
  const lost = new SocketError("aborted", `receive on connection ${id}: it was dropped (${whyOf(ending)})`);
  lost.connectionId = id;
  return lost;
}
