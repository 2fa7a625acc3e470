/**
 * From the files of a section `tls`, or of the flags beside `--tls`, to what servers and clients take.
 *
 * Used by the endpoints and by the commands. A server's files are read when it starts, and watched from then on; those
 * of a client when it connects.
 */
import type { TlsClientOptions, TlsServerOptions } from "../connection/tls/options.ts";
import { resolveClientTls } from "../connection/tls/settings.ts";
import { warnInsecure } from "../connection/tls/trust.ts";
import { OptionsCheck } from "../core/options.ts";
import type { TlsClientSettings } from "../core/tls/tls.ts";
import { TlsError } from "../core/tls/tls_error.ts";
import type { Adapter, Address } from "../core/transport.ts";
import { readSmallFile } from "../host/watched_files.ts";
import type { Certificates } from "../core/tls/certificate_options.ts";
import { certificates } from "../certificates/certificates.ts";
import type { TlsClientConfig } from "./config/client_tls.ts";
import type { TlsServerConfig } from "./config/server_tls.ts";
import { unreadable } from "./config/tls_files.ts";
import { formatAddress } from "../core/text/address.ts";

/** `tls` of a server, with its certificates at hand. */
type ServerTlsFromFiles = TlsServerOptions & { readonly certificates: Certificates };

/** What `serve` takes as `tls`. Reads no file. */
export function serverTlsOptions(tls: TlsServerConfig): ServerTlsFromFiles {
  const sources = Object.entries(tls.certificates).map(([name, { cert, key, ...names }]) =>
    [name, { certFile: cert, keyFile: key, ...names }] as const
  );
  const { default: standard, ca: caFile } = tls;
  return {
    certificates: certificates(Object.fromEntries(sources), { default: standard, caFile }),
    ...tls.protocol,
  };
}

/** What `connect` takes as `tls`, its files read now. Rejects with `TlsError` `material`. */
export async function loadClientTls({ ca, own, protocol }: TlsClientConfig): Promise<TlsClientOptions> {
  const [caText, cert, key] = await Promise.all(
    [ca, own?.cert, own?.key].map((path) => path && textOf(path)),
  );
  return {
    ...protocol,
    ...(caText !== undefined && { ca: caText }),
    ...(cert !== undefined && key !== undefined && { cert, key }),
  };
}

/** The same for sockets without a connection on them. Rejects with `OptionsError` too. */
export async function loadSocketTls(
  tls: TlsClientConfig,
  address: Address,
  adapter: Adapter,
): Promise<TlsClientSettings> {
  const check = new OptionsCheck();
  const settings = resolveClientTls(check, await loadClientTls(tls), address, adapter);
  check.done();
  if (settings.insecureSkipVerify) warnInsecure(formatAddress(address));
  return settings;
}

/** Throws `OptionsError` for what sockets cannot do; reads no file. */
export function checkSocketTls({ protocol }: TlsClientConfig, address: Address, adapter: Adapter): void {
  const check = new OptionsCheck();
  resolveClientTls(check, protocol, address, adapter);
  check.done();
}

async function textOf(path: string): Promise<string> {
  try {
    return await readSmallFile(path);
  } catch (cause) {
    throw new TlsError("material", `read ${path}: ${unreadable(cause)}`, { cause });
  }
}
