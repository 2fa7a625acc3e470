/**
 * What a PROXY protocol header says of a connection, as users see it in `peer.via`.
 *
 * Read by `proxy_v1.ts` and `proxy_v2.ts`; written by `proxy_writer.ts`. The document is the one of HAProxy, "The PROXY
 * protocol, versions 1 & 2".
 */

/** The proxy through which a connection came, and what its PROXY protocol header says. */
export interface ProxyInfo {
  /** IP address of the proxy itself; `""` if it connected over a Unix socket. */
  readonly ip: string;
  /** Its port. */
  readonly port: number;
  /** Version of the header. */
  readonly version: 1 | 2;
  /** The connection is one of the proxy's own, such as a health check (`LOCAL`): `peer` is the proxy itself. */
  readonly local: boolean;
  /** The client, as the header says it; undefined if the proxy does not know (`UNKNOWN`), and for `local`. */
  readonly source: {
    /** Its IP address; `""` for a Unix socket. IPv4 in IPv6 is shown as IPv4. */
    readonly ip: string;
    /** Its port; 0 for a Unix socket. */
    readonly port: number;
    /** The path of a Unix socket; undefined otherwise. */
    readonly path?: string | undefined;
  } | undefined;
  /** Where the client connected to. */
  readonly destination: ProxyInfo["source"];
  /** Application protocol that the client negotiated with the proxy (ALPN). */
  readonly alpn: string | undefined;
  /** Host name that the client asked the proxy for, such as by SNI. */
  readonly authority: string | undefined;
  /** Id of the connection, given by the first proxy. */
  readonly uniqueId: Uint8Array | undefined;
  /** Network namespace of the proxy. */
  readonly namespace: string | undefined;
  /**
   * TLS between client and proxy; undefined if the proxy does not tell. As with all texts here, those that are not UTF-8 are
   * undefined, and in `tlvs` as bytes.
   */
  readonly tls: {
    /** The client connected with TLS. */
    readonly secured: boolean;
    /** The client presented a certificate over this connection. */
    readonly certificate: boolean;
    /** The client presented one at least once within its TLS session. */
    readonly certificateInSession: boolean;
    /** The certificate was presented and verified; false also where there was none. */
    readonly verified: boolean;
    /** Such as `"TLSv1.3"`. */
    readonly version: string | undefined;
    /** Common name of the client's certificate. */
    readonly commonName: string | undefined;
    /** Name of the cipher. */
    readonly cipher: string | undefined;
    /** Algorithm that the certificate was signed with. */
    readonly signatureAlgorithm: string | undefined;
    /** Algorithm of its key. */
    readonly keyAlgorithm: string | undefined;
  } | undefined;
  /** All values of a header of version 2, in its order, including those above; without paddings and the checksum. */
  readonly tlvs: readonly {
    /**
     * Its type: those of the protocol, such as 0x05 for an id of the connection, and those of vendors, such as 0xEA (AWS),
     * 0xEE (Azure) and 0xE0 (Google Cloud).
     */
    readonly type: number;
    /** Its bytes, at most 65,535. */
    readonly value: Uint8Array;
  }[];
}

/** One end of a connection, as a proxy tells it. */
export type ProxyEnd = NonNullable<ProxyInfo["source"]>;

/** One value of a header of version 2, as it was received. */
export type ProxyTlv = ProxyInfo["tlvs"][number];

/** The TLS of the client's connection to the proxy. */
export type ProxyTls = NonNullable<ProxyInfo["tls"]>;

/** The first 12 bytes of version 2. */
export const v2Signature: Uint8Array = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10);

/** Types of values that the protocol knows. */
export const TlvType = {
  alpn: 0x01,
  authority: 0x02,
  crc32c: 0x03,
  noop: 0x04,
  uniqueId: 0x05,
  ssl: 0x20,
  sslVersion: 0x21,
  sslCommonName: 0x22,
  sslCipher: 0x23,
  sslSignatureAlgorithm: 0x24,
  sslKeyAlgorithm: 0x25,
  namespace: 0x30,
} as const;
