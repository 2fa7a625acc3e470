/**
 * Whether the client of a resumed session is still to be accepted.
 *
 * Used by `tls/server.ts`. A resumed session brings along the certificate that was checked when it began. Node and Bun
 * keep sessions apart by context, and there is a context for each list of those who may sign. Deno has one store for
 * all servers of a process, whatever is asked of it, so that a session of one server, or of a time before a change of
 * the list, would be accepted by another. There the certificate is checked once more.
 */
import { X509Certificate } from "node:crypto";
import { versions } from "node:process";
import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import { readPem } from "../../core/tls/pem.ts";

const storeIsShared = "deno" in versions;
/** Certificates between a client's own and a root. */
const mostSteps = 8;

interface Parsed {
  readonly ca: string;
  readonly certificates: readonly X509Certificate[];
}

/** The list that was asked for last. */
let last: Parsed | undefined = undefined;

/** What is wrong with a resumed session under this list of those who may sign, as a code. */
export function resumptionFault(socket: TLSSocket, ca: string | undefined): string | undefined {
  if (!storeIsShared || !socket.isSessionReused()) return undefined;
  const chain = chainOf(socket.getPeerCertificate(true));
  return isSigned(chain, authoritiesIn(ca ?? ""), Date.now()) ? undefined : "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
}

/** The first certificate is signed by one of these, directly or by way of the others; all are valid now. */
export function isSigned(
  [own, ...others]: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
  now: number,
): boolean {
  let one = own;
  for (let step = 0; one !== undefined && step < mostSteps; step++) {
    const current: X509Certificate = one;
    if (!isValid(current, now)) return false;
    if (authorities.some((authority) => hasSigned(authority, current))) return true;
    one = others.find((other) => other.ca && hasSigned(other, current));
  }
  return false;
}

function hasSigned(signer: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return certificate.checkIssued(signer) && certificate.verify(signer.publicKey);
  } catch {
    // A kind of key that this runtime cannot read.
    return false;
  }
}

function isValid({ validFrom, validTo }: X509Certificate, now: number): boolean {
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo);
}

/** From the peer's own certificate upward, as far as it has sent them. */
function chainOf(first: DetailedPeerCertificate | undefined): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let one = first;
  while (one?.raw !== undefined && chain.length <= mostSteps) {
    chain.push(new X509Certificate(one.raw));
    one = one.issuerCertificate === one ? undefined : one.issuerCertificate;
  }
  return chain;
}

function authoritiesIn(ca: string): readonly X509Certificate[] {
  if (last?.ca !== ca) {
    const ders = readPem(ca).flatMap(({ label, der }) => label === "CERTIFICATE" && der ? [der] : []);
    last = { ca, certificates: ders.map((der) => new X509Certificate(der)) };
  }
  return last!.certificates;
}
