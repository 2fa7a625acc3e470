/**
 * What is wrong with a certificate that was found not good, in one order and in the same words on all runtimes: its
 * time, its purpose, its names, its signer. OpenSSL tells the first that it meets, and rustls, through Deno, none.
 *
 * Used by the handshakes of both sides. Lets nobody in: it only tells more of a fault that is certain.
 */
import type { PeerCertificate } from "../../core/tls/tls.ts";
import type { TlsError } from "../../core/tls/tls_error.ts";
import { purposesOf } from "../../core/tls/x509.ts";
import { peerCertificate } from "./peer_certificate.ts";
import { failureOf, reasonOf, type TlsSide } from "./failure.ts";

const serverAuthentication = "1.3.6.1.5.5.7.3.1";
const clientAuthentication = "1.3.6.1.5.5.7.3.2";
/** Purposes that a certificate may be for (RFC 5280, 4.2.1.12). */
const purposeNames: ReadonlyMap<string, string> = new Map([
  [serverAuthentication, "server authentication"],
  [clientAuthentication, "client authentication"],
  ["1.3.6.1.5.5.7.3.3", "code signing"],
  ["1.3.6.1.5.5.7.3.4", "email protection"],
  ["1.3.6.1.5.5.7.3.8", "time stamping"],
  ["1.3.6.1.5.5.7.3.9", "OCSP signing"],
]);
const anyPurpose = "2.5.29.37.0";
const mostListed = 10;
const mostCharacters = 200;

/** A certificate as `node:tls` shows it. */
interface Shown {
  getPeerCertificate(): unknown;
}

/** A fault as one of OpenSSL's codes, and in words. */
interface Fault {
  readonly code: string;
  readonly what: string;
}

/** Whose certificate it is, and where it was shown. */
interface Showing {
  /** Who has found the fault. */
  readonly side: TlsSide;
  readonly action: string;
  /** The name that was asked for, where that matters. */
  readonly serverName?: string | undefined;
}

/** The error of a handshake in which the other side's certificate was not good; TLS has called that `code`. */
export function certificateError(
  socket: Shown,
  code: string,
  { side, action, serverName }: Showing,
): TlsError {
  const whose = side === "client" ? "the server's certificate" : "the peer's certificate";
  const { raw } = (socket.getPeerCertificate() ?? {}) as { raw?: Uint8Array };
  const certificate = raw && peerCertificate(raw);
  const purpose = side === "client" ? serverAuthentication : clientAuthentication;
  const fault = certificate === undefined
    ? { code, what: `cannot be read (${code})` }
    : faultOf(certificate, purposesOf(raw!), purpose, serverName, code);
  const named = certificate === undefined ? whose : `${whose} ${quoted(certificate.subject)}`;
  // By the code alone: the words are in part the peer's own.
  const reason = reasonOf(fault.code);
  return failureOf(
    reason === "unknown" ? "certificate_untrusted" : reason,
    side,
    action,
    `${named} ${fault.what}`,
    {
      code,
    },
  );
}

/** The code is about the certificate that the other side has shown. */
export function isCertificateFault(code: string): boolean {
  return /^certificate_(?!missing)/.test(reasonOf(code));
}

function faultOf(
  { subject, issuer, subjectAltNames, validFrom, validTo }: PeerCertificate,
  purposes: readonly string[] | undefined,
  purpose: string,
  serverName: string | undefined,
  code: string,
): Fault {
  const now = Date.now();
  if (now < validFrom) return { code: "CERT_NOT_YET_VALID", what: `is not valid before ${time(validFrom)}` };
  if (validTo < now) return { code: "CERT_HAS_EXPIRED", what: `expired at ${time(validTo)}` };
  if (purposes !== undefined && !purposes.includes(purpose) && !purposes.includes(anyPurpose)) {
    const names = purposes.map((id) => purposeNames.get(id) ?? id);
    return { code: "INVALID_PURPOSE", what: `is for ${list(names)}, not for ${purposeNames.get(purpose)}` };
  }
  if (reasonOf(code) === "certificate_name" && serverName !== undefined) {
    const has = subjectAltNames.length === 0 ? "no names" : `the names ${list(subjectAltNames)}`;
    return { code, what: `has ${has}, not ${quoted(serverName)}` };
  }
  if (reasonOf(code) !== "certificate_untrusted") {
    return { code, what: `is valid, but its signer is not: ${quoted(issuer)} (${code})` };
  }
  const by = issuer === subject ? "itself" : quoted(issuer);
  return { code, what: `is signed by ${by}, which is not trusted here (${code})` };
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function list(names: readonly string[]): string {
  const more = names.length > mostListed ? ` and ${names.length - mostListed} more` : "";
  return names.slice(0, mostListed).map(quoted).join(", ") + more;
}

/** The peer's text cannot end a line, and no certificate fills a log. */
function quoted(text: string): string {
  const { length } = text;
  return JSON.stringify(length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text);
}
