/**
 * Calls of the user's hooks, and what becomes of what they throw.
 *
 * Used by `session.ts`, and by a server that drains. Decides nothing about when.
 */
import { beginsLike, type Diagnosis } from "../core/framing/diagnosis.ts";
import type { FrameError, SocketError, TimeoutError } from "../core/errors.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionOptions } from "./connection_options.ts";
import type { SessionOwner } from "./session_owner.ts";
import type { TerminationRecord } from "./termination.ts";

/** The session that they are called for. */
interface Hooked<Received, Sent, Context> {
  readonly id: string;
  readonly ageMs: number;
  readonly connection: Connection<Received, Sent, Context>;
  readonly profile: { readonly options: ConnectionOptions<Received, Sent, Context> };
  heard: boolean;
  frameErrors: number;
  userFailed(error: unknown): void;
}

/** Who hears of them too. */
type HookOwner<Received, Sent, Context> = SessionOwner<Hooked<Received, Sent, Context>>;

/** The first bytes are here. A hook that throws ends the connection. */
export function tellFirstByte<Received, Sent, Context>(
  session: Hooked<Received, Sent, Context>,
  owner: HookOwner<Received, Sent, Context>,
): void {
  session.heard = true;
  owner.firstBytesCame(session.ageMs);
  try {
    session.profile.options.onFirstByte?.(session.connection);
  } catch (error) {
    session.userFailed(error);
  }
}

/** Something is over or ending anyhow: what a hook throws is counted and logged, and changes nothing. */
export function tellQuietly<Received, Sent, Context>(
  session: Hooked<Received, Sent, Context>,
  owner: HookOwner<Received, Sent, Context>,
  call: () => void,
): void {
  try {
    call();
  } catch (error) {
    owner.handlerFailed(session, error);
  }
}

/** It is over; `error` is with what it broke. */
export function tellEnd<Received, Sent, Context>(
  session: Hooked<Received, Sent, Context>,
  owner: HookOwner<Received, Sent, Context>,
  record: TerminationRecord,
  error: SocketError | undefined,
): void {
  const { onError, onDisconnect } = session.profile.options;
  if (error !== undefined) tellQuietly(session, owner, () => onError?.(error, session.connection));
  tellQuietly(session, owner, () => onDisconnect?.(record, session.connection));
}

/** A frame could not be cut; `last` says that none can follow it. */
export function tellFrameError<Received, Sent, Context>(
  session: Hooked<Received, Sent, Context>,
  owner: HookOwner<Received, Sent, Context>,
  error: FrameError,
  last: boolean,
): void {
  error.connectionId = session.id;
  session.frameErrors++;
  owner.frameFailed(session, error, last);
  tellQuietly(session, owner, () => session.profile.options.onFrameError?.(error, session.connection));
}

/** Frames can be cut, but the stream begins as another protocol does. */
export function tellOtherProtocol<Received, Sent, Context>(
  session: Hooked<Received, Sent, Context>,
  owner: HookOwner<Received, Sent, Context>,
  found: Diagnosis,
): void {
  tellQuietly(session, owner, () => session.profile.options.onOtherProtocol?.(found, session.connection));
}

/** Time is up: says of which connection, and what its bytes look like where they have not become a frame. */
export function describeTimeout(
  error: TimeoutError,
  session: { readonly id: string; readonly pipeline: { readonly lookedLike: Diagnosis | undefined } },
): void {
  error.connectionId = session.id;
  const found = session.pipeline.lookedLike;
  if (found === undefined) return;
  error.looksLike = found.looksLike;
  error.message += beginsLike(found);
}
