/**
 * TLS at the seam: what a listener or a connection is given to secure itself, and what a handshake agreed on.
 *
 * Choosing certificates, counting handshakes and limiting their time happens above this line; adapters translate.
 */
import type { TlsError } from "./tls_error.ts";

/** A certificate chain and its private key as PEM text. Immutable: a rotated pair is a new object. */
export interface TlsMaterial {
  /** The certificate, then the intermediate certificates. */
  readonly cert: string;
  /** The private key of the first certificate, not encrypted. */
  readonly key: string;
}

/** Versions that can be selected; older ones are not available. */
export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** Protocol settings of both sides. */
export interface TlsProtocol {
  /** The lowest version allowed. */
  readonly minVersion: TlsVersion;
  /** The highest version allowed. */
  readonly maxVersion: TlsVersion;
  /** OpenSSL cipher list; undefined for the runtime's default. */
  readonly ciphers: string | undefined;
  /** Application protocols, the preferred one first; empty for none. */
  readonly alpn: readonly string[];
}

/** TLS settings of a server. Read again in every handshake, so that certificates and client CAs can be rotated. */
export interface TlsServerSettings extends TlsProtocol {
  /** The certificate for a client that asks for no name, or for one for which `select` has none. */
  readonly material: TlsMaterial;
  /** Returns the certificate for a server name, called in every handshake; undefined if there is only one. */
  readonly select: ((serverName: string) => TlsMaterial | undefined) | undefined;
  /** `request`: optional, but must be trusted if sent. */
  readonly clientCertificates: "none" | "request" | "require";
  /** PEM text of the CAs that may sign client certificates. */
  readonly ca: string | undefined;
}

/** TLS settings of a client. */
export interface TlsClientSettings extends TlsProtocol {
  /** The name or IP address that the server's certificate must match; a name is sent as SNI. */
  readonly serverName: string;
  /** PEM text of the CAs that may sign the server's certificate; undefined for the system's. */
  readonly ca: string | undefined;
  /** The client's own certificate. */
  readonly material: TlsMaterial | undefined;
  /** Accept any certificate. */
  readonly insecureSkipVerify: boolean;
}

/** The side of a connection that is secured later. */
export type TlsUpgradeSettings =
  | {
    readonly server: TlsServerSettings;
    readonly client?: undefined;
    /** Calls back when the expensive part of the handshake may begin; without it, it begins at once. */
    readonly pace?: ((proceed: () => void) => void) | undefined;
  }
  | { readonly client: TlsClientSettings; readonly server?: undefined };

/** One handshake of a listener in progress. */
export interface Handshake {
  /** The peer's IP address. */
  readonly ip: string;
  /** The peer's port. */
  readonly port: number;
  /** Begins the expensive part. Called once, after `ready`; does nothing when the handshake is over. */
  proceed(): void;
  /** Drops the connection, and reports no further end. */
  abort(): void;
}

/** Decides when handshakes begin, and is notified when they end. None of its methods may throw. */
export interface HandshakeObserver {
  /**
   * Returns false if there is no room: drop the connection. Otherwise exactly one `ended` follows, unless it is
   * aborted.
   */
  began(handshake: Handshake): boolean;
  /** The peer's first bytes have arrived: `proceed` may be called, now or later. */
  ready(handshake: Handshake): void;
  /** Without an error, the adapter calls `accept` in the same turn. */
  ended(handshake: Handshake, error?: TlsError): void;
}

/** Lets every handshake go on at once. */
export const unobserved: HandshakeObserver = {
  began: () => true,
  ready: (handshake) => handshake.proceed(),
  ended: () => {},
};

/** A certificate of the peer. */
export interface PeerCertificate {
  /** Distinguished name, such as `"CN=terminal-7, O=Example"`. */
  readonly subject: string;
  /** Distinguished name of its issuer. */
  readonly issuer: string;
  /** Such as `"DNS:example.org"` or `"IP Address:192.0.2.1"`. */
  readonly subjectAltNames: readonly string[];
  /** Hexadecimal, upper case. */
  readonly serialNumber: string;
  /** SHA-256 fingerprint: hexadecimal pairs separated by colons. */
  readonly fingerprint256: string;
  /** Milliseconds since 1970. */
  readonly validFrom: number;
  /** Milliseconds since 1970. */
  readonly validTo: number;
}

/** What a TLS handshake negotiated. A field that the runtime does not report is undefined. */
export interface TlsInfo {
  /** Which TLS implementation is used: `"node:tls"`, or the name of a runtime for that of its own sockets. */
  readonly engine: string;
  /** The protocol version. */
  readonly protocol: TlsVersion | undefined;
  /** Name of the cipher suite. */
  readonly cipher: string | undefined;
  /** The negotiated application protocol; undefined if there is none. */
  readonly alpn: string | undefined;
  /** The name the client asked for (SNI). */
  readonly serverName: string | undefined;
  /** The peer's certificate was checked against a CA, and a server's also against the name. */
  readonly authorized: boolean;
  /** The peer's certificate; undefined if it sent none. */
  readonly certificate: PeerCertificate | undefined;
}
