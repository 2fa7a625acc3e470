/** One frame to many connections: encoded once, each under its own egress policy, counted. */
import { ByteWriter } from "../core/bytes/bytes.ts";
import type { Framing } from "../core/framing/framing.ts";
import type { OutcomeListener, SendOutcome } from "../core/flow/outcome.ts";
import type { Connection } from "./connection.ts";
import type { Session } from "./session.ts";

/** Outcomes of a broadcast, counted. */
export interface BroadcastReport {
  /** Connections that the frame was addressed to. */
  readonly targets: number;
  /** Connections on which the kernel has accepted the frame. */
  readonly sent: number;
  /** Connections whose egress policy dropped it. */
  readonly dropped: number;
  /** Connections that ended first, or whose limit rejected it. */
  readonly failed: number;
}

/**
 * Sends to the sessions for whose connection `filter` is true; resolves when every outcome is in. Rejects, and sends
 * nothing, for a frame that the framing cannot write and with what `filter` throws.
 */
export async function broadcast<Received, Sent, Context>(
  sessions: Iterable<Session<Received, Sent, Context>>,
  framing: Framing<Received, Sent>,
  frame: Sent,
  filter: ((connection: Connection<Received, Sent, Context>) => boolean) | undefined,
): Promise<BroadcastReport> {
  const { bytes, chosen } = prepare(sessions, framing, frame, filter);
  const counts = { sent: 0, dropped: 0, failed: 0 };
  const targets = chosen.length;
  if (targets === 0) return { targets, ...counts };
  return await new Promise((resolve) => {
    let missing = targets;
    for (const session of chosen) {
      const count = (status: SendOutcome["status"]): void => {
        counts[status]++;
        if (--missing === 0) resolve({ targets, ...counts });
      };
      const listen: OutcomeListener = ({ status }) => count(status);
      if (session.outbox.framing === framing) session.sendEncoded(bytes, listen);
      else sendOwn(session, frame, listen, () => count("failed"));
    }
  });
}

/**
 * Sends to the same sessions without waiting; returns how many they are. Throws what `broadcast` rejects
 * with, and then sends nothing.
 */
export function publish<Received, Sent, Context>(
  sessions: Iterable<Session<Received, Sent, Context>>,
  framing: Framing<Received, Sent>,
  frame: Sent,
  filter: ((connection: Connection<Received, Sent, Context>) => boolean) | undefined,
): number {
  const { bytes, chosen } = prepare(sessions, framing, frame, filter);
  for (const session of chosen) {
    if (session.outbox.framing === framing) session.sendEncoded(bytes);
    else sendOwn(session, frame, undefined, () => {});
  }
  return chosen.length;
}

/** The frame in bytes, and whom it is for, before anything is sent. */
function prepare<Received, Sent, Context>(
  sessions: Iterable<Session<Received, Sent, Context>>,
  framing: Framing<Received, Sent>,
  frame: Sent,
  filter: ((connection: Connection<Received, Sent, Context>) => boolean) | undefined,
): { readonly bytes: Uint8Array; readonly chosen: readonly Session<Received, Sent, Context>[] } {
  const writer = new ByteWriter();
  framing.encode(frame, writer);
  const bytes = writer.take();
  const chosen = [...sessions].filter((session) => filter === undefined || filter(session.connection));
  return { bytes, chosen };
}

/** To a connection whose framing has changed, which may not be able to write such a frame. */
function sendOwn<Received, Sent, Context>(
  session: Session<Received, Sent, Context>,
  frame: Sent,
  listen: OutcomeListener | undefined,
  failed: () => void,
): void {
  try {
    session.send(frame, listen);
  } catch {
    failed();
  }
}
