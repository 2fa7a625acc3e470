/**
 * Why a handshake failed, from what OpenSSL, BoringSSL and rustls say about it through `node:tls`.
 *
 * Used by the adapters' TLS. Knows no socket.
 */
import { TlsError, type TlsErrorReason } from "../../core/tls/tls_error.ts";
import { alertIn } from "./alert.ts";

/** Whose side of the handshake we are on. */
export type TlsSide = "server" | "client";

/** Faults found on our side, looked for in code and message; the first that fits wins. For the peer's see `tls/alert.ts`. */
const rules: readonly (readonly [RegExp, TlsErrorReason])[] = [
  [/PEER_DID_NOT_RETURN_A_CERTIFICATE/, "certificate_missing"],
  [/UNSUPPORTED_PROTOCOL|WRONG_SSL_VERSION|VERSION_TOO_LOW/, "version"],
  // rustls: what a client below TLS 1.2, or below the lowest version allowed, lacks.
  [/VersionsExtensionRequired|SignatureAlgorithmsExtensionRequired|Tls1[23]NotOffered/, "version"],
  [/Tls1[23]NotEnabled|Tls13RequiredForQuic/, "version"],
  [/APPLICATION_PROTOCOL|NoApplicationProtocol|any known protocol/, "alpn"],
  // BoringSSL says WRONG_CURVE where a client's old ciphers leave no key exchange.
  [/NO_SHARED_CIPHER|NO_CIPHERS?_AVAILABLE|WRONG_CURVE|NO_SHARED_GROUP|NO_SUITABLE/, "cipher"],
  [/NoCipherSuitesInCommon|NoKxGroupsInCommon|NoSignatureSchemesInCommon/, "cipher"],
  [/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/, "certificate_expired"],
  [/INVALID_PURPOSE/, "certificate_purpose"],
  [/ALTNAME_INVALID|HOSTNAME_MISMATCH|EMAIL_MISMATCH|IP_ADDRESS_MISMATCH/, "certificate_name"],
  [/HTTP_REQUEST|HTTPS_PROXY_REQUEST/, "plaintext"],
  // BoringSSL meets the alert of a peer that had no keys yet where it expects ciphertext.
  [/BAD_PACKET_LENGTH/, "refused"],
  [/WRONG_VERSION_NUMBER|InvalidContentType|UNKNOWN_PROTOCOL|PACKET_LENGTH_TOO_LONG/, "not_tls"],
  // Records of TLS, but no handshake: an echo of our own, or bytes that look like a record by chance.
  [/UNEXPECTED_(?:MESSAGE|RECORD)|EXCESSIVE_MESSAGE_SIZE|unexpected (?:handshake )?message/, "not_tls"],
  [/DECODE_ERROR|LENGTH_MISMATCH|BAD_(?:RECORD_TYPE|HELLO|LENGTH|EXTENSION)|UNEXPECTED_CCS/, "not_tls"],
  [/corrupt message|INVALID_CCS_MESSAGE|BAD_CHANGE_CIPHER_SPEC|UNEXPECTED_CCS_MESSAGE/, "not_tls"],
  [/SELF_SIGNED|UNABLE_TO_|^(?:CERT|CRL|INVALID|PATH|SUBJECT|AKID|KEYUSAGE)_/, "certificate_untrusted"],
  [/UnknownIssuer|invalid peer certificate|CERTIFICATE_VERIFY_FAILED/, "certificate_untrusted"],
  [/ECONNRESET|EPIPE|ECONNABORTED|ENOTCONN|socket hang up|disconnected/, "peer_closed"],
];

type Hints = Partial<Record<TlsErrorReason, string>>;
const hints: Readonly<Record<TlsSide, Hints>> = {
  server: {
    version: "the peer must speak TLS 1.2 or newer, and a version between minVersion and maxVersion",
    cipher: "the peer supports none of the ciphers that are allowed here for this certificate",
    alpn: "the peer offers none of the protocols in alpn",
    certificate_missing: "the peer must send a client certificate that is signed by ca",
    certificate_untrusted: "the peer's certificate must be signed by ca",
    certificate_expired: "the peer needs a new certificate; also check both clocks",
    certificate_purpose: "the peer's certificate is not for clients: it must allow client authentication",
    not_tls: "what the peer sends is not a TLS handshake",
    refused: "the peer does not accept this server's certificate or settings; check its list of CAs",
    peer_closed: "the peer disconnected before the handshake was complete",
  },
  client: {
    version: "the server must speak TLS 1.2 or newer, and a version between minVersion and maxVersion",
    cipher: "the server supports none of the ciphers that are allowed here",
    alpn: "the server offers none of the protocols in alpn",
    certificate_missing: "the server requires a client certificate: set cert and key",
    certificate_untrusted: "set ca to the CA that signed the server's certificate",
    certificate_expired: "the server needs a new certificate; also check both clocks",
    certificate_purpose: "the server's certificate is not for servers: it must allow server authentication",
    certificate_name: "set serverName to a name in the certificate",
    not_tls: "the server does not use TLS on this port: check the port, or turn TLS off",
    refused: "the server does not accept this client's certificate or settings",
    peer_closed: "the server disconnected before the handshake was complete",
  },
};

const other: Readonly<Record<TlsSide, string>> = { server: "peer", client: "server" };

/** The typed error of a failed handshake. */
export function handshakeError(cause: unknown, side: TlsSide, action: string): TlsError {
  if (cause instanceof TlsError) return cause;
  const { code, reason: detail, message } = (cause ?? {}) as Partial<
    Record<"code" | "reason" | "message", unknown>
  >;
  const text = typeof message === "string" ? message : String(cause);
  const alert = alertIn(text);
  // Deno gives this code to whatever it has no other for; its words say more.
  const named = typeof code === "string" && code !== "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE" ? code : "";
  const looked = `${named} ${text}`.trimStart();
  const reason = alert?.reason ?? reasonOf(looked);
  // OpenSSL's own message is a line of addresses and file names.
  const own = typeof detail === "string" ? detail : text;
  const shown = alert === undefined ? own : `the ${other[side]} sent the alert ${alert.name}`;
  return failureOf(reason, side, action, shown, cause);
}

/** What the code or text of a fault on our side means. */
export function reasonOf(text: string): TlsErrorReason {
  return rules.find(([pattern]) => pattern.test(text))?.[1] ?? "unknown";
}

/** The error for a known reason: what was tried, what was found, and what to do about it. */
export function failureOf(
  reason: TlsErrorReason,
  side: TlsSide,
  action: string,
  found: string,
  cause: unknown,
): TlsError {
  const hint = hints[side][reason];
  return new TlsError(reason, `${action}: ${found}${hint === undefined ? "" : `; ${hint}`}`, { cause });
}
