/** What can go wrong with TLS: a handshake, or one's own certificates. */
import { MillraceError } from "../errors.ts";

/** Why TLS failed. */
export type TlsErrorReason =
  /** The peer speaks readable text, such as HTTP without TLS. */
  | "plaintext"
  /** The peer sent something that is not a TLS handshake. */
  | "not_tls"
  /** Plaintext came after the command to upgrade: it may have been inserted on the path. */
  | "injected"
  /** A frame was sent during `upgrade`; it was not accepted. */
  | "upgrading"
  /** The two sides have no allowed TLS version in common. */
  | "version"
  /** They have no cipher in common. */
  | "cipher"
  /** They have no application protocol in common (ALPN). */
  | "alpn"
  /** A client certificate was required and not sent. */
  | "certificate_missing"
  /** The certificate is not signed by a trusted CA. */
  | "certificate_untrusted"
  /** The certificate has expired, or is not valid yet. */
  | "certificate_expired"
  /** The certificate is for another purpose, such as a server certificate sent by a client (extended key usage). */
  | "certificate_purpose"
  /** The server's certificate is for another name. */
  | "certificate_name"
  /** The option `authorize` rejected the client. */
  | "unauthorized"
  /** The handshake took longer than `handshakeTimeout`. */
  | "timeout"
  /** `maxHandshakes` was reached. */
  | "too_many_handshakes"
  /** The peer disconnected during the handshake. */
  | "peer_closed"
  /** The peer refused with an alert, which the message names. */
  | "refused"
  /** One's own certificate, key or CA cannot be read, or they do not belong together. */
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
