/**
 * Calls of the user's hooks, and what becomes of what they throw.
 *
 * Used by `session.ts`, and by a server that drains. Decides nothing about when.
 */
import type { Session } from "./session.ts";
import type { SessionOwner } from "./session_owner.ts";

/** The first bytes are here. A hook that throws ends the connection. */
export function tellFirstByte<Received, Sent, Context>(
  session: Session<Received, Sent, Context>,
  owner: SessionOwner<Received, Sent, Context>,
): void {
  owner.firstBytesCame(session.ageMs);
  try {
    session.profile.options.onFirstByte?.(session.connection);
  } catch (error) {
    session.userFailed(error);
  }
}

/** Something is over or ending anyhow: what a hook throws is counted and logged, and changes nothing. */
export function tellQuietly<Received, Sent, Context>(
  session: Session<Received, Sent, Context>,
  owner: SessionOwner<Received, Sent, Context>,
  call: () => void,
): void {
  try {
    call();
  } catch (error) {
    owner.handlerFailed(session, error);
  }
}
