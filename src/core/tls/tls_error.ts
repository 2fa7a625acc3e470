/** What can go wrong with TLS: a handshake, or the certificates one has of one's own. */
import { MillraceError } from "../errors.ts";

/** Which of a closed set of failures it was. */
export type TlsErrorReason =
  /** The peer speaks readable text, such as HTTP without TLS. */
  | "plaintext"
  /** What came is no TLS record at all, or none of a handshake. */
  | "not_tls"
  /** Plaintext came after the command to upgrade: it may have been inserted on the path. */
  | "injected"
  /** A frame was sent while the connection was being secured; it was not taken. */
  | "upgrading"
  /** The two sides share no version of TLS that both allow. */
  | "version"
  /** They share no cipher. */
  | "cipher"
  /** They share no application protocol (ALPN). */
  | "alpn"
  /** A client certificate was required and none came. */
  | "certificate_missing"
  /** The certificate is signed by nobody we trust. */
  | "certificate_untrusted"
  /** The certificate is not valid any more, or not yet. */
  | "certificate_expired"
  /** The certificate is for another purpose, such as a server's that a client shows (extended key usage). */
  | "certificate_purpose"
  /** The server's certificate is for another name. */
  | "certificate_name"
  /** The option `authorize` refused the certificate. */
  | "unauthorized"
  /** The handshake took longer than `handshakeTimeout`. */
  | "timeout"
  /** `maxHandshakes` were on their way. */
  | "too_many_handshakes"
  /** The peer left during the handshake. */
  | "peer_closed"
  /** The peer refused our side, with an alert that the message names. */
  | "refused"
  /** Certificate, key or CA of our own cannot be read or do not belong together. */
  | "material"
  | "unknown";

/** A TLS failure; nothing has reached a handler. */
export class TlsError extends MillraceError {
  /** Discriminant, for `switch` and for `catchTag` of Effect. */
  readonly _tag = "TlsError" as const;
  /** What went wrong. */
  readonly reason: TlsErrorReason;
  /** Takes the runtime's own error as `cause`, if there is one. */
  constructor(reason: TlsErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
