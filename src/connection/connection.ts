/** One framed connection as its handler sees it (the implementation follows in this file). */
import type { SendOutcome } from "../core/outcome.ts";
import type { Peer } from "../core/transport.ts";
import type { ConnectionState, ConnectionStats } from "./connection_options.ts";
import type { TerminationRecord } from "./termination.ts";

/** A framed connection: iterate it for frames, `send` to answer. */
export interface Connection<Received, Sent = Received, Context = undefined> extends AsyncIterable<Received> {
  /** Unique, and sorts by time of connecting. */
  readonly id: string;
  readonly peer: Peer;
  readonly state: ConnectionState;
  /** Wall-clock time, milliseconds since 1970. */
  readonly startedAt: number;
  /** The user's own value. */
  context: Context;
  stats(): ConnectionStats;
  /** Nothing while there is room, a promise when there is not: always right to `await`. */
  send(frame: Sent): void | Promise<void>;
  /** Sends and resolves with what became of the frame (F-67); never rejects for a peer's fault. */
  deliver(frame: Sent): Promise<SendOutcome>;
  /** Resolves when everything sent so far is in the kernel. */
  flush(): Promise<void>;
  /** Flush, then FIN; receiving goes on (half-close, F-47). */
  end(): void;
  /** Finish: deliver what was sent, FIN, wait briefly for the peer's FIN. */
  close(message?: string): Promise<TerminationRecord>;
  /** Close from above, with a reason and a code for the record (F-46). */
  kill(why?: { readonly reason?: string | undefined; readonly code?: string | undefined }): void;
  /** Drop now. */
  abort(): void;
  /** Aborted when the server drains or the connection ends: stop what you are doing. */
  readonly signal: AbortSignal;
  /** Resolves, never rejects, with the record of the end. */
  readonly closed: Promise<TerminationRecord>;
  readonly readable: ReadableStream<Received>;
  readonly writable: WritableStream<Sent>;
}
