/** Writes the termination record (F-62) from what a connection's parts counted. */
import type { Peer } from "../core/transport.ts";
import type { Ending, TerminationRecord } from "./termination.ts";

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
