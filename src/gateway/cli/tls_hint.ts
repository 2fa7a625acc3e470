/**
 * What to type to talk to a server with TLS: the flags of `millrace connect` that its certificate asks for.
 *
 * Used where a command that serves says what to do next.
 */
import { isThere } from "../../host/new_files.ts";
import { folderOf } from "../../host/watched_files.ts";
import type { CertificateInspection } from "../../core/tls/certificate_options.ts";
import type { TlsServerConfig } from "../config/server_tls.ts";

/** Such as ` --tls --ca certs/ca.crt --server-name localhost`; undefined where the peer needs a certificate of its own. */
export async function tlsHint(
  tls: TlsServerConfig,
  certificates: readonly CertificateInspection[],
): Promise<string | undefined> {
  if (tls.protocol.clientCertificates === "require") return undefined;
  const shown = certificates.find(({ isDefault }) => isDefault);
  const file = shown && tls.certificates[shown.name]?.cert;
  const name = shown?.serverNames[0]?.replace("*", "www");
  // `millrace cert` puts the CA there.
  const ca = file === undefined ? undefined : `${folderOf(file)}/ca.crt`;
  const trusts = ca !== undefined && await isThere(ca) ? ` --ca ${quoted(ca)}` : "";
  return ` --tls${trusts}${name === undefined ? "" : ` --server-name ${name}`}`;
}

/** A path as a shell takes it. */
export function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
