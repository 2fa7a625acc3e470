/**
 * Certificates for development: a CA of one's own, and what it signs for servers and clients.
 *
 * Called by `millrace cert`, which is loaded when it is needed. Makes text and touches no file.
 */
import { generate, type SelfsignedOptions } from "selfsigned";
import { serverName } from "../core/text/server_name.ts";
import type { TlsMaterial } from "../core/tls/tls.ts";

/** When a certificate begins and ends, in milliseconds since 1970. */
export interface Validity {
  readonly from: number;
  readonly to: number;
}

/** EC keys are small, quick to make and taken by all three runtimes. */
const kind: SelfsignedOptions = { keyType: "ec", curve: "P-256", algorithm: "sha256" };

/** A CA, named so that no two are taken for one another. */
export async function makeAuthority(validity: Validity): Promise<TlsMaterial> {
  const mark = Array.from(
    crypto.getRandomValues(new Uint8Array(4)),
    (byte) => byte.toString(16).padStart(2, "0"),
  );
  return await make(`Millrace development CA ${mark.join("")}`, validity, {
    extensions: [
      { name: "basicConstraints", cA: true, pathLenConstraint: 0, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
}

/** A certificate for a server: names, and addresses that clients connect to without a name. */
export async function makeServerCertificate(
  ca: TlsMaterial,
  names: readonly string[],
  validity: Validity,
): Promise<TlsMaterial> {
  return await make(names[0]!, validity, {
    ca: { ...ca },
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: names.map((name) => isAddress(name) ? { type: 7, ip: name } : { type: 2, value: name }),
      },
    ],
  });
}

/** A certificate by which a client is known. */
export async function makeClientCertificate(
  ca: TlsMaterial,
  subject: string,
  validity: Validity,
): Promise<TlsMaterial> {
  return await make(subject, validity, {
    ca: { ...ca },
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", clientAuth: true },
    ],
  });
}

async function make(
  subject: string,
  { from, to }: Validity,
  options: SelfsignedOptions,
): Promise<TlsMaterial> {
  const dates = { notBeforeDate: new Date(from), notAfterDate: new Date(to) };
  const made = await generate([{ name: "commonName", value: subject }], { ...kind, ...dates, ...options });
  return { cert: `${made.cert.trim()}\n`, key: `${made.private.trim()}\n` };
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
