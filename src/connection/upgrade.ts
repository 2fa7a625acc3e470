/**
 * From plaintext to TLS on an open connection (STARTTLS): nothing that came in the clear is taken for what comes
 * secured, and nothing secured for what came in the clear.
 *
 * Called by `Connection.upgrade`. The handshake itself is the transport's.
 */
import { Deadline } from "../core/deadline.ts";
import type { DurationInput } from "../core/duration.ts";
import { OptionsError } from "../core/errors.ts";
import type { Framing } from "../core/framing/framing.ts";
import { defaults, OptionsCheck } from "../core/options.ts";
import type { UpgradeTls } from "../core/tls.ts";
import { TlsError } from "../core/tls_error.ts";
import { warnInsecure } from "./insecure.ts";
import type { UpgradePlace } from "./profile.ts";
import type { Session } from "./session.ts";
import type { TlsClientOptions, TlsServerOptions } from "./tls_options.ts";
import { resolveClientTls, resolveServerTls, withCertificates } from "./tls_settings.ts";

/** What `connection.upgrade` takes: TLS of the side that the connection is on. */
export type UpgradeOptions<Received, Sent = Received> = (TlsServerOptions | TlsClientOptions) & {
  /** How frames are cut and written from then on. @default as before */
  readonly framing?: Framing<Received, Sent> | undefined;
  /** How long the handshake may take. @default "10 seconds" */
  readonly handshakeTimeout?: DurationInput | undefined;
};

/** Resolves once secured; rejects with `TlsError`, and then the connection is over. */
export async function upgrade<Received, Sent, Context>(
  session: Session<Received, Sent, Context>,
  options: UpgradeOptions<Received, Sent>,
): Promise<void> {
  const { transport, pipeline, delivery, outbox, profile } = session;
  const { framing, handshakeTimeout, ...given } = options;
  const place = profile.upgrade;
  if (place === undefined || transport.upgrade === undefined || transport.hold === undefined) {
    const expected = "set to true when the connection is made, so that it can be secured later";
    throw new OptionsError("conflict", [{ path: "upgradable", found: false, expected }]);
  }
  const check = new OptionsCheck();
  const timeout = check.duration("handshakeTimeout", handshakeTimeout, defaults.handshakeTimeout);
  const { tls, authorize } = resolve(check, given, place);
  check.done();
  const before = pipeline.framesReceived;
  transport.hold();
  const work = (async () => {
    // The chunk that has brought the command may still be on its way through the framer.
    await Promise.resolve();
    const behind = pipeline.framesReceived - before + delivery.inbox.length;
    if (behind > 0 || pipeline.partialFrameBytes > 0) {
      const what = "plaintext came behind the command to secure the connection, which may be injected";
      throw new TlsError("injected", `secure a connection: ${what}; nothing of it was delivered`);
    }
    await session.whenFlushed();
    const attempt = new AbortController();
    const limit = new Deadline(session.wheel, () => {
      const what = `secure a connection: the handshake was not over within ${timeout} ms`;
      attempt.abort(new TlsError("timeout", what));
    });
    limit.set(timeout);
    try {
      if (framing !== undefined) {
        pipeline.reframe(framing);
        outbox.reframe(framing);
      }
      await transport.upgrade!(tls, attempt.signal);
    } finally {
      limit.unset();
    }
    const { peer } = transport;
    if (authorize !== undefined && await authorize(peer.tls?.certificate, peer) !== true) {
      const who = peer.tls?.certificate?.subject ?? "a client without a certificate";
      throw new TlsError("unauthorized", `let in ${who}: refused by authorize`);
    }
  })();
  delivery.holdBack(work);
  try {
    await work;
  } catch (error) {
    session.life.drop("tls_error", "peer", error instanceof TlsError ? error : undefined, String(error));
    throw error;
  }
}

function resolve(
  check: OptionsCheck,
  given: TlsServerOptions | TlsClientOptions,
  { side, adapter, address }: UpgradePlace,
): { readonly tls: UpgradeTls; readonly authorize?: TlsServerOptions["authorize"] } {
  if (side === "client") {
    const client = resolveClientTls(check, given as TlsClientOptions, address, adapter);
    if (client.insecureSkipVerify) warnInsecure(client.serverName);
    return { tls: { client } };
  }
  const options = given as TlsServerOptions;
  const protocol = resolveServerTls(check, options, adapter);
  const { cert = "", key = "", certificates, authorize } = options;
  const material = { cert, key };
  const choice = certificates ?? { material, several: false, select: () => undefined };
  return { tls: { server: withCertificates(protocol, choice) }, authorize };
}
