/** What the connections of one worker have counted, ended ones included. */

/** Counters of the frames that a worker cuts and sends. */
export interface WorkerTotals {
  /** Complete frames received. */
  readonly framesReceived: number;
  /** Frames handed to the kernel. */
  readonly framesSent: number;
  /** Frames dropped by an egress policy. */
  readonly framesDropped: number;
  /** Frames that were malformed, truncated or over the limit. */
  readonly frameErrors: number;
  /** Handlers and hooks that threw or rejected. */
  readonly handlerErrors: number;
  /** Bytes that the buffers of its connections hold, in the worker. */
  readonly heldBytes: number;
}

/** Nothing was counted yet. */
export const noTotals: WorkerTotals = {
  framesReceived: 0,
  framesSent: 0,
  framesDropped: 0,
  frameErrors: 0,
  handlerErrors: 0,
  heldBytes: 0,
};

/** What was counted by a worker and by those before it in its place; what is held is held by one alone. */
export function addTotals(before: WorkerTotals, now: WorkerTotals): WorkerTotals {
  return {
    framesReceived: before.framesReceived + now.framesReceived,
    framesSent: before.framesSent + now.framesSent,
    framesDropped: before.framesDropped + now.framesDropped,
    frameErrors: before.frameErrors + now.frameErrors,
    handlerErrors: before.handlerErrors + now.handlerErrors,
    heldBytes: now.heldBytes,
  };
}
