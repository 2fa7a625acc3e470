/**
 * The check of TLS options, for servers, clients and upgrades: options in, what an adapter takes out.
 *
 * No certificate is read here, and nothing of a key gets into a message.
 */
import { checkFlag, type OptionsCheck } from "../../core/options.ts";
import { peerName } from "../../core/text/place.ts";
import type {
  TlsClientSettings,
  TlsMaterial,
  TlsProtocol,
  TlsServerSettings,
  TlsVersion,
} from "../../core/tls/tls.ts";
import type { Adapter, Address } from "../../core/transport.ts";
import type { TlsClientOptions, TlsServerOptions } from "./options.ts";

/** What either side may say about the protocol. */
type ProtocolOptions = Pick<TlsServerOptions, "minVersion" | "maxVersion" | "ciphers" | "alpn">;

/** The certificate that a server shows, by the name that a client asks for; `certificates()` makes one. */
interface CertificateChoice {
  /** The one for a client that names no server, or one that is not known. */
  readonly material: TlsMaterial;
  readonly several: boolean;
  /** Those who may sign client certificates, in the place of the option `ca`; they may change. */
  readonly clientAuthorities?: { readonly ca: string } | undefined;
  select(serverName: string): TlsMaterial | undefined;
}

const protocolKeys = ["minVersion", "maxVersion", "ciphers", "alpn"];
const serverKeys = [
  ...protocolKeys,
  "cert",
  "key",
  "certificates",
  "clientCertificates",
  "ca",
  "authorize",
];
const clientKeys = [...protocolKeys, "serverName", "ca", "cert", "key", "insecureSkipVerify"];
const versions: readonly TlsVersion[] = ["TLSv1.2", "TLSv1.3"];

/** The server's side, but for its certificates. `extra` are keys that the caller checks itself. */
export function resolveServerTls(
  check: OptionsCheck,
  tls: TlsServerOptions,
  adapter: Adapter,
  extra: readonly string[] = [],
): Omit<TlsServerSettings, "material" | "select"> {
  checkKeys(check, tls, [...serverKeys, ...extra]);
  checkAbility(check, adapter);
  const { cert, key, certificates, clientCertificates, ca, authorize } = tls;
  if (certificates === undefined) checkPair(check, cert, key, true);
  else if (cert !== undefined || key !== undefined) {
    check.refuse("tls.cert", "cert and certificates", "either cert and key, or certificates");
  }
  if (certificates !== undefined && typeof certificates?.select !== "function") {
    check.refuse("tls.certificates", masked(certificates), "what certificates() returns");
  }
  const kinds = ["none", "request", "require"] as const;
  const wanted = check.oneOf("tls.clientCertificates", clientCertificates, "none", kinds);
  checkText(check, "tls.ca", ca);
  const inFile = certificates?.clientAuthorities !== undefined;
  if (wanted !== "none" && ca === undefined && !inFile) {
    const expected = "PEM text of the CAs that may sign client certificates, or caFile of certificates()";
    check.refuse("tls.ca", undefined, expected);
  }
  if (ca !== undefined && inFile) {
    check.refuse("tls.ca", "PEM text and caFile of certificates()", "one of the two");
  }
  if (wanted === "none" && (ca !== undefined || inFile)) {
    const found = inFile ? "caFile of certificates()" : "PEM text";
    check.refuse("tls.ca", found, 'clientCertificates "request" or "require" too');
  }
  if (authorize !== undefined && (typeof authorize !== "function" || wanted === "none")) {
    check.refuse("tls.authorize", authorize, 'a function, with clientCertificates "request" or "require"');
  }
  return { ...resolveProtocol(check, tls, adapter), clientCertificates: wanted, ca };
}

/** What is read anew in every handshake. */
export function withCertificates(
  tls: Omit<TlsServerSettings, "material" | "select">,
  certificates: CertificateChoice,
): TlsServerSettings {
  return {
    ...tls,
    get material(): TlsMaterial {
      return certificates.material;
    },
    get ca(): string | undefined {
      return certificates.clientAuthorities?.ca ?? tls.ca;
    },
    select: certificates.several ? (name) => certificates.select(name) : undefined,
  };
}

