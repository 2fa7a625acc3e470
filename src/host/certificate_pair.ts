/**
 * The check of a certificate and its key, before anything of it is put in service.
 *
 * Called by servers for what they show and by clients for what they send. The runtime's own library is asked
 * too, since it is the one that will use them. Knows no files and keeps nothing.
 */
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { isCutOff, type PemBlock, readPem } from "../core/tls/pem.ts";
import type { PeerCertificate, TlsMaterial } from "../core/tls/tls.ts";
import { TlsError } from "../core/tls/tls_error.ts";
import { readCertificate } from "../core/tls/x509.ts";

/** What TLS on every runtime has; curves under both of their names. */
const usualKinds: readonly string[] = [
  ...["prime256v1", "secp384r1", "secp521r1", "P-256", "P-384", "P-521"],
  ...["ed25519", "rsa"],
];
const shownKinds = "EC P-256, P-384 or P-521, Ed25519, RSA";

/** Where a pair came from, for messages: a file or the name of an option. */
export interface PairOrigin {
  readonly cert: string;
  readonly key: string;
}

/** A pair that is fit for service. */
export interface CheckedPair {
  /** Nothing but the certificates and the key: other text and other blocks are left out. */
  readonly material: TlsMaterial;
  readonly certificate: PeerCertificate;
}

/**
 * Checks a pair that this process shows to peers, at a point of wall-clock time. Throws `TlsError` `material`, whose
 * message names the place, what was found there and what to do.
 */
export function checkPair(pair: TlsMaterial, now: number, origin: PairOrigin): CheckedPair {
  const checked = checkSigner(pair, now, origin);
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPrivateKey(checked.material.key);
  const kind = details?.namedCurve ?? type ?? "unknown";
  if (!usualKinds.includes(kind)) {
    throw fault(`${origin.key}: found a key of the kind ${kind}, which not all peers and runtimes support`, {
      advice: `use one of ${shownKinds}`,
    });
  }
  try {
    createSecureContext({ ...checked.material });
  } catch (cause) {
    throw fault(`${origin.cert}: found a pair that this runtime does not accept (${text(cause)})`, {
      advice: "create one for TLS, with a longer key",
      cause,
    });
  }
  return checked;
}

/** The same for a pair that signs others and is shown to nobody. */
export function checkSigner(pair: TlsMaterial, now: number, origin: PairOrigin): CheckedPair {
  const chain = certificatesIn(pair.cert, origin.cert);
  const [own] = chain as [Parsed, ...Parsed[]];
  const [block, key] = privateKeyIn(pair.key, origin.key);
  requireMatch(chain, key, origin);
  requireValid(own.certificate, now, origin.cert);
  const material = { cert: chain.map(({ text }) => text).join(""), key: block.text };
  return { material, certificate: own.certificate };
}

/** Checks the certificates of those who may sign others; gives nothing but them. Throws as `checkPair`. */
export function checkAuthorities(ca: string, origin: string): string {
  return certificatesIn(ca, origin).map(({ text }) => text).join("");
}

/** Those who may sign the certificates of clients, fit for service. */
export interface CheckedAuthorities {
  /** Nothing but their certificates. */
  readonly ca: string;
  readonly certificates: readonly PeerCertificate[];
}

/**
 * Checks those who may sign the certificates of clients, at a point of wall-clock time: one of them at least must be
 * valid then, since nobody could come in otherwise. Throws as `checkPair`.
 */
export function checkClientAuthorities(pem: string, now: number, origin: string): CheckedAuthorities {
  const found = certificatesIn(pem, origin);
  const certificates = found.map(({ certificate }) => certificate);
  if (!certificates.some(({ validFrom, validTo }) => validFrom <= now && now < validTo)) {
    // Says which end of its time the first one is past.
    requireValid(certificates[0]!, now, origin);
  }
  const ca = found.map(({ text }) => text).join("");
  try {
    createSecureContext({ ca });
  } catch (cause) {
    throw fault(`${origin}: found certificates that this runtime does not accept (${text(cause)})`, {
      advice: "put only the certificates of client CAs in it",
      cause,
    });
  }
  return { ca, certificates };
}

