/**
 * From plaintext to TLS on an open connection (STARTTLS): nothing that came in plaintext is taken for what comes
 * secured, and nothing secured for what came in plaintext.
 *
 * Called by `Connection.upgrade`. The handshake itself is the transport's.
 */
import { checkDuration } from "../../core/time/duration.ts";
import { Deadline } from "../../core/time/deadline.ts";
import { MillraceError, OptionsError, SocketError } from "../../core/errors.ts";
import { GateReason } from "../../core/flow/pipeline_owner.ts";
import { defaults, OptionsCheck } from "../../core/options.ts";
import { TlsError, type TlsErrorReason } from "../../core/tls/tls_error.ts";
import type { Peer } from "../../core/transport.ts";
import { checkFraming, type UpgradePlace } from "../profile.ts";
import { adoptFraming } from "../reframe.ts";
import type { Session } from "../session.ts";
import type { TlsServerOptions, UpgradeOptions } from "./options.ts";
import { unauthorized } from "./trust.ts";
import { resolveUpgrade } from "./upgrade_settings.ts";
import type { UpgradeSlot } from "./upgrade_slots.ts";

/** Failures that this side decides on. */
const local: readonly TlsErrorReason[] = ["timeout", "unauthorized", "material", "too_many_handshakes"];

/** Resolves once secured; rejects with `OptionsError`, or with the error with which the connection ends. */
export async function upgrade<Received, Sent, Context>(
  session: Session<Received, Sent, Context>,
  options: UpgradeOptions<Received, Sent>,
): Promise<void> {
  const { transport, pipeline, delivery, outbox, profile } = session;
  const { framing = profile.framing, handshakeTimeout, ...given } = options;
  const check = new OptionsCheck();
  const place = checkPlace(session);
  const timeout = checkDuration(check, "handshakeTimeout", handshakeTimeout, defaults.handshakeTimeout);
  checkFraming(check, framing);
  const { tls, authorize, prepare } = resolveUpgrade(check, given, place);
  check.done();
  if (isEnding(session)) throw endedError(session);
  const slot = place.slots?.take(transport.peer);
  if (place.slots !== undefined && slot === undefined) throw drop(session, crowded());

  const attempt = new AbortController();
  const late = new Promise<never>((_, reject) => {
    attempt.signal.addEventListener("abort", () => reject(attempt.signal.reason));
  });
  const limit = new Deadline(session.wheel, () => {
    const what = `secure a connection: it did not complete within ${timeout} ms`;
    attempt.abort(new TlsError("timeout", what));
  });
  const before = pipeline.framesReceived;
  let failure: MillraceError | undefined;
  const fail = (cause: unknown): MillraceError => failure ??= drop(session, cause, slot);
  const checkBoundary = (): void => {
    // Those that were handed over together with it came behind it, or before: the reader cannot say.
    const { length, together } = delivery.inbox;
    const behind = length > 0 || together > 1 || pipeline.behind || pipeline.framesReceived !== before;
    if (!behind && pipeline.partialFrameBytes === 0) return;
    const what = "plaintext arrived after the command to secure the connection, and may have been injected";
    throw fail(new TlsError("injected", `secure a connection: ${what}; it is not delivered`));
  };
  const ready = async (): Promise<void> => {
    limit.set(timeout);
    if (authorize !== undefined) await permit(authorize, transport.peer);
    slot?.succeed();
    session.vigil.noteRead();
    adoptFraming(session, framing);
    outbox.refusal.release();
    session.wrote();
  };
  const steps = async (): Promise<void> => {
    // What waits could be taken by a loop that does not wait for us.
    if (delivery.inbox.length > 0 || delivery.inbox.together > 1 || pipeline.behind) checkBoundary();
    // The chunk that has brought the command may still be on its way through the framer.
    await Promise.resolve();
    checkBoundary();
    await Promise.all([session.whenFlushed(), prepare(session.startedAt + session.ageMs)]);
    if (session.state === "closed") throw endedError(session);
    await transport.upgrade!(slot && tls.server ? { ...tls, pace: slot.pace } : tls, attempt.signal, ready);
  };

  limit.set(timeout);
  transport.hold!();
  pipeline.closeGate(GateReason.upgrade);
  const meanwhile = `send on connection ${session.id}: it is being secured; await upgrade`;
  outbox.refusal.hold(() => new TlsError("upgrading", meanwhile));
  const work = Promise.race([steps(), late]);
  delivery.holdBack(work);
  try {
    await work;
  } catch (error) {
    throw fail(error);
  } finally {
    limit.unset();
  }
  pipeline.openGate(GateReason.upgrade);
}

function checkPlace<Received, Sent, Context>(session: Session<Received, Sent, Context>): UpgradePlace {
  const { transport, outbox, profile } = session;
  if (profile.upgrade === undefined || transport.upgrade === undefined || transport.hold === undefined) {
    const expected = "set to true when the connection is made, so that it can be secured later";
    throw new OptionsError("conflict", [{ path: "upgradable", found: false, expected }]);
  }
  if (outbox.refusal.held || transport.peer.tls !== undefined) {
    const found = outbox.refusal.held ? "a connection that is being secured" : "a connection that is secured";
    throw new OptionsError("conflict", [{ path: "upgrade", found, expected: "one call for a connection" }]);
  }
  return profile.upgrade;
}

function isEnding({ state, life }: { readonly state: string; readonly life: { leaving: boolean } }): boolean {
  return state === "closing" || state === "closed" || life.leaving;
}

function crowded(): TlsError {
  const what = "too many TLS handshakes are in progress; raise maxHandshakes, or slow clients down";
  return new TlsError("too_many_handshakes", `secure a connection: ${what}`);
}

/** Ends the connection, unless it ends already, and discards what came in plaintext; returns what to say of it. */
function drop<Received, Sent, Context>(
  session: Session<Received, Sent, Context>,
  cause: unknown,
  slot?: UpgradeSlot,
): MillraceError {
  const { life, delivery } = session;
  const over = session.state === "closing" || session.state === "closed";
  const error = cause instanceof TlsError
    ? cause
    : new TlsError("unknown", `secure a connection: ${String(cause)}`, { cause });
  // The handshake that a connection waits for before it closes can fail; that of one which was dropped is aborted.
  const failed = cause instanceof TlsError ? !life.dropped : !over;
  delivery.refuse(error);
  delivery.stop();
  life.drop("tls_error", local.includes(error.reason) ? "local" : "peer", error);
  if (failed) slot?.fail(error);
  else slot?.giveBack();
  return over ? endedError(session, cause) : error;
}

function endedError<Received, Sent, Context>(
  session: Session<Received, Sent, Context>,
  cause?: unknown,
): MillraceError {
  const { id, life } = session;
  const what = `secure connection ${id}: it has ended (${life.ending?.reason ?? "by this side"})`;
  const error = life.ending?.error ?? new SocketError("closed", what, { cause });
  error.connectionId = id;
  return error;
}

async function permit(authorize: NonNullable<TlsServerOptions["authorize"]>, peer: Peer): Promise<void> {
  let good: boolean;
  try {
    good = await authorize(peer.tls?.certificate, peer);
  } catch (cause) {
    throw unauthorized(peer, { cause });
  }
  if (good !== true) throw unauthorized(peer);
}
