/**
 * Another framing in the place of a connection's own, from the end of the last frame on.
 *
 * Called by `Connection.reframe` and, once secured, by `tls/upgrade.ts`. What has come is kept by the pipeline.
 */
import type { Framing } from "../core/framing/framing.ts";
import { checkFlag, OptionsCheck } from "../core/options.ts";
import { OptionsError, SocketError } from "../core/errors.ts";
import { TlsError } from "../core/tls/tls_error.ts";
import type { ReframeOptions } from "./connection.ts";
import type { OnFrame } from "./connection_options.ts";
import { checkFraming } from "./profile.ts";
import type { Session } from "./session.ts";

/** Throws `OptionsError`, or what the connection has ended with. */
export function reframe<Received, Sent, Context>(
  session: Session<Received, Sent, Context>,
  framing: Framing<Received, Sent>,
  options: ReframeOptions<Received, Sent, Context> = {},
): void {
  const { profile, outbox, state, id, life, delivery } = session;
  const { onFrame, last = false } = options;
  const check = new OptionsCheck();
  check.keys(options, ["onFrame", "last"]);
  check.functions(options, ["onFrame"]);
  checkFlag(check, "last", last);
  checkFraming(check, framing);
  check.done();
  if (!profile.reframable) {
    const expected = "set to true when the connection is made, and no earlier call with last";
    throw new OptionsError("conflict", [{ path: "reframable", found: false, expected }]);
  }
  if (onFrame !== undefined && profile.options.onFrame === undefined) {
    const expected = "left out: this connection has no onFrame whose place it could take";
    throw new OptionsError("conflict", [{ path: "onFrame", found: onFrame, expected }]);
  }
  if (state === "closing" || state === "closed") {
    const what = `reframe connection ${id}: it has ended (${life.ending?.reason})`;
    const error = new SocketError("closed", what, { cause: life.ending?.error });
    error.connectionId = id;
    throw error;
  }
  if (outbox.refusal.held) {
    const what = `reframe connection ${id}: it is being secured; await upgrade, or give it the framing`;
    throw new TlsError("upgrading", what);
  }
  adoptFraming(session, framing, onFrame, !last);
  if (last) delivery.cutAhead();
}

/** What is sent from now on is written by this framing, and what is received behind the last frame is cut by it. */
export function adoptFraming<Received, Sent, Context>(
  session: Session<Received, Sent, Context>,
  framing: Framing<Received, Sent>,
  onFrame?: OnFrame<Received, Sent, Context>,
  reframable: boolean = session.profile.reframable,
): void {
  const { profile, pipeline, outbox } = session;
  const options = onFrame === undefined ? profile.options : { ...profile.options, onFrame };
  session.profile = { ...profile, framing, options, reframable };
  pipeline.reframe(framing);
  outbox.framing = framing;
}