interface Parsed {
  readonly text: string;
  readonly native: X509Certificate;
  readonly certificate: PeerCertificate;
}

function certificatesIn(pem: string, origin: string): readonly Parsed[] {
  const blocks = readPem(pem);
  const found = blocks.filter(({ label }) => label === "CERTIFICATE");
  if (found.length === 0 || isCutOff(pem)) throw missing(pem, blocks, origin, "CERTIFICATE");
  return found.map((block, at) => {
    try {
      const { der } = block;
      if (der === undefined) throw new RangeError("its lines are not Base64");
      const native = new X509Certificate(der);
      const certificate = readCertificate(der, createHash("sha256").update(der).digest());
      return { text: block.text, native, certificate };
    } catch (cause) {
      throw fault(`${origin}: found a damaged certificate at position ${at + 1} (${text(cause)})`, {
        advice: "copy the whole file again",
        cause,
      });
    }
  });
}

function privateKeyIn(pem: string, origin: string): [PemBlock, KeyObject] {
  const blocks = readPem(pem);
  const [block] = blocks.filter(({ label }) => label.endsWith("PRIVATE KEY"));
  if (block === undefined || isCutOff(pem)) throw missing(pem, blocks, origin, "PRIVATE KEY");
  if (block.encrypted) {
    throw fault(`${origin}: found a key that is encrypted with a passphrase`, {
      advice: "decrypt it once with: openssl pkey -in KEY -out NEW",
    });
  }
  try {
    return [block, createPrivateKey(block.text)];
  } catch (cause) {
    throw fault(`${origin}: found a key that this runtime cannot read (${text(cause)})`, {
      advice: "copy the whole file again, or create another kind of key, such as EC P-256",
      cause,
    });
  }
}

function requireMatch(chain: readonly Parsed[], key: KeyObject, origin: PairOrigin): void {
  const owner = chain.findIndex(({ native }) => {
    try {
      return native.checkPrivateKey(key);
    } catch {
      // Bun's way of saying that it cannot read the certificate's kind of key.
      return false;
    }
  });
  if (owner === 0) return;
  const whose = chain[0]!.certificate.subject || "an unnamed certificate";
  if (owner > 0) {
    throw fault(
      `${origin.cert}: found the certificate of the key only at position ${owner + 1}, after ${whose}`,
      {
        advice: "put the server's own certificate first, then the intermediate certificates",
      },
    );
  }
  throw fault(
    `${origin.key}: found a key that does not belong to the certificate in ${origin.cert} (${whose})`,
    {
      advice: "replace both together",
    },
  );
}

function requireValid({ validFrom, validTo }: PeerCertificate, now: number, origin: string): void {
  if (now >= validTo) {
    throw fault(`${origin}: found a certificate that expired on ${date(validTo)}`, { advice: "renew it" });
  }
  if (now >= validFrom) return;
  throw fault(`${origin}: found a certificate that is valid only from ${date(validFrom)}`, {
    advice: "check the clock of this machine, or wait until then",
  });
}

function missing(pem: string, blocks: readonly PemBlock[], origin: string, wanted: string): TlsError {
  if (isCutOff(pem)) {
    return fault(`${origin}: found a PEM block without its end`, { advice: "copy it again" });
  }
  const found = pem.trim() === ""
    ? "nothing"
    : blocks.length === 0
    ? "no PEM text"
    : [...new Set(blocks.map(({ label }) => `"${label}"`))].join(" and ");
  const tool = wanted === "CERTIFICATE" ? "openssl x509 -inform der" : "openssl pkey -inform der";
  return fault(`${origin}: found ${found}`, {
    advice: `expected a block "BEGIN ${wanted}"; convert DER with: ${tool} -in FILE -out NEW`,
  });
}

function fault(found: string, { advice, cause }: { advice: string; cause?: unknown }): TlsError {
  return new TlsError("material", `use ${found}; ${advice}`, cause === undefined ? undefined : { cause });
}

const text = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause);
const date = (ms: number): string => new Date(ms).toISOString().replace(".000Z", "Z");
