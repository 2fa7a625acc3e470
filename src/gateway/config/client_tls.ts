/** The section `tls` of a client endpoint: what it trusts, and its own certificate. */
import type { Section } from "./section.ts";
import {
  type CertificatePaths,
  otherSide,
  peerName,
  readPair,
  readPath,
  readProtocol,
  type TlsProtocolConfig,
} from "./tls_values.ts";
import { boolean } from "./values.ts";

/** TLS of a client endpoint. */
export interface TlsClientConfig {
  /** Path of the certificates to trust; undefined for the system's. */
  readonly ca: string | undefined;
  /** Its own certificate. */
  readonly own: CertificatePaths | undefined;
  readonly protocol: TlsProtocolConfig & {
    readonly serverName?: string;
    readonly insecureSkipVerify?: boolean;
  };
}

/** Reads `true` or a table. Relative paths start at `folder`. */
export function readClientTls(section: Section, folder: string): TlsClientConfig | undefined {
  const value = section.raw("tls");
  if (value === false) return undefined;
  if (value === true) return { ca: undefined, own: undefined, protocol: {} };
  return section.table(
    "tls",
    'true, or a table such as { ca: "ca.crt" }',
    (table) => {
      const own = table.has("cert") || table.has("key") ? readPair(table, folder) : undefined;
      const ca = readPath(table, "ca", folder);
      const serverName = table.take("serverName", peerName);
      const insecureSkipVerify = table.take("insecureSkipVerify", boolean);
      if (insecureSkipVerify === true && table.has("ca")) {
        table.refuse(
          "ca",
          table.raw("ca"),
          "to be left out with insecureSkipVerify, which trusts every server",
        );
      }
      const protocol = {
        ...readProtocol(table),
        ...(serverName !== undefined && { serverName }),
        ...(insecureSkipVerify !== undefined && { insecureSkipVerify }),
      };
      return { ca, own, protocol };
    },
    otherSide(
      "a server endpoint",
      "certificates",
      "default",
      "clientCertificates",
      "handshakeTimeout",
    ),
  );
}
