/** `millrace cert`: makes a CA and certificates for development, says what it wrote and what to type next. */
import type { TlsMaterial } from "../../core/tls/tls.ts";
import { TlsError } from "../../core/tls/tls_error.ts";
import { checkSigner } from "../../host/certificate_pair.ts";
import { isThere, makeFile } from "../../host/new_files.ts";
import { readSmallFile } from "../../host/watched_files.ts";
import {
  certificateName,
  makeAuthority,
  makeClientCertificate,
  makeServerCertificate,
  type Validity,
} from "../development_certificates.ts";
import { CommandFailure, exitCodes } from "./failure.ts";
import { print, type Shell } from "./shell.ts";
import { quoted } from "./tls_hint.ts";

/** What the command line asked for. */
interface CertOrder {
  readonly folder: string;
  /** Of a server; without them and without a client there is one for localhost. */
  readonly names: readonly string[] | undefined;
  readonly client: string | undefined;
  readonly caOnly: boolean;
  readonly days: number;
  readonly force: boolean;
}

const dayMs = 86_400_000;
const caDays = 3650;
const localNames = ["localhost", "127.0.0.1", "::1"];

/** A pair that is to be made. */
interface Wanted {
  readonly stem: string;
  readonly what: string;
  /** Where the server is reached; undefined for a client. */
  readonly host: string | undefined;
  make(ca: TlsMaterial, validity: Validity): TlsMaterial;
}

/** Two files, and what they are. */
interface Written {
  readonly stem: string;
  readonly what: string;
  readonly to: number;
}

/** Makes the files; gives the exit code. Nothing is written when anything is in the way. */
export async function runCert(order: CertOrder, shell: Shell): Promise<number> {
  const wanted = order.caOnly ? [] : wantedOf(order);
  const stems = order.caOnly ? ["ca"] : wanted.map(({ stem }) => stem);
  if (!order.force) { for (const stem of stems) await requireFree(order.folder, stem); }
  const written: Written[] = [];
  const ca = await authority(order, written);
  for (const { stem, what, make } of wanted) {
    const validity = validityOf(order.days, ca.to);
    await write(order, stem, make(ca, validity), order.force);
    written.push({ stem, what, to: validity.to });
  }
  await print(shell, await report(order, written, wanted));
  return exitCodes.ok;
}

function wantedOf({ names, client }: CertOrder): Wanted[] {
  const wanted: Wanted[] = [];
  if (names !== undefined || client === undefined) {
    const all = [...new Set((names ?? localNames).map(nameOf))];
    wanted.push({
      stem: all[0]!.replace(/^\*/, "_").replaceAll(":", "-"),
      what: `the server ${all.join(", ")}`,
      host: all.find((name) => !name.startsWith("*")) ?? all[0]!.replace("*", "www"),
      make: (ca, validity) => makeServerCertificate(ca, all, validity),
    });
  }
  if (client !== undefined) {
    if (!/^[\w][\w.@-]{0,63}$/.test(client)) {
      throw usage("--client", client, "letters, digits and . _ @ -, at most 64 of them");
    }
    wanted.push({
      stem: client,
      what: `the client ${client}`,
      host: undefined,
      make: (ca, validity) => makeClientCertificate(ca, client, validity),
    });
  }
  const stems = wanted.map(({ stem }) => stem.toLowerCase());
  const taken = stems.find((stem, at) => stem === "ca" || stems.indexOf(stem) !== at);
  if (taken !== undefined) {
    throw usage("--client and --name", taken, "names that differ from each other and from ca");
  }
  return wanted;
}

function nameOf(text: string): string {
  const name = certificateName(text);
  if (name !== undefined) return name;
  throw usage("--name", text, "the name of a server, such as localhost or *.example.org, or an IP address");
}

function usage(option: string, found: string, expected: string): CommandFailure {
  return new CommandFailure(
    exitCodes.usage,
    `${option}: found ${JSON.stringify(found)}, expected ${expected}`,
  );
}

