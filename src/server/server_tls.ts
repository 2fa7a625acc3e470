/**
 * TLS of a server: the check of the option `tls`, and what the server makes of it.
 *
 * Used by `settings.ts` and `tls_admission.ts`.
 */
import type { TlsServerOptions } from "../connection/tls/options.ts";
import { resolveServerTls, withCertificates } from "../connection/tls/settings.ts";
import { checkDuration } from "../core/time/duration.ts";
import { defaults, type OptionsCheck } from "../core/options.ts";
import type { PeerCertificate, TlsServerSettings } from "../core/tls/tls.ts";
import type { Adapter, Peer } from "../core/transport.ts";
import type { Certificates, LendableCertificates } from "../core/tls/certificate_options.ts";
import { certificates as makeCertificates } from "../certificates/certificates.ts";

/** Who is at the other end of a handshake. */
export type HandshakePeer = Pick<Peer, "ip" | "port">;

/** See {@linkcode TlsServerOptions.authorize}. */
export type Authorize = (certificate: PeerCertificate | undefined, peer: Peer) => boolean | Promise<boolean>;

/** Checked settings. */
export interface ServerSecurity {
  readonly certificates: LendableCertificates;
  readonly tls: TlsServerSettings;
  readonly authorize: Authorize | undefined;
  readonly handshakeTimeout: number;
}

/** Checks the option; faults go to `check`. */
export function resolveTls(
  check: OptionsCheck,
  given: TlsServerOptions | Certificates | undefined,
  adapter: Adapter,
): ServerSecurity | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== "object" || given === null) {
    check.refuse("tls", typeof given, "{ cert, key }, what certificates() returns, or { certificates }");
    return undefined;
  }
  const options: TlsServerOptions = isCertificates(given) ? { certificates: given } : given;
  const tls = resolveServerTls(check, options, adapter, ["handshakeTimeout"]);
  const { cert, key, authorize, handshakeTimeout } = options;
  const timeout = checkDuration(check, "tls.handshakeTimeout", handshakeTimeout, defaults.handshakeTimeout);
  let { certificates } = options;
  if (certificates === undefined) {
    if (typeof cert !== "string" || typeof key !== "string" || cert === "" || key === "") return undefined;
    certificates = makeCertificates({ main: { cert, key } });
  }
  if (!isCertificates(certificates)) return undefined;
  return { certificates, tls: withCertificates(tls, certificates), authorize, handshakeTimeout: timeout };
}

function isCertificates(given: object): given is LendableCertificates {
  const { select, open } = given as Partial<Certificates>;
  return typeof select === "function" && typeof open === "function";
}
