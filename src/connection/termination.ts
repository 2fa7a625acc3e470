/**
 * How one connection ended: the record that `onDisconnect`, the logs, the metrics and
 * `connection.closed` share.
 */
import type { MillraceError } from "../core/errors.ts";
import type { Peer } from "../core/transport.ts";

/**
 * Why a connection ended; the first cause wins. `peer_closed` and `drained` say that it ended well, and give way to what
 * prevents that; `handler_done` and `closed` give way to `close_timeout` alone.
 */
export type CloseReason =
  /** The peer sent FIN at a frame boundary and everything owed to it was delivered. */
  | "peer_closed"
  /** The peer reset the connection, or it broke (`error` says how). */
  | "peer_reset"
  /** The handler returned, or `close()` was called. */
  | "handler_done"
  | "closed"
  /** `destroy()` was called. */
  | "aborted"
  /** `server.kill()` or `connection.destroy({ … })` was called; `code` and `message` are the caller's. */
  | "killed"
  /** The server shut down and this connection ended in time. */
  | "drained"
  /** The server shut down and this connection, which had no other reason to end, was destroyed: at the deadline, or by `server.destroy()`. */
  | "shutdown"
  | "idle_timeout"
  | "first_frame_timeout"
  | "frame_timeout"
  /** The peer sent FIN, or we began to close, and what was owed made no progress for `closeTimeout`. */
  | "close_timeout"
  /** Bytes that are not frames, a frame over the limit, or an end inside a frame. */
  | "frame_error"
  /** `upgrade()` failed: the peer's TLS, or plaintext behind the command that asked for it. */
  | "tls_error"
  /** The handler, `onFrame`, `onConnect` or `onFirstByte` threw or rejected. */
  | "handler_error"
  /** Egress policy `close`: the peer read too slowly. */
  | "egress_limit";

/** One connection's end, as data. */
export interface TerminationRecord {
  /** Id of the connection. */
  readonly connectionId: string;
  /** Both addresses. */
  readonly peer: Peer;
  /** Why it ended: the first cause, not what followed from it. */
  readonly reason: CloseReason;
  /** Whose act ended it. */
  readonly endedBy: "peer" | "local";
  /**
   * How our side let go: FIN after everything was flushed, or RST (FIN where the runtime cannot reset), which may take
   * from the peer what it had not read yet. An end before everything was handed to the kernel is never `"fin"`.
   */
  readonly endedWith: "fin" | "rst";
  /** The code given to `kill` or `destroy`. */
  readonly code: string | undefined;
  /** The text given to `kill`, `destroy` or `close`, or the error's message. */
  readonly message: string | undefined;
  /** The error behind it, where there is one. */
  readonly error: MillraceError | undefined;
  /** Wall-clock time of the start, milliseconds since 1970. */
  readonly startedAt: number;
  /** How long it was open, in milliseconds. */
  readonly durationMs: number;
  /** Bytes that came from the peer. */
  readonly bytesReceived: number;
  /** Whole frames that were cut out of them. */
  readonly framesReceived: number;
  /** Frames that could not be cut: those that were skipped, and one that ended it. */
  readonly frameErrors: number;
  /** Bytes of a frame that never became complete. */
  readonly partialFrameBytes: number;
  /**
   * Frames that were received but never reached the handler. Of more than 4,096 that wait when the connection breaks,
   * those that a loop over it may still ask for are neither received nor unhandled yet.
   */
  readonly framesUnhandled: number;
  /** Bytes that the kernel took. */
  readonly bytesSent: number;
  /** Frames that the kernel took whole. */
  readonly framesSent: number;
  /** Bytes and frames accepted by `send` of which the kernel is not known to have taken all. */
  readonly bytesUnsent: number;
  /** Frames of those, one that the kernel took in part included. */
  readonly framesUnsent: number;
  /** Frames given up by a drop policy. */
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

/** The parts of a session that the record is made of. */
interface Ended {
  readonly id: string;
  readonly startedAt: number;
  readonly ageMs: number;
  readonly frameErrors: number;
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

/** The record of a connection that has just ended. */
export function makeRecord(session: Ended, ending: Ending, endedWith: "fin" | "rst"): TerminationRecord {
  const { pipeline, delivery, outbox } = session;
  return {
    connectionId: session.id,
    peer: session.transport.peer,
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
