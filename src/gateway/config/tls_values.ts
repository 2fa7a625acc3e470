/**
 * What the sections `tls` of servers and clients have in common: paths of files, versions, protocols.
 *
 * Used by `server_tls.ts` and `client_tls.ts`. Looks into no file: what is in them is checked by `tls_files.ts`.
 */
import { peerName as readPeerName } from "../../core/text/place.ts";
import { serverName } from "../../core/text/server_name.ts";
import type { TlsVersion } from "../../core/tls/tls.ts";
import { resolvePath } from "../../host/process.ts";
import { type Read, Refusal, type Section } from "./section.ts";
import { text } from "./values.ts";

/** A certificate and its key: paths of two files in PEM, or twice that of one which holds both. */
export interface CertificatePaths {
  readonly cert: string;
  readonly key: string;
}

/** What may be said of the protocol; what is missing is left to the defaults. */
export interface TlsProtocolConfig {
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
  readonly ciphers?: string;
  readonly alpn?: readonly string[];
}

const version: Read<TlsVersion> = (value) => {
  if (value === "TLSv1.2" || value === "TLSv1.3") return value;
  const minor = /1\.([0-3])$/.exec(String(value))?.[1];
  const known = minor === "2" || minor === "3";
  const hint = known ? `did you mean "TLSv1.${minor}"?` : minor && "older versions are not safe";
  throw new Refusal('"TLSv1.2" or "TLSv1.3"', hint);
};

/** A list of one or more; a single text is a list of one. */
function listOf(expected: string, accept: (one: string) => boolean): Read<readonly string[]> {
  return (value) => {
    const all: readonly unknown[] = Array.isArray(value) ? value : [value];
    const good = all.filter((one): one is string => typeof one === "string" && accept(one));
    if (all.length === 0 || good.length < all.length) throw new Refusal(expected);
    return good;
  };
}

const alpn = listOf(
  'protocols, the preferred one first, such as ["mqtt"]',
  (one) => one !== "" && new TextEncoder().encode(one).length < 256,
);

/** Names of servers, with or without a star. */
export const serverNames: Read<readonly string[]> = listOf(
  'names of servers such as ["example.org", "*.example.org"]',
  (one) => serverName(one) !== undefined,
);

/** The name of one server, or its IP address. */
export const peerName: Read<string> = (value) => {
  const name = readPeerName(value);
  if (name !== undefined) return name;
  throw new Refusal("the name or the IP address that the server's certificate is for");
};

/** The path of a file, from `folder` where it is relative. Of a text in its place nothing is shown: it may be a key. */
export function readPath(table: Section, key: string, folder: string): string | undefined {
  const value = table.raw(key);
  if (typeof value === "string" && value.includes("-----")) {
    table.refuse(key, "PEM text", "the path of a file", "put the text into a separate file");
    return undefined;
  }
  const path = table.take(key, (found) => {
    if (typeof found === "string" && found !== "") return found;
    throw new Refusal("the path of a file");
  });
  return path === undefined ? undefined : resolvePath(folder, path);
}

/** Both paths; a fault for one that is missing. */
export function readPair(table: Section, folder: string): CertificatePaths | undefined {
  for (const [key, what] of [["cert", "the certificate"], ["key", "its private key"]] as const) {
    if (!table.has(key)) table.refuse(key, undefined, `the path of the file with ${what}`);
  }
  const cert = readPath(table, "cert", folder);
  const key = readPath(table, "key", folder);
  return cert === undefined || key === undefined ? undefined : { cert, key };
}

/** Versions, ciphers, application protocols. */
export function readProtocol(table: Section): TlsProtocolConfig {
  const found = {
    minVersion: table.take("minVersion", version),
    maxVersion: table.take("maxVersion", version),
    ciphers: table.take("ciphers", text),
    alpn: table.take("alpn", alpn),
  };
  if (found.minVersion === "TLSv1.3" && found.maxVersion === "TLSv1.2") {
    table.refuse("maxVersion", "TLSv1.2", "at least minVersion, TLSv1.3");
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

/** Explains keys that belong to the other side's `tls`. */
export function otherSide(whose: string, ...keys: readonly string[]): (key: string) => string | undefined {
  return (key) => keys.includes(key) ? `it belongs to ${whose}` : undefined;
}
