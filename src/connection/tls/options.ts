/** What a caller may say about TLS, of a server and of a client. */
import type { Framing } from "../../core/framing/framing.ts";
import type { DurationInput } from "../../core/time/duration.ts";
import type { Certificates } from "../../core/tls/certificate_options.ts";
import type { PeerCertificate, TlsVersion } from "../../core/tls/tls.ts";
import type { Peer } from "../../core/transport.ts";

/** TLS on a server: its certificate, protocol settings, and what it asks of clients. */
export type TlsServerOptions =
  & {
    /**
     * The oldest version to accept: TLS 1.2 ([RFC 5246](https://www.rfc-editor.org/rfc/rfc5246)) or TLS 1.3
     * ([RFC 8446](https://www.rfc-editor.org/rfc/rfc8446)). @default "TLSv1.2"
     */
    readonly minVersion?: TlsVersion | undefined;
    /** The newest version to accept. @default "TLSv1.3" */
    readonly maxVersion?: TlsVersion | undefined;
    /**
     * An OpenSSL cipher list, such as `"ECDHE-ECDSA-AES128-GCM-SHA256"`. Deno cannot set ciphers, and Bun cannot set
     * those of TLS 1.3: there it is refused with `OptionsError`. @default the runtime's
     */
    readonly ciphers?: string | undefined;
    /**
     * Application protocols (ALPN, [RFC 7301](https://www.rfc-editor.org/rfc/rfc7301)), the preferred one first. A
     * client that offers only others is rejected; one that offers none is accepted. @default none
     */
    readonly alpn?: readonly string[] | undefined;
    /**
     * Time limit for a handshake, including the wait for its first bytes (`TlsError` `timeout`). @default "10
     * seconds"
     */
    readonly handshakeTimeout?: DurationInput | undefined;
  }
  & (
    | {
      /** PEM text: the server's certificate, then the intermediate certificates. */
      readonly cert: string;
      /** PEM text: its private key, not encrypted. */
      readonly key: string;
      /** Not with `cert` and `key`. */
      readonly certificates?: undefined;
    }
    | {
      /** What `certificates()` returns. */
      readonly certificates: Certificates;
      /** Not with `certificates`. */
      readonly cert?: undefined;
      /** Not with `certificates`. */
      readonly key?: undefined;
    }
  )
  & (
    | {
      /** Clients are not asked for a certificate. */
      readonly clientCertificates?: "none" | undefined;
      /** Only where clients are asked for a certificate. */
      readonly ca?: undefined;
      /** Only where clients are asked for a certificate. */
      readonly authorize?: undefined;
    }
    | {
      /**
       * Ask clients for a certificate: `"require"` rejects those without one, `"request"` accepts them. A certificate
       * that is sent must be signed by `ca`, or by a CA in `caFile` of `certificates()`, in either case. @default
       * "none"
       */
      readonly clientCertificates: "request" | "require";
      /**
       * PEM text of the CAs that may sign client certificates; with `caFile` of `certificates()` they are in a file
       * that may change.
       */
      readonly ca?: string | undefined;
      /**
       * Called for a client whose certificate is valid: returning false or throwing rejects the client (`TlsError`
       * `unauthorized`). A promise must settle within another `handshakeTimeout`. `certificate` is undefined if
       * `"request"` got none.
       */
      readonly authorize?:
        | ((certificate: PeerCertificate | undefined, peer: Peer) => boolean | Promise<boolean>)
        | undefined;
    }
  );

/** TLS on a client. */
export type TlsClientOptions =
  & Pick<TlsServerOptions, "minVersion" | "maxVersion" | "ciphers" | "alpn">
  & {
    /**
     * The name or IP address that the server's certificate must match. A name is sent as server name indication ([RFC
     * 6066](https://www.rfc-editor.org/rfc/rfc6066#section-3)), as A-labels (`xn--…`) without a trailing dot.
     * @default the host that is connected to
     */
    readonly serverName?: string | undefined;
    /** PEM text of the CAs that may sign the server's certificate. @default the system's or the runtime's list */
    readonly ca?: string | undefined;
    /**
     * Accept any certificate of any server, so that anyone on the path can read and change everything. Warns once per
     * process; `connection.peer.tls.authorized` is false. @default false
     */
    readonly insecureSkipVerify?: boolean | undefined;
  }
  & (
    | {
      /** PEM text: the client's own certificate, for a server that asks for one. */
      readonly cert: string;
      /** PEM text: its private key, not encrypted. */
      readonly key: string;
    }
    | {
      /** Not without `key`. */
      readonly cert?: undefined;
      /** Not without `cert`. */
      readonly key?: undefined;
    }
  );

/** Options of `connection.upgrade`: TLS of the connection's side, and a new framing. */
export type UpgradeOptions<Received, Sent = Received> = (TlsServerOptions | TlsClientOptions) & {
  /** Framing after the upgrade. @default unchanged */
  readonly framing?: Framing<Received, Sent> | undefined;
  /**
   * Time limit for flushing what was sent before and for the handshake (`TlsError` `timeout`); `authorize` has the
   * same time again. @default "10 seconds"
   */
  readonly handshakeTimeout?: DurationInput | undefined;
};
