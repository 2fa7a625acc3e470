/**
 * A new certificate (X.509, RFC 5280) and its key, signed by an authority or by itself.
 *
 * Called by `development_certificates.ts`, which says what is in it. A library writes the DER; whether the authority is
 * one that may sign is not asked here.
 */
import {
  type BaseBlock,
  BitString,
  Boolean as Truth,
  Constructed,
  fromBER,
  GeneralizedTime,
  Integer,
  Null,
  ObjectIdentifier,
  OctetString,
  Sequence,
  Set as SetOf,
  UTCTime,
  Utf8String,
} from "asn1js";
import { readPem } from "../core/tls/pem.ts";
import type { TlsMaterial } from "../core/tls/tls.ts";
import { keyIdentifier, makeKeyPair, signingKey } from "../host/key_pair.ts";
import { implicit, objectId, sequence } from "./der_values.ts";

/** One extension: its object id, and what it says. */
export interface Extension {
  readonly id: string;
  /** @default false */
  readonly critical?: boolean;
  readonly value: BaseBlock;
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
  readonly name: BaseBlock;
  readonly keyId: Uint8Array;
}

const ids = { commonName: "2.5.4.3", subjectKey: "2.5.29.14", authorityKey: "2.5.29.35" };
const contextSpecific = 3;
const extensionsTag = 3;
/** From then on dates have four digits for the year (RFC 5280, 4.1.2.5). */
const longDates = Date.UTC(2050);

/** Makes the key and signs the certificate. Throws what `signingKey` throws for the key of the authority. */
export function signCertificate({ commonName, from, to, extensions, ca }: CertificateOrder): TlsMaterial {
  const own = makeKeyPair();
  const publicKey = parsed(own.publicKey);
  const keyId = keyIdOf(publicKey);
  const name = sequence(
    new SetOf({ value: [sequence(objectId(ids.commonName), new Utf8String({ value: commonName }))] }),
  );
  const signer = ca === undefined ? { name, keyId } : signerIn(ca.cert);
  const key = signingKey(ca?.key ?? own.privateKey);
  const algorithm = sequence(objectId(key.algorithm), ...(key.hasNull ? [new Null()] : []));
  const all: readonly Extension[] = [
    ...extensions,
    { id: ids.subjectKey, value: new OctetString({ valueHex: keyId }) },
    { id: ids.authorityKey, value: sequence(implicit(0, signer.keyId)) },
  ];
  const content = sequence(
    explicit(0, new Integer({ value: 2 })),
    new Integer({ valueHex: serialNumber() }),
    algorithm,
    signer.name,
    sequence(time(from), time(to)),
    name,
    publicKey,
    explicit(extensionsTag, sequence(...all.map(written))),
  );
  const signature = new BitString({ valueHex: key.sign(new Uint8Array(content.toBER())) });
  const der = sequence(content, algorithm, signature).toBER();
  return { cert: pemOf("CERTIFICATE", new Uint8Array(der)), key: own.privateKey };
}

/** Positive and of no more than 20 bytes (RFC 5280, 4.1.2.2), with nothing in front that DER would leave out. */
function serialNumber(): Uint8Array {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = bytes[0]! & 0x3f | 0x40;
  return bytes;
}

function time(ms: number): BaseBlock {
  const valueDate = new Date(Math.floor(ms / 1000) * 1000);
  return ms < longDates ? new UTCTime({ valueDate }) : new GeneralizedTime({ valueDate });
}

function written({ id, critical = false, value }: Extension): Sequence {
  return sequence(
    objectId(id),
    ...(critical ? [new Truth({ value: true })] : []),
    new OctetString({ valueHex: value.toBER() }),
  );
}

function explicit(tagNumber: number, value: BaseBlock): Constructed {
  return new Constructed({ idBlock: { tagClass: contextSpecific, tagNumber }, value: [value] });
}

/** Reads the first certificate of a text. */
function signerIn(pem: string): Signer {
  const block = readPem(pem).find(({ label }) => label === "CERTIFICATE");
  const content = partsOf(partsOf(parsed(block?.der ?? new Uint8Array()))[0]);
  const isTagged = ({ idBlock }: BaseBlock): boolean => idBlock.tagClass === contextSpecific;
  const [, , , , name, publicKey] = content.filter((part) => !isTagged(part));
  if (name === undefined) throw new RangeError("read the certificate of the CA: found no name");
  const list = content.find((part) => isTagged(part) && part.idBlock.tagNumber === extensionsTag);
  for (const extension of partsOf(partsOf(list)[0])) {
    const [id, ...rest] = partsOf(extension);
    const value = rest.at(-1);
    if (id instanceof ObjectIdentifier && id.getValue() === ids.subjectKey && value instanceof OctetString) {
      return { name, keyId: bytesOf(parsed(new Uint8Array(value.getValue()))) };
    }
  }
  return { name, keyId: keyIdOf(publicKey) };
}

function parsed(der: Uint8Array): BaseBlock {
  const { offset, result } = fromBER(der);
  if (offset === -1) throw new RangeError(`read DER: ${result.error}`);
  return result;
}

const partsOf = (value: BaseBlock | undefined): readonly BaseBlock[] =>
  value instanceof Constructed ? value.valueBlock.value : [];

function bytesOf(value: BaseBlock | undefined): Uint8Array {
  if (value instanceof OctetString) return new Uint8Array(value.getValue());
  if (value instanceof BitString) return value.valueBlock.valueHexView;
  throw new RangeError("read DER: expected a string of bytes");
}

const keyIdOf = (publicKey: BaseBlock | undefined): Uint8Array =>
  keyIdentifier(bytesOf(partsOf(publicKey)[1]));

function pemOf(label: string, der: Uint8Array): string {
  const lines = btoa(Array.from(der, (byte) => String.fromCharCode(byte)).join("")).match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
