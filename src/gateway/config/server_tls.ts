/** The section `tls` of an endpoint that listens: its certificates, and what it asks of those who connect. */
import type { Section } from "./section.ts";
import {
  type CertificatePaths,
  otherSide,
  readPair,
  readPath,
  readProtocol,
  serverNames,
  type TlsProtocolConfig,
} from "./tls_values.ts";
import { finiteDuration, oneOf } from "./values.ts";

/** What is asked of those who connect. */
type ClientCertificates = "none" | "request" | "require";

/** TLS of an endpoint that listens. */
export interface TlsServerConfig {
  /** By the names that logs and metrics use. */
  readonly certificates: Readonly<
    Record<string, CertificatePaths & { readonly serverNames?: readonly string[] }>
  >;
  /** True where the configuration names them itself. */
  readonly named: boolean;
  /** The one for clients that name no server; undefined for the first. */
  readonly default: string | undefined;
  /** Path of the certificates of those who may sign client certificates. */
  readonly ca: string | undefined;
  readonly protocol: TlsProtocolConfig & {
    readonly clientCertificates?: ClientCertificates;
    readonly handshakeTimeout?: number;
  };
}

/** Reads it. Relative paths start at `folder`. */
export function readServerTls(section: Section, folder: string): TlsServerConfig | undefined {
  if (section.raw("tls") === false) return undefined;
  const expected = 'a table such as { cert: "main.crt", key: "main.key" }';
  return section.table("tls", expected, (table) => {
    const named = table.has("certificates");
    const certificates = named ? readNamed(table, folder) : readSingle(table, folder);
    const standard = named ? table.take("default", oneOf(Object.keys(certificates))) : undefined;
    return { certificates, named, default: standard, ...readClients(table, folder) };
  }, otherSide("a client endpoint", "serverName", "insecureSkipVerify"));
}

/** The only one, under the name that logs and metrics give it. */
function readSingle(table: Section, folder: string): TlsServerConfig["certificates"] {
  const pair = readPair(table, folder);
  return pair === undefined ? {} : { main: pair };
}

function readNamed(table: Section, folder: string): TlsServerConfig["certificates"] {
  for (const key of ["cert", "key"]) {
    if (table.has(key)) table.refuse(key, "both", "either cert and key, or certificates by name");
  }
  const found = table.table("certificates", "a table of certificates by name", (names) => {
    if (names.keys.length === 0) table.refuse("certificates", {}, "one or more certificates by name");
    return names.keys.map((name) => [
      name,
      names.table(name, "a table with cert and key", (each) => {
        const asked = each.take("serverNames", serverNames);
        return { cert: "", key: "", ...readPair(each, folder), ...(asked && { serverNames: asked }) };
      }) ?? { cert: "", key: "" },
    ]);
  });
  return Object.fromEntries(found ?? []);
}

/** What is asked of clients, and how long they may take. */
function readClients(table: Section, folder: string): Pick<TlsServerConfig, "ca" | "protocol"> {
  const kinds = ["none", "request", "require"] as const;
  const clientCertificates = table.take("clientCertificates", oneOf<ClientCertificates>(kinds));
  const handshakeTimeout = table.take("handshakeTimeout", finiteDuration);
  const ca = readPath(table, "ca", folder);
  const asks = clientCertificates === "request" || clientCertificates === "require";
  if (asks && !table.has("ca")) {
    table.refuse("ca", undefined, "the path of the file with the CAs that may sign client certificates");
  }
  const unasked = clientCertificates === "none" || !table.has("clientCertificates");
  if (unasked && table.has("ca")) {
    const hint = 'it is for clients: add clientCertificates: "require" or "request"';
    table.refuse("ca", table.raw("ca"), "to be left out when clients are not asked for a certificate", hint);
  }
  const protocol = {
    ...readProtocol(table),
    ...(clientCertificates && { clientCertificates }),
    ...(handshakeTimeout !== undefined && { handshakeTimeout }),
  };
  return { ca, protocol };
}
