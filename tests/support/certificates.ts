/**
 * Certificates for tests, made once for each process: a CA, pairs it signed for servers and clients, and a stranger's.
 * All with EC keys, which are made at once.
 */
import { generate, type SelfsignedOptions } from "selfsigned";

/** A certificate and its key as PEM text. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** What a test certificate says. */
export interface PairOptions {
  /** Common name. @default the first of `names`, or "nobody" */
  readonly subject?: string;
  /** DNS names, or IP addresses. */
  readonly names?: readonly string[];
  /** @default yesterday */
  readonly from?: number;
  /** @default in 90 days */
  readonly to?: number;
  readonly use?: "server" | "client";
}

const dayMs = 86_400_000;

/** Somebody who signs. */
export interface Authority extends Pair {
  sign(options?: PairOptions): Promise<Pair>;
}

function dates({ from, to }: PairOptions): SelfsignedOptions {
  const now = Date.now();
  return { notBeforeDate: new Date(from ?? now - dayMs), notAfterDate: new Date(to ?? now + 90 * dayMs) };
}

const kind: SelfsignedOptions = { keyType: "ec", algorithm: "sha256" };

/** A new CA. */
export async function makeAuthority(subject = "Test CA", options: PairOptions = {}): Promise<Authority> {
  const made = await generate([{ name: "commonName", value: subject }], {
    ...kind,
    ...dates(options),
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const ca: Pair = { cert: made.cert, key: made.private };
  return { ...ca, sign: (given = {}) => sign(ca, given) };
}

async function sign(ca: Pair, options: PairOptions): Promise<Pair> {
  const { names = [], use = "server" } = options;
  const made = await generate([{ name: "commonName", value: options.subject ?? names[0] ?? "nobody" }], {
    ...kind,
    ...dates(options),
    ca,
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: use === "server", clientAuth: use === "client" },
      ...(names.length === 0 ? [] : [{
        name: "subjectAltName" as const,
        altNames: names.map((name) =>
          /^[\d.]+$|:/.test(name) ? { type: 7 as const, ip: name } : { type: 2 as const, value: name }
        ),
      }]),
    ],
  });
  return { cert: made.cert, key: made.private };
}

let standard: Promise<Authority> | undefined = undefined;

/** The CA that tests trust; the same one every time. */
export function testAuthority(): Promise<Authority> {
  return standard ??= makeAuthority();
}

/** A certificate of the test CA for a server; without names it is for localhost and 127.0.0.1. */
export async function serverPair(...names: string[]): Promise<Pair> {
  const ca = await testAuthority();
  return await ca.sign({ names: names.length === 0 ? ["localhost", "127.0.0.1", "::1"] : names });
}

/** A certificate of the test CA for a client. */
export async function clientPair(subject: string): Promise<Pair> {
  const ca = await testAuthority();
  return await ca.sign({ subject, use: "client" });
}
