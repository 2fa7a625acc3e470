/** What a caller may say about TLS, of a server and of a client. */
import type { Framing } from "../../core/framing/framing.ts";
import type { DurationInput } from "../../core/time/duration.ts";
import type { Certificates } from "../../core/tls/certificate_options.ts";
import type { PeerCertificate, TlsVersion } from "../../core/tls/tls.ts";
import type { Peer } from "../../core/transport.ts";

/** TLS of a server's side: its certificate, the settings of the protocol, and what is asked of clients. */
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
     * An OpenSSL cipher list, such as `"ECDHE-ECDSA-AES128-GCM-SHA256"`. Deno can choose none, Bun none of TLS 1.3:
     * there it is refused with `OptionsError`. @default the runtime's
     */
    readonly ciphers?: string | undefined;
    /**
     * Application protocols (ALPN, [RFC 7301](https://www.rfc-editor.org/rfc/rfc7301)), the preferred one first. A client that offers others and none of these
     * is refused; one that offers nothing is not. @default none
     */
    readonly alpn?: readonly string[] | undefined;
    /** How long a handshake may take, first bytes included (`TlsError`, reason `timeout`). @default "10 seconds" */
    readonly handshakeTimeout?: DurationInput | undefined;
  }
  & (
    | {
      /** PEM text: the server's certificate, then those between it and the root. */
      readonly cert: string;
      /** PEM text: its private key, not encrypted. */
      readonly key: string;
      /** Not beside `cert` and `key`. */
      readonly certificates?: undefined;
    }
    | {
      /** What `certificates()` returns. */
      readonly certificates: Certificates;
      /** Not beside `certificates`. */
      readonly cert?: undefined;
      /** Not beside `certificates`. */
      readonly key?: undefined;
    }
  )
  & (
    | {
      /** No certificate is asked of clients. */
      readonly clientCertificates?: "none" | undefined;
      /** Only where clients are asked for a certificate. */
      readonly ca?: undefined;
      /** Only where clients are asked for a certificate. */
      readonly authorize?: undefined;
    }
    | {
      /**
       * Ask clients for a certificate: `"require"` refuses those without one, `"request"` accepts them. One that is given
       * must be signed by `ca`, or by those in the `caFile` of `certificates()`, in either case. @default "none"
       */
      readonly clientCertificates: "request" | "require";
      /** PEM text of those who may sign client certificates; `caFile` of `certificates()` has them in a file that may change. */
      readonly ca?: string | undefined;
      /**
       * Decides on a client after its certificate was found good; false refuses it (`TlsError`, reason `unauthorized`), as
       * does throwing. A promise is waited for, within another `handshakeTimeout`. `certificate` is undefined where
       * `"request"` got none.
       */
      readonly authorize?:
        | ((certificate: PeerCertificate | undefined, peer: Peer) => boolean | Promise<boolean>)
        | undefined;
    }
  );

/** TLS of a client's side. */
export type TlsClientOptions =
  & Pick<TlsServerOptions, "minVersion" | "maxVersion" | "ciphers" | "alpn">
  & {
    /**
     * The name or IP address that the server's certificate must be for. A name is sent as server name indication
     * ([RFC 6066](https://www.rfc-editor.org/rfc/rfc6066#section-3)), as A-labels (`xn--…`) without a dot at the end.
     * @default the host that is connected to
     */
    readonly serverName?: string | undefined;
    /** PEM text of those who may sign the server's certificate. @default the system's or the runtime's list */
    readonly ca?: string | undefined;
    /**
     * Take any certificate of any server, so that anybody between the two can read and change everything. Warns once
     * a process; `connection.peer.tls.authorized` is false then. @default false
     */
    readonly insecureSkipVerify?: boolean | undefined;
  }
  & (
    | {
      /** PEM text: our own certificate, for a server that asks for one. */
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

/** What `connection.upgrade` takes: TLS of the side that the connection is on. */
export type UpgradeOptions<Received, Sent = Received> = (TlsServerOptions | TlsClientOptions) & {
  /** How frames are cut and written from then on. @default as before */
  readonly framing?: Framing<Received, Sent> | undefined;
  /**
   * How long it may take to hand over what was sent before and to finish the handshake (`TlsError`, reason `timeout`);
   * `authorize` has as long again. @default "10 seconds"
   */
  readonly handshakeTimeout?: DurationInput | undefined;
};
