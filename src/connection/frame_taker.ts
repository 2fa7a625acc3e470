/**
 * For parts of ours that take the frames of a connection which is open already, as its `onFrame` would.
 *
 * Used by `client/requests`. Frames that have come and wait go first.
 */
import { OptionsError } from "../core/errors.ts";
import type { Connection } from "./connection.ts";
import type { Session } from "./session.ts";
import { SessionConnection } from "./session_connection.ts";

/** What is behind a connection whose frames nobody takes. Throws `OptionsError`; `path` is what the caller calls it. */
export function freeSession<Received, Sent>(
  connection: Connection<Received, Sent, unknown>,
  path: string,
): Session<Received, Sent, unknown> {
  const session = SessionConnection.sessionOf(connection) as Session<Received, Sent, unknown> | undefined;
  if (session === undefined) {
    throw new OptionsError("invalid", [{ path, found: connection, expected: "a connection" }]);
  }
  const { profile, delivery } = session;
  const taken = profile.options.onFrame !== undefined || delivery.inbox.awaited;
  const dropping = profile.egressPolicy === "drop-newest" || profile.egressPolicy === "drop-oldest";
  const expected = taken
    ? "one without onFrame and without a loop that waits for frames"
    : dropping
    ? 'one whose egressPolicy is "wait" or "close", which drop no frame'
    : profile.allowHalfOpen
    ? "one without allowHalfOpen"
    : undefined;
  if (expected !== undefined) {
    throw new OptionsError("conflict", [{ path, found: `connection ${session.id}`, expected }]);
  }
  return session;
}

/**
 * From now on frames go to `onFrame`, as on a connection that was made with it. At the end of its life, `readsOn` says for
 * how many ms more they are awaited.
 */
export function takeFrames<Received, Sent>(
  session: Session<Received, Sent, unknown>,
  onFrame: (frame: Received) => void | Promise<void>,
  readsOn: () => number,
): void {
  const { profile, delivery } = session;
  session.profile = { ...profile, options: { ...profile.options, onFrame }, readsOn };
  if (!delivery.inbox.over) delivery.goDirect();
}
