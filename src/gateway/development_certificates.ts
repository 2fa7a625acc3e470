/**
 * Certificates for development: a CA of one's own, and what it signs for servers and clients.
 *
 * Called by `millrace cert`, which is loaded when it is needed. Makes text and touches no file.
 */
import { ipWords, readIp } from "../core/text/ip.ts";
import { serverName } from "../core/text/server_name.ts";
import type { TlsMaterial } from "../core/tls/tls.ts";
import { bitString, type Der, implicit, integer, objectId, sequence, truth } from "./der_values.ts";
import { type Extension, signCertificate } from "./signed_certificate.ts";

/** When a certificate begins and ends, in milliseconds since 1970. */
export interface Validity {
  readonly from: number;
  readonly to: number;
}

/** The purposes that a key may have: bits of a string, the first one the highest (RFC 5280, 4.2.1.3). */
const keyUsages = { digitalSignature: 0x80, certSignAndCrlSign: 0x06 };
const purposes = { server: "1.3.6.1.5.5.7.3.1", client: "1.3.6.1.5.5.7.3.2" };
const altNameTags = { dns: 2, ip: 7 };

/** A CA, named so that no two are taken for one another. */
export function makeAuthority(validity: Validity): TlsMaterial {
  const mark = Array.from(
    crypto.getRandomValues(new Uint8Array(4)),
    (byte) => byte.toString(16).padStart(2, "0"),
  );
  return signCertificate({
    commonName: `Millrace development CA ${mark.join("")}`,
    ...validity,
    extensions: [
      basicConstraints(truth, integer(0)),
      keyUsage(keyUsages.certSignAndCrlSign, 1),
    ],
  });
}

/** A certificate for a server: names, and addresses that clients connect to without a name. */
export function makeServerCertificate(
  ca: TlsMaterial,
  names: readonly string[],
  validity: Validity,
): TlsMaterial {
  const altNames = names.map((name) =>
    isAddress(name)
      ? implicit(altNameTags.ip, addressBytes(name))
      : implicit(altNameTags.dns, new TextEncoder().encode(name))
  );
  const subjectAltName = { id: "2.5.29.17", value: sequence(...altNames) };
  return signCertificate({
    commonName: names[0]!,
    ...validity,
    ca,
    extensions: [...ofLeaf(purposes.server), subjectAltName],
  });
}

/** A certificate by which a client is known. */
export function makeClientCertificate(ca: TlsMaterial, subject: string, validity: Validity): TlsMaterial {
  return signCertificate({ commonName: subject, ...validity, ca, extensions: ofLeaf(purposes.client) });
}

function ofLeaf(purpose: string): Extension[] {
  return [
    basicConstraints(),
    keyUsage(keyUsages.digitalSignature, 7),
    { id: "2.5.29.37", value: sequence(objectId(purpose)) },
  ];
}

function basicConstraints(...parts: readonly Der[]): Extension {
  return { id: "2.5.29.19", critical: true, value: sequence(...parts) };
}

function keyUsage(bits: number, unusedBits: number): Extension {
  return { id: "2.5.29.15", critical: true, value: bitString(Uint8Array.of(bits), unusedBits) };
}

/** The name of a server or an IP address in its usual form; undefined when it is neither. */
export function certificateName(text: string): string | undefined {
  if (!isAddress(text)) return serverName(text);
  try {
    const { hostname } = new URL(text.includes(":") ? `http://[${text}]` : `http://${text}`);
    return hostname.replace(/^\[|\]$/g, "");
  } catch {
    return undefined;
  }
}

const isAddress = (text: string): boolean => /^[\d.]+$/.test(text) || text.includes(":");

/** The bytes of an address that `certificateName` has let pass: 4 or 16. */
function addressBytes(text: string): Uint8Array {
  const words = ipWords();
  readIp(text, words);
  const bytes = new DataView(new ArrayBuffer(16));
  words.forEach((word, at) => bytes.setUint32(4 * at, word));
  return new Uint8Array(bytes.buffer, text.includes(":") ? 0 : 12);
}
