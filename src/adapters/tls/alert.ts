/**
 * What a peer says in an alert (RFC 8446, 6; RFC 5246, 7.2), from what OpenSSL, BoringSSL and rustls make of it.
 *
 * Used by `tls/failure.ts`. OpenSSL and BoringSSL number their errors, those for alerts from 1000 on; rustls has names.
 */
import type { TlsErrorReason } from "../../core/tls/tls_error.ts";

/** Number, name, and what it means where that is more than that the peer refuses. */
const alerts: readonly (readonly [number, string, TlsErrorReason?])[] = [
  [0, "close_notify", "peer_closed"],
  [10, "unexpected_message"],
  [20, "bad_record_mac"],
  [21, "decryption_failed"],
  [22, "record_overflow"],
  [30, "decompression_failure"],
  [40, "handshake_failure"],
  [41, "no_certificate", "certificate_missing"],
  [42, "bad_certificate"],
  [43, "unsupported_certificate"],
  [44, "certificate_revoked"],
  [45, "certificate_expired"],
  [46, "certificate_unknown"],
  [47, "illegal_parameter"],
  [48, "unknown_ca"],
  [49, "access_denied"],
  [50, "decode_error"],
  [51, "decrypt_error"],
  [60, "export_restriction"],
  [70, "protocol_version", "version"],
  [71, "insufficient_security", "cipher"],
  [80, "internal_error"],
  [86, "inappropriate_fallback", "version"],
  [90, "user_canceled", "peer_closed"],
  [100, "no_renegotiation"],
  [109, "missing_extension"],
  [110, "unsupported_extension"],
  [111, "certificate_unobtainable"],
  [112, "unrecognized_name"],
  [113, "bad_certificate_status_response"],
  [114, "bad_certificate_hash_value"],
  [115, "unknown_psk_identity"],
  [116, "certificate_required", "certificate_missing"],
  [120, "no_application_protocol", "alpn"],
  [121, "ech_required"],
];

const byNumber = new Map(alerts.map(([number, name, reason = "refused"]) => [number, { name, reason }]));
const numbers = new Map(alerts.map(([number, name]) => [name.replaceAll("_", ""), number]));
/** Names of rustls that are not those of the RFCs. */
numbers.set("unrecognisedname", 112).set("encryptedclienthellorequired", 121);

/** An alert of the peer. */
interface Alert {
  /** As in the RFCs; `alert 99` for one they do not know. */
  readonly name: string;
  readonly reason: TlsErrorReason;
}

/** The alert that the text of an error is about; undefined when it is about none. */
export function alertIn(text: string): Alert | undefined {
  const number = alertNumber(text);
  if (number === undefined) return undefined;
  return byNumber.get(number) ?? { name: `alert ${number}`, reason: "refused" };
}

function alertNumber(text: string): number | undefined {
  // The library in the first byte, SSL there, then what it was.
  const packed = /error:(?:0A|10)000([0-9a-f]{3}):/i.exec(text)?.[1];
  if (packed !== undefined) {
    const number = Number.parseInt(packed, 16) - 1000;
    return number >= 0 && number < 256 ? number : undefined;
  }
  const named = /fatal alert: (\w+)(?:\(0x([0-9a-f]+)\))?/i.exec(text);
  if (named === null) return undefined;
  const [, name = "", other] = named;
  return other === undefined ? numbers.get(name.toLowerCase()) : Number.parseInt(other, 16);
}
