/**
 * What a peer that should speak TLS speaks instead, told from its first bytes: no runtime tells all of this.
 *
 * Used before a handshake begins, so that a wrong peer costs no cryptography. Knows no socket.
 */
import { diagnose } from "../../core/framing/diagnosis.ts";
import { TlsError } from "../../core/tls/tls_error.ts";

const handshakeRecord = 0x16;
const tlsMajor = 3;

/** The error for bytes that are not the beginning of a TLS handshake; undefined when they may be. `say` tells the action. */
export function wrongFirstBytes(head: Uint8Array, say: () => string): TlsError | undefined {
  if (head[0] === handshakeRecord && (head[1] ?? tlsMajor) === tlsMajor) return undefined;
  const found = diagnose(head);
  const action = say();
  // TLS comes behind it, so that what is wrong is not the peer's.
  if (found?.looksLike.startsWith("a PROXY protocol header")) {
    return new TlsError("not_tls", `${action}: found ${found.looksLike}; ${found.advice}`);
  }
  if (head.every(isText)) {
    const what = found === undefined ? "unencrypted text" : `${found.looksLike} without TLS`;
    return new TlsError(
      "plaintext",
      `${action}: found ${what}; turn TLS on at the peer, or turn it off here`,
    );
  }
  const what = found === undefined ? "bytes that are not TLS" : found.looksLike;
  return new TlsError(
    "not_tls",
    `${action}: found ${what}; check that the peer is meant to connect to this host and port`,
  );
}

/** Printable ASCII, white space, or part of a letter in UTF-8. */
function isText(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d) || (byte >= 0xc2 && byte < 0xf5);
}
