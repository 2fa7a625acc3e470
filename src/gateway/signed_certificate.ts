/**
 * A new certificate (X.509, RFC 5280) and its key, signed by an authority or by itself.
 *
 * Called by `development_certificates.ts`, which says what is in it. Whether the authority is one that may sign is not
 * asked here.
 */
import { derObjectId, derParts, derTags, type DerValue, derValues } from "../core/tls/der.ts";
import { readPem } from "../core/tls/pem.ts";
import type { TlsMaterial } from "../core/tls/tls.ts";
import { keyIdentifier, makeKeyPair, signingKey } from "../host/key_pair.ts";
import {
  bitString,
  bitStringTag,
  contextSpecific,
  type Der,
  explicit,
  explicitTag,
  implicit,
  integer,
  nothing,
  objectId,
  octetString,
  octetStringTag,
  sequence,
  setOf,
  tagged,
  time,
  truth,
  utf8String,
} from "./der_values.ts";

/** One extension: its object id, and what it says. */
export interface Extension {
  readonly id: string;
  /** @default false */
  readonly critical?: boolean;
  readonly value: Der;
}

/** What a certificate says; it is signed by itself where no `ca` is given. */
interface CertificateOrder {
  readonly commonName: string;
  /** In milliseconds since 1970, of which whole seconds are kept. */
  readonly from: number;
  readonly to: number;
  readonly extensions: readonly Extension[];
  /** Checked before: a certificate, and its key. */
  readonly ca?: TlsMaterial;
}

/** Whoever signs: its name, and what its certificate calls its key. */
interface Signer {
  readonly name: Der;
  readonly keyId: Uint8Array;
}

const ids = { commonName: "2.5.4.3", subjectKey: "2.5.29.14", authorityKey: "2.5.29.35" };
const extensionsTag = 3;

/** Makes the key and signs the certificate. Throws what `signingKey` throws for the key of the authority. */
export function signCertificate({ commonName, from, to, extensions, ca }: CertificateOrder): TlsMaterial {
  const own = makeKeyPair();
  const keyId = keyIdOf(derValues(own.publicKey)[0]);
  const name = sequence(setOf(sequence(objectId(ids.commonName), utf8String(commonName))));
  const signer = ca === undefined ? { name, keyId } : signerIn(ca.cert);
  const key = signingKey(ca?.key ?? own.privateKey);
  const algorithm = sequence(objectId(key.algorithm), ...(key.hasNull ? [nothing] : []));
  const all: readonly Extension[] = [
    ...extensions,
    { id: ids.subjectKey, value: octetString(keyId) },
    { id: ids.authorityKey, value: sequence(implicit(0, signer.keyId)) },
  ];
  const content = sequence(
    explicit(0, integer(2)),
    integer(...serialNumber()),
    algorithm,
    signer.name,
    sequence(time(from), time(to)),
    name,
    own.publicKey,
    explicit(extensionsTag, sequence(...all.map(written))),
  );
  const der = sequence(content, algorithm, bitString(key.sign(content)));
  return { cert: pemOf("CERTIFICATE", der), key: own.privateKey };
}

/** Positive and of no more than 20 bytes (RFC 5280, 4.1.2.2), with nothing in front that DER would leave out. */
function serialNumber(): Uint8Array {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = bytes[0]! & 0x3f | 0x40;
  return bytes;
}

function written({ id, critical = false, value }: Extension): Der {
  return sequence(objectId(id), ...(critical ? [truth] : []), octetString(value));
}

/** Reads the first certificate of a text. */
function signerIn(pem: string): Signer {
  const block = readPem(pem).find(({ label }) => label === "CERTIFICATE");
  const content = derParts(derParts(derValues(block?.der ?? new Uint8Array())[0])[0]);
  const isTagged = ({ tag }: DerValue): boolean => tag >= contextSpecific;
  const [, , , , name, publicKey] = content.filter((part) => !isTagged(part));
  if (name === undefined) throw new RangeError("read the certificate of the CA: found no name");
  const list = content.find(({ tag }) => tag === explicitTag(extensionsTag));
  for (const extension of list === undefined ? [] : derParts(derValues(list.content)[0])) {
    const [id, ...rest] = derParts(extension);
    const value = rest.at(-1);
    if (id?.tag === derTags.objectId && derObjectId(id) === ids.subjectKey && value?.tag === octetStringTag) {
      return { name: same(name), keyId: bytesOf(derValues(value.content)[0], octetStringTag) };
    }
  }
  return { name: same(name), keyId: keyIdOf(publicKey) };
}

const same = ({ tag, content }: DerValue): Der => tagged(tag, content);

function bytesOf(value: DerValue | undefined, tag: number): Uint8Array {
  if (value?.tag === tag) return value.content;
  throw new RangeError("read DER: expected a string of bytes");
}

/** Of a `SubjectPublicKeyInfo`: its bits, behind the number of those that are unused. */
const keyIdOf = (publicKey: DerValue | undefined): Uint8Array =>
  keyIdentifier(bytesOf(derParts(publicKey)[1], bitStringTag).subarray(1));

function pemOf(label: string, der: Uint8Array): string {
  const lines = btoa(Array.from(der, (byte) => String.fromCharCode(byte)).join("")).match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