/** The CA of the folder: the one that is there, or a new one. */
async function authority(
  order: CertOrder,
  written: Written[],
): Promise<TlsMaterial & { readonly to: number }> {
  const [certFile, keyFile] = pathsOf(order.folder, "ca");
  const there = await Promise.all([isThere(certFile), isThere(keyFile)]);
  if (!order.caOnly && there.includes(true)) {
    try {
      const [cert, key] = await Promise.all([readSmallFile(certFile), readSmallFile(keyFile)]);
      const pair = checkSigner({ cert, key }, Date.now(), { cert: certFile, key: keyFile });
      return { ...pair.material, to: pair.certificate.validTo };
    } catch (cause) {
      const text = cause instanceof TlsError
        ? cause.message
        : `use ${certFile} and ${keyFile}: ${messageOf(cause)}`;
      throw new CommandFailure(exitCodes.failed, `${text}; or make a new CA with --ca --force`, { cause });
    }
  }
  const validity = validityOf(caDays, Infinity);
  const ca = makeAuthority(validity);
  await write(order, "ca", ca, order.force);
  written.push({ stem: "ca", what: "your CA, which signs the other certificates", to: validity.to });
  return { ...ca, to: validity.to };
}

/** From an hour ago, for peers whose clocks are behind; no longer than the one who signs. */
function validityOf(days: number, most: number): Validity {
  const now = Date.now();
  return { from: now - 3_600_000, to: Math.min(now + days * dayMs, most) };
}

async function requireFree(folder: string, stem: string): Promise<void> {
  for (const path of pathsOf(folder, stem)) {
    if (await isThere(path)) {
      const message =
        `write ${path}: it already exists; use another folder with --out, or --force to replace it`;
      throw new CommandFailure(exitCodes.failed, message);
    }
  }
}

async function write(order: CertOrder, stem: string, pair: TlsMaterial, replace: boolean): Promise<void> {
  const [certFile, keyFile] = pathsOf(order.folder, stem);
  for (const [path, text, secret] of [[keyFile, pair.key, true], [certFile, pair.cert, false]] as const) {
    try {
      await makeFile(path, text, { secret, replace });
    } catch (cause) {
      throw new CommandFailure(exitCodes.failed, `write ${path}: ${messageOf(cause)}`, { cause });
    }
  }
}

function pathsOf(folder: string, stem: string): [certFile: string, keyFile: string] {
  const start = `${folder.replace(/\/+$/, "") || (folder.startsWith("/") ? "" : ".")}/${stem}`;
  return [`${start}.crt`, `${start}.key`];
}

const messageOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause);

async function report(
  order: CertOrder,
  written: readonly Written[],
  wanted: readonly Wanted[],
): Promise<string> {
  const [ca] = pathsOf(order.folder, "ca").map(quoted);
  const lines = written.map(({ stem, what, to }) => {
    const [certFile, keyFile] = pathsOf(order.folder, stem);
    return `${certFile} and ${keyFile}\n    ${what}; valid until ${new Date(to).toISOString().slice(0, 10)}`;
  });
  return [
    "Wrote",
    ...lines.map((line) => `  ${line}`),
    "",
    "Next",
    ...(await next(order, wanted)).map((line) => `  ${line}`),
    "",
    `Peers must trust ${ca}. Keep all keys private, and out of version control.`,
    "",
  ].join("\n");
}

/** Commands that try what was made. With a client's certificate the server asks for one. */
async function next({ folder, caOnly }: CertOrder, wanted: readonly Wanted[]): Promise<string[]> {
  const again = `millrace cert --out ${quoted(folder)}`;
  if (caOnly) return [again];
  const server = wanted.find(({ host }) => host !== undefined);
  const client = wanted.find(({ host }) => host === undefined);
  const [ca] = pathsOf(folder, "ca").map(quoted);
  const flags = (stem: string): string => {
    const [certFile, keyFile] = pathsOf(folder, stem).map(quoted);
    return `--cert ${certFile} --key ${keyFile}`;
  };
  const { stem, host } = server ?? { stem: "localhost", host: "localhost" };
  const missing = server === undefined && !await isThere(pathsOf(folder, stem)[0]);
  // The server below listens on this machine only, whatever it is called.
  const place = host === "localhost" ? "localhost:3034" : `127.0.0.1:3034 --server-name ${host}`;
  const connect = `millrace connect ${place} --tls --ca ${ca}`;
  return [
    ...(missing ? [again] : []),
    `millrace serve --port 3034 --echo --tls ${flags(stem)}${client ? ` --ca ${ca}` : ""}`,
    client ? `${connect} ${flags(client.stem)}` : connect,
  ];
}
