/**
 * Keys for certificates that are made here, and signatures with them.
 *
 * Called by `millrace cert`. Knows no certificate and no file; the object ids are those of RFC 3279, 5758 and 8410.
 */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** A new key: its public half in DER (`SubjectPublicKeyInfo`), its private half as PEM text. */
interface KeyPair {
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly privateKey: string;
}

/** What a key signs with: the object id of the algorithm, and whether NULL stands behind it. */
interface SigningKey {
  readonly algorithm: string;
  readonly hasNull: boolean;
  sign(bytes: Uint8Array): Uint8Array<ArrayBuffer>;
}

/** EC keys are small, quick to make and taken by all three runtimes. */
export function makeKeyPair(): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "der" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return { publicKey: new Uint8Array(publicKey), privateKey };
}

/** The key in a PEM text. Throws a `RangeError` for a kind that signs no certificates here. */
export function signingKey(pem: string): SigningKey {
  const key = createPrivateKey(pem);
  switch (key.asymmetricKeyType) {
    case "ec":
      return signer(key, "1.2.840.10045.4.3.2");
    case "rsa":
      return signer(key, "1.2.840.113549.1.1.11", { hasNull: true });
    case "ed25519":
      return signer(key, "1.3.101.112", { digest: null });
    default:
      throw new RangeError(
        `sign with this key: found the kind ${key.asymmetricKeyType}, expected EC, RSA or Ed25519`,
      );
  }
}

/** By which a key is told from others (RFC 5280, 4.2.1.2). */
export function keyIdentifier(bits: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha1").update(bits).digest());
}

function signer(
  key: KeyObject,
  algorithm: string,
  { hasNull = false, digest = "sha256" }: { hasNull?: boolean; digest?: "sha256" | null } = {},
): SigningKey {
  return { algorithm, hasNull, sign: (bytes) => new Uint8Array(sign(digest, bytes, key)) };
}
