/**
 * TLS at the seam: what a listener or a connection is given to secure itself, and what a handshake agreed on.
 *
 * Choosing certificates, counting handshakes and limiting their time happens above this line; adapters translate.
 */
import type { TlsError } from "./tls_error.ts";

/** A certificate chain and its private key as PEM text. Never changed: a rotated pair is a new object. */
export interface TlsMaterial {
  /** The certificate, then those between it and the root. */
  readonly cert: string;
  /** The private key of the first certificate, not encrypted. */
  readonly key: string;
}

/** Versions that can be asked for; nothing below 1.2 can. */
export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** What both sides settle about the protocol. */
export interface TlsProtocol {
  /** The lowest version that is spoken. */
  readonly minVersion: TlsVersion;
  /** The highest version that is spoken. */
  readonly maxVersion: TlsVersion;
  /** OpenSSL cipher list; undefined leaves the runtime's. */
  readonly ciphers: string | undefined;
  /** Application protocols, the preferred one first; empty for none. */
  readonly alpn: readonly string[];
}

/**
 * How a server's side is secured. Read anew in every handshake, so that certificates, and those who may sign for
 * clients, can be rotated.
 */
export interface TlsServerSettings extends TlsProtocol {
  /** The certificate for a client that names no server, or one for which `select` has none. */
  readonly material: TlsMaterial;
  /** The certificate for a server name, asked in every handshake; undefined where there is only one. */
  readonly select: ((serverName: string) => TlsMaterial | undefined) | undefined;
  /** `request`: one may be missing, but one that is given must be trusted. */
  readonly clientCertificates: "none" | "request" | "require";
  /** PEM text of those who may sign client certificates. */
  readonly ca: string | undefined;
}

/** How a client's side is secured. */
export interface TlsClientSettings extends TlsProtocol {
  /** The name or IP address that the server's certificate must be for; a name is sent as SNI. */
  readonly serverName: string;
  /** PEM text of those who may sign the server's certificate; undefined for the system's. */
  readonly ca: string | undefined;
  /** Our own certificate. */
  readonly material: TlsMaterial | undefined;
  /** Take any certificate. */
  readonly insecureSkipVerify: boolean;
}

/** The side that a connection takes which is secured later. */
export type TlsUpgradeSettings =
  | {
    readonly server: TlsServerSettings;
    readonly client?: undefined;
    /** Calls back when the costly part of the handshake may begin; without it, at once. */
    readonly pace?: ((proceed: () => void) => void) | undefined;
  }
  | { readonly client: TlsClientSettings; readonly server?: undefined };

/** One handshake of a listener, on its way. */
export interface Handshake {
  /** The peer's IP address. */
  readonly ip: string;
  /** The peer's port. */
  readonly port: number;
  /** Begins the costly part. Called once, after `ready`; a no-op when it is over. */
  proceed(): void;
  /** Drops the connection, and reports no further end. */
  abort(): void;
}

/** Who lets handshakes begin and hears how they end. None of its methods may throw. */
export interface HandshakeObserver {
  /** False: there is no room, drop it. Otherwise exactly one `ended` follows, unless it is aborted. */
  began(handshake: Handshake): boolean;
  /** The peer's first bytes are there: `proceed` may be called, now or later. */
  ready(handshake: Handshake): void;
  /** Without an error, the adapter goes on to `accept` in the same turn. */
  ended(handshake: Handshake, error?: TlsError): void;
}

/** Lets every handshake go on at once. */
export const unobserved: HandshakeObserver = {
  began: () => true,
  ready: (handshake) => handshake.proceed(),
  ended: () => {},
};

/** A certificate of the other side. */
export interface PeerCertificate {
  /** Distinguished name, such as `"CN=terminal-7, O=Example"`. */
  readonly subject: string;
  /** Distinguished name of the authority that signed it. */
  readonly issuer: string;
  /** Such as `"DNS:example.org"` or `"IP Address:192.0.2.1"`. */
  readonly subjectAltNames: readonly string[];
  /** Hexadecimal, upper case. */
  readonly serialNumber: string;
  /** SHA-256 over the certificate, hexadecimal pairs parted by colons. */
  readonly fingerprint256: string;
  /** Milliseconds since 1970. */
  readonly validFrom: number;
  /** Milliseconds since 1970. */
  readonly validTo: number;
}

/** What a TLS handshake agreed on. A field that the runtime does not tell is undefined. */
export interface TlsInfo {
  /** Whose TLS it is: `"node:tls"`, or the name of a runtime for that of its own sockets. */
  readonly engine: string;
  /** The version that is spoken. */
  readonly protocol: TlsVersion | undefined;
  /** Name of the cipher suite. */
  readonly cipher: string | undefined;
  /** The application protocol that both sides speak; undefined where none was agreed on. */
  readonly alpn: string | undefined;
  /** The name the client asked for (SNI). */
  readonly serverName: string | undefined;
  /** The other side's certificate was checked against a CA, and a server's against the name. */
  readonly authorized: boolean;
  /** The other side's certificate; undefined where it gave none. */
  readonly certificate: PeerCertificate | undefined;
}
