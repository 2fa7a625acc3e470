/**
 * `--tls` and what belongs to it on the command line.
 *
 * Declared by the commands that serve and those that dial; gives the same records as a section `tls` of a config.
 */
import type { Command, Option } from "commander";
import type { TlsClientConfig } from "../config/client_tls.ts";
import { Refusal } from "../config/section.ts";
import type { TlsServerConfig } from "../config/server_tls.ts";
import { type CertificatePaths, peerName } from "../config/tls_values.ts";
import { CommandFailure, exitCodes } from "./failure.ts";
import { option } from "./option_values.ts";

/** Flags of a command that serves. */
export interface ServerTlsFlags {
  readonly tls?: boolean;
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
  readonly alpn?: readonly string[];
}

/** Flags of a command that connects. */
export interface ClientTlsFlags extends ServerTlsFlags {
  readonly serverName?: string;
  readonly insecure?: boolean;
}

/** Adds the flags of a command that serves. */
export function addServerTls(command: Command): Command {
  return command
    .option("--tls", "use TLS; needs --cert and --key")
    .option("--cert <file>", "certificate in PEM; reloaded when it changes")
    .option("--key <file>", "its private key")
    .option("--ca <file>", "reject clients whose certificate is not signed by one of these")
    .addOption(alpnOption());
}

/** Adds the flags of a command that connects. */
export function addClientTls(command: Command): Command {
  return command
    .option("--tls", "use TLS, and check the server's certificate")
    .option("--ca <file>", "trust the certificates in this file (default: the system's)")
    .option("--cert <file>", "client certificate in PEM")
    .option("--key <file>", "its private key")
    .addOption(
      option("--server-name <name>", "name that the certificate must match (default: the host)", readName),
    )
    .addOption(alpnOption())
    .option("--insecure", "accept any certificate; anyone on the path can read and change everything");
}

function alpnOption(): Option {
  return option(
    "--alpn <list>",
    "application protocols, the preferred one first, such as mqtt,h2",
    (text) => {
      const all = text.split(",").map((one) => one.trim());
      if (!all.includes("")) return all;
      throw new RangeError(`found ${JSON.stringify(text)}, expected protocols separated by commas`);
    },
  );
}

function readName(text: string): string {
  try {
    return peerName(text);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new RangeError(`found ${JSON.stringify(text)}, expected ${error.expected}`);
  }
}

const names = ["cert", "key", "ca", "alpn", "serverName", "insecure"] as const;

/** What the flags ask for; undefined without `--tls`. */
export function serverTlsOf(flags: ServerTlsFlags): TlsServerConfig | undefined {
  if (!wanted(flags)) return undefined;
  const main = pairOf(flags);
  if (main === undefined) {
    throw usage("--tls needs --cert and --key; `millrace cert` makes them for development");
  }
  const { ca, alpn } = flags;
  const protocol = { ...(alpn && { alpn }), ...(ca && { clientCertificates: "require" as const }) };
  return { certificates: { main }, named: false, default: undefined, ca, protocol };
}

/** What the flags ask for; undefined without `--tls`. `hasHost`: there is a name to check without `--server-name`. */
export function clientTlsOf(flags: ClientTlsFlags, hasHost: boolean): TlsClientConfig | undefined {
  if (!wanted(flags)) return undefined;
  const { ca, alpn, serverName, insecure } = flags;
  if (insecure && ca !== undefined) throw usage("--insecure cannot be combined with --ca: leave one out");
  if (!hasHost && serverName === undefined && insecure !== true) {
    throw usage("--tls on a Unix socket needs --server-name: the socket has no name to check");
  }
  const protocol = {
    ...(alpn && { alpn }),
    ...(serverName !== undefined && { serverName }),
    ...(insecure && { insecureSkipVerify: true }),
  };
  return { ca, own: pairOf(flags), protocol };
}

function wanted(flags: ClientTlsFlags): boolean {
  if (flags.tls === true) return true;
  const stray = names.find((name) => flags[name] !== undefined);
  if (stray === undefined) return false;
  const flag = stray === "serverName" ? "server-name" : stray;
  throw usage(`--${flag} needs --tls: add it, or leave --${flag} out`);
}

function pairOf({ cert, key }: ServerTlsFlags): CertificatePaths | undefined {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined) throw usage("--key needs --cert: add the file with the certificate");
  if (key === undefined) throw usage("--cert needs --key: add the file with its private key");
  return { cert, key };
}

function usage(message: string): CommandFailure {
  return new CommandFailure(exitCodes.usage, message);
}
