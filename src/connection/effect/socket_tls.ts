/** What Effect's sockets call TLS, in our words. Called by `effect_socket.ts` for an upgrade. */
import * as Redacted from "effect/Redacted";
import type { TlsUpgradeOptions } from "effect/socket/Socket";
import { OptionsError, type OptionsIssue } from "../../core/errors.ts";
import type { SocketChunk } from "./current_connection.ts";
import type { UpgradeOptions } from "../tls/options.ts";

/** PEM text; several are one after the other. */
function pem(given: SocketChunk | readonly SocketChunk[]): string {
  const all = typeof given === "string" || given instanceof Uint8Array ? [given] : given;
  return all.map((one) => typeof one === "string" ? one : new TextDecoder().decode(one)).join("\n");
}

/** The options of `connection.upgrade`. Throws `OptionsError` for what cannot be said there. */
export function tlsOf(given: TlsUpgradeOptions, role: "server" | "client"): UpgradeOptions<Uint8Array> {
  const { key, cert, ca, alpnProtocols, requestCert, rejectUnauthorized, servername, passphrase } = given;
  const issues: OptionsIssue[] = [];
  const refuse = (path: string, expected: string) => issues.push({ path, found: undefined, expected });
  const keys = key === undefined ? [] : Redacted.isRedacted(key) ? [key] : key;
  if (keys.length > 1) refuse("key", "one private key");
  if (passphrase !== undefined) refuse("passphrase", "to be left out: the private key must not be encrypted");
  if ((keys.length === 0) !== (cert === undefined)) refuse(cert ? "key" : "cert", "both key and cert");
  if (role === "server" && keys.length === 0) refuse("key", "key and cert: a server needs a certificate");
  if (issues.length > 0) throw new OptionsError("invalid", issues);
  const both = {
    ...(cert !== undefined && { cert: pem(cert), key: pem(Redacted.value(keys[0]!)) }),
    ...(alpnProtocols !== undefined && { alpn: alpnProtocols }),
  };
  const authorities = ca !== undefined && { ca: pem(ca) };
  if (role === "client") {
    return {
      ...both,
      ...authorities,
      ...(servername !== undefined && { serverName: servername }),
      ...(rejectUnauthorized === false && { insecureSkipVerify: true }),
    } as UpgradeOptions<Uint8Array>;
  }
  if (requestCert !== true) return both as UpgradeOptions<Uint8Array>;
  const clientCertificates = rejectUnauthorized === false ? "request" : "require";
  return { ...both, ...authorities, clientCertificates } as UpgradeOptions<Uint8Array>;
}
