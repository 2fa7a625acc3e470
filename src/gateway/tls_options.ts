/**
 * From the files of a section `tls`, or of the flags beside `--tls`, to what servers and clients take.
 *
 * Used by the endpoints and by the commands. A server's certificates are watched from then on; those who may sign
 * client certificates, and all that a client uses, are read when it starts or dials.
 */
import type { ClientTls } from "../core/tls.ts";
import { TlsError } from "../core/tls_error.ts";
import type { Address } from "../core/transport.ts";
import { readSmallFile } from "../host/watched_files.ts";
import type { Certificates } from "../server/certificate_options.ts";
import { certificates } from "../server/certificates.ts";
import type { ClientTlsConfig } from "./config/client_tls.ts";
import type { ClientCertificates, ServerTlsConfig } from "./config/server_tls.ts";
import { unreadable } from "./config/tls_files.ts";
import type { TlsProtocolConfig } from "./config/tls_values.ts";

/** `tls` of a server. */
export interface ServerTlsFromFiles extends TlsProtocolConfig {
  readonly certificates: Certificates;
  readonly clientCertificates?: ClientCertificates;
  readonly ca?: string;
  readonly handshakeTimeout?: number;
}

/** `tls` of a client. */
export interface ClientTlsFromFiles extends TlsProtocolConfig {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly insecureSkipVerify?: boolean;
}

/** What `serve` takes as `tls`. Without `ca` no certificates are asked of clients. */
export function serverTlsOptions(tls: ServerTlsConfig, ca: string | undefined): ServerTlsFromFiles {
  const sources = Object.entries(tls.certificates).map(([name, { cert, key, ...names }]) =>
    [name, { certFile: cert, keyFile: key, ...names }] as const
  );
  const set = certificates(Object.fromEntries(sources), { default: tls.default });
  const { clientCertificates, ...protocol } = tls.protocol;
  return {
    certificates: set,
    ...protocol,
    ...(ca !== undefined && clientCertificates && { clientCertificates, ca }),
  };
}

/** The same with its files read. Rejects with `TlsError` `material`. */
export async function loadServerTls(tls: ServerTlsConfig): Promise<ServerTlsFromFiles> {
  return serverTlsOptions(tls, await authorities(tls));
}

/** The text of those who may sign client certificates. Rejects with `TlsError` `material`. */
export async function authorities({ ca }: ServerTlsConfig): Promise<string | undefined> {
  return ca === undefined ? undefined : await textOf(ca);
}

/** What `connect` takes as `tls`, its files read now. Rejects with `TlsError` `material`. */
export async function loadClientTls({ ca, own, protocol }: ClientTlsConfig): Promise<ClientTlsFromFiles> {
  const [caText, cert, key] = await Promise.all(
    [ca, own?.cert, own?.key].map((path) => path && textOf(path)),
  );
  return {
    ...protocol,
    ...(caText !== undefined && { ca: caText }),
    ...(cert !== undefined && key !== undefined && { cert, key }),
  };
}

/** The same for sockets without a connection on them. */
export async function loadSocketTls(tls: ClientTlsConfig, address: Address): Promise<ClientTls> {
  const { ca, cert, key, serverName, ...given } = await loadClientTls(tls);
  return {
    minVersion: given.minVersion ?? "TLSv1.2",
    maxVersion: given.maxVersion ?? "TLSv1.3",
    ciphers: given.ciphers,
    alpn: given.alpn ?? [],
    serverName: serverName ?? (address.transport === "tcp" ? address.host : ""),
    ca,
    material: cert === undefined || key === undefined ? undefined : { cert, key },
    insecureSkipVerify: given.insecureSkipVerify ?? false,
  };
}

async function textOf(path: string): Promise<string> {
  try {
    return await readSmallFile(path);
  } catch (cause) {
    throw new TlsError("material", `read ${path}: ${unreadable(cause)}`, { cause });
  }
}