/** The client's side. `address` gives the name that is not said. */
export function resolveClientTls(
  check: OptionsCheck,
  given: TlsClientOptions | true,
  address: Address,
  adapter: Adapter,
): TlsClientSettings {
  const tls = given === true ? {} : given;
  checkKeys(check, tls, clientKeys);
  checkAbility(check, adapter);
  const { serverName, ca, cert, key, insecureSkipVerify } = tls;
  if (cert !== undefined || key !== undefined) checkPair(check, cert, key, false);
  checkText(check, "tls.ca", ca);
  checkFlag(check, "tls.insecureSkipVerify", insecureSkipVerify);
  const asked = serverName ?? (address.transport === "tcp" ? address.host : undefined);
  const name = peerName(asked);
  if (serverName !== undefined && name === undefined) {
    const shown = typeof serverName === "string" && serverName.length < 300 ? serverName : masked(serverName);
    check.refuse("tls.serverName", shown, "the name or the IP address that the server's certificate is for");
  } else if (name === undefined && insecureSkipVerify !== true) {
    check.refuse("tls.serverName", undefined, "the name that the server's certificate is for");
  }
  return {
    ...resolveProtocol(check, tls, adapter),
    serverName: name ?? "localhost",
    ca,
    material: cert === undefined || key === undefined ? undefined : { cert, key },
    insecureSkipVerify: insecureSkipVerify === true,
  };
}

function resolveProtocol(check: OptionsCheck, tls: ProtocolOptions, adapter: Adapter): TlsProtocol {
  const { ciphers, alpn } = tls;
  const minVersion = check.oneOf("tls.minVersion", tls.minVersion, "TLSv1.2", versions);
  const maxVersion = check.oneOf("tls.maxVersion", tls.maxVersion, "TLSv1.3", versions);
  if (minVersion > maxVersion) {
    check.refuse("tls.maxVersion", maxVersion, `at least minVersion, ${minVersion}`);
  }
  checkText(check, "tls.ciphers", ciphers);
  if (typeof ciphers === "string") checkCiphers(check, ciphers, adapter);
  const good = alpn === undefined || (Array.isArray(alpn) && alpn.every(isProtocol));
  if (!good) {
    check.refuse("tls.alpn", alpn, "a list of protocols, each of 1 to 255 printable ASCII characters");
  }
  return { minVersion, maxVersion, ciphers, alpn: good ? alpn ?? [] : [] };
}

function checkCiphers(check: OptionsCheck, ciphers: string, { can, name }: Adapter): void {
  if (!can.tlsCiphers) {
    check.unsupported("tls.ciphers", ciphers, `to be left out: TLS of ${name} chooses ciphers itself`);
  } else if (!can.tlsCipherSuites && /(?:^|:)TLS_/.test(ciphers)) {
    const expected = `names of TLS 1.2 only: TLS of ${name} chooses those of TLS 1.3 itself`;
    check.unsupported("tls.ciphers", ciphers, expected);
  }
}

function checkAbility(check: OptionsCheck, { can, name }: Adapter): void {
  if (!can.tls) check.unsupported("tls", "an object", `to be left out: sockets of ${name} have no TLS`);
}

function checkPair(check: OptionsCheck, cert: unknown, key: unknown, server: boolean): void {
  for (const [path, value] of [["tls.cert", cert], ["tls.key", key]] as const) {
    if (value === undefined) {
      const what = path === "tls.cert" ? "PEM text of the certificate" : "PEM text of its private key";
      check.refuse(path, undefined, server && path === "tls.cert" ? `${what}, or certificates` : what);
    } else checkText(check, path, value);
  }
}

/** What was found is not shown: it may be a key. */
function checkText(check: OptionsCheck, path: string, value: unknown): void {
  if (value === undefined || (typeof value === "string" && value !== "")) return;
  check.refuse(path, masked(value), "text");
}

function checkKeys(check: OptionsCheck, tls: object, known: readonly string[]): void {
  if (typeof tls !== "object" || tls === null) return check.refuse("tls", tls, "an object");
  check.keys(Object.fromEntries(Object.keys(tls).map((key) => [key, "a value"])), known, "tls.");
}

const masked = (value: unknown): string => value === "" ? "nothing" : typeof value;

/** Names could be any bytes (RFC 7301, 3.1), but runtimes differ in how they show those that are not ASCII. */
function isProtocol(value: unknown): boolean {
  return typeof value === "string" && /^[\x21-\x7e]{1,255}$/.test(value);
}
