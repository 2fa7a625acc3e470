/**
 * What a certificate (X.509, RFC 5280) says, read from its DER form, so that all runtimes tell the same.
 *
 * Called by the adapters for certificates of peers and by the server for its own. Trusts nobody and checks
 * no signature: that is done in the handshake.
 */
import {
  derObjectId,
  derParts,
  derTags,
  derText,
  derTime,
  type DerValue,
  derValues,
  latinText,
} from "./der.ts";
import type { PeerCertificate } from "./tls.ts";

/** Short names of attributes, those of RFC 4514 and OpenSSL. */
const attributeNames: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.4": "SN",
  "2.5.4.5": "serialNumber",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.9": "STREET",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "2.5.4.12": "title",
  "2.5.4.42": "GN",
  "0.9.2342.19200300.100.1.1": "UID",
  "0.9.2342.19200300.100.1.25": "DC",
  "1.2.840.113549.1.9.1": "emailAddress",
};

const subjectAltName = "2.5.29.17";
const extendedKeyUsage = "2.5.29.37";
const versionTag = 0xa0;
const extensionsTag = 0xa3;

/**
 * Reads one certificate. `sha256` is the digest of these bytes, which the core cannot make in one turn. Throws a
 * `RangeError` when it is no certificate.
 */
export function readCertificate(der: Uint8Array, sha256: Uint8Array): PeerCertificate {
  const fields = fieldsOf(der);
  const [serial, , issuer, validity, subject] = fields;
  const [validFrom, validTo] = derParts(validity).map(derTime);
  if (serial?.tag !== derTags.integer || validFrom === undefined || validTo === undefined) {
    throw new RangeError("read a certificate: found no serial number or no validity");
  }
  return {
    subject: distinguishedName(subject),
    issuer: distinguishedName(issuer),
    subjectAltNames: (extension(fields, subjectAltName) ?? []).flatMap(altName),
    serialNumber: hexadecimal(serial.content).replace(/^(?:00)+(?=..)/, ""),
    fingerprint256: hexadecimal(sha256, ":"),
    validFrom,
    validTo,
  };
}

/** What a certificate may be used for, as object ids (RFC 5280, 4.2.1.12); undefined for anything. Throws like `readCertificate`. */
export function purposesOf(der: Uint8Array): string[] | undefined {
  return extension(fieldsOf(der), extendedKeyUsage)?.map(derObjectId);
}

/** Its fields: serial number, algorithm, issuer, validity, subject, key, and what else there is. */
function fieldsOf(der: Uint8Array): DerValue[] {
  const [whole] = derValues(der);
  const fields = derParts(derParts(whole)[0]);
  if (fields[0]?.tag === versionTag) fields.shift();
  return fields;
}

/** The names of servers among the alternative names, in lower case. */
export function dnsNames({ subjectAltNames }: PeerCertificate): string[] {
  return subjectAltNames.filter((name) => name.startsWith("DNS:")).map((name) => name.slice(4).toLowerCase());
}

/** The first common name in a distinguished name as it is written here; undefined where it has none. */
export function commonName(subject: string): string | undefined {
  // Attribute by attribute: what stands in the value of another one is no name.
  for (const [, type, value] of subject.matchAll(/([^=]+)=((?:\\.|[^\\,+])*)(?:, |\+|$)/gsy)) {
    if (type === "CN") return value!.replaceAll("\\00", "\0").replace(/\\(.)/gs, "$1");
  }
  return undefined;
}

/** As RFC 4514 writes it: the most special part first. */
function distinguishedName(name: DerValue | undefined): string {
  const sets = derParts(name).map(({ content }) => derValues(content).map(attribute).join("+"));
  return sets.reverse().join(", ");
}

function attribute(pair: DerValue): string {
  const [type, value] = derParts(pair);
  if (type === undefined || value === undefined) {
    throw new RangeError("read a name: found an empty attribute");
  }
  const id = derObjectId(type);
  const text = derText(value);
  return `${attributeNames[id] ?? id}=${
    text === undefined ? `#${hexadecimal(value.content)}` : escaped(text)
  }`;
}

function escaped(text: string): string {
  return text.replace(/[,+"\\<>;]|^[ #]| $/g, "\\$&").replaceAll("\0", "\\00");
}

/** The parts of an extension's value; undefined when there is no such extension. */
function extension(fields: readonly DerValue[], id: string): DerValue[] | undefined {
  const extensions = fields.find(({ tag }) => tag === extensionsTag);
  if (extensions === undefined) return undefined;
  for (const one of derParts(derValues(extensions.content)[0])) {
    const parts = derParts(one);
    const value = parts.at(-1);
    if (parts[0] === undefined || value === undefined || derObjectId(parts[0]) !== id) continue;
    return derParts(derValues(value.content)[0]);
  }
  return undefined;
}

/** Kinds that say nothing to us are left out. */
function altName({ tag, content }: DerValue): string[] {
  switch (tag) {
    case 0x81:
      return [`email:${latinText(content)}`];
    case 0x82:
      return [`DNS:${latinText(content)}`];
    case 0xa4:
      return [`DirName:${distinguishedName(derValues(content)[0])}`];
    case 0x86:
      return [`URI:${latinText(content)}`];
    case 0x87:
      return [`IP Address:${ipAddress(content)}`];
    default:
      return [];
  }
}

function ipAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) return `#${hexadecimal(bytes)}`;
  const groups = Array.from(
    { length: 8 },
    (_, at) => (bytes[2 * at]! * 256 + bytes[2 * at + 1]!).toString(16),
  );
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

function hexadecimal(bytes: Uint8Array, between = ""): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(between);
}
