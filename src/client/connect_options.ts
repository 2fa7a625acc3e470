/** What `connect` takes. */
import type { ConnectionOptions } from "../connection/connection_options.ts";
import type { TlsClientOptions } from "../connection/tls/options.ts";
import type { Clock } from "../core/time/clock.ts";
import type { DurationInput } from "../core/time/duration.ts";
import type { ProxyHeaderOptions } from "./proxy_header_options.ts";
import type { Adapter, Address } from "../core/transport.ts";

/**
 * Options of `connect`: settings, and one address to connect to. Options that contradict each other do not compile.
 */
export type ConnectOptions<Received, Sent = Received, Context = undefined> =
  & ConnectionOptions<Received, Sent, Context>
  & {
    /** TLS; `true` for the system's CAs and the host name. @default none */
    readonly tls?: true | TlsClientOptions | undefined;
    /**
     * Sends a PROXY protocol header first, before TLS, to a server that expects one: it says who the client is on whose
     * behalf this connection is made. @default none
     */
    readonly proxyHeader?: ProxyHeaderOptions | undefined;
    /** Time limit for connecting, including the TLS handshake (`TimeoutError` `connect`). @default "10 seconds" */
    readonly connectTimeout?: DurationInput | undefined;
    /** Aborts connecting (`SocketError` `aborted`); drops the connection once it is open. */
    readonly signal?: AbortSignal | undefined;
    /** Sockets to use. @default those of this runtime */
    readonly adapter?: Adapter | undefined;
    /** Clock to use, for tests. @default the system's */
    readonly clock?: Clock | undefined;
  }
  & (
    | {
      /**
       * Where to connect, instead of `port`, `host` and `path`: `"example.org:3034"`, `"[::1]:3034"`,
       * `"unix:/run/echo.sock"`, or an address in the form of `server.address`. A port alone means 127.0.0.1.
       */
      readonly address: string | Address;
      /** Not with `address`. */
      readonly port?: undefined;
      /** Not with `address`. */
      readonly host?: undefined;
      /** Not with `address`. */
      readonly path?: undefined;
    }
    | {
      /** Path of a Unix socket, instead of `port`: at most 107 bytes (103 outside Linux), none of them zero. */
      readonly path: string;
      /** Not with `path`. */
      readonly port?: undefined;
      /** Not with `path`. */
      readonly host?: undefined;
      /** Not with `path`. */
      readonly address?: undefined;
    }
    | {
      /** TCP port to connect to, 1 to 65535. */
      readonly port: number;
      /**
       * Host name or IP address, written as for servers. If a name has several addresses, the next one is tried when
       * one fails or has not answered for a quarter of a second; `connectTimeout` is for all of them.
       * @default "127.0.0.1"
       */
      readonly host?: string | undefined;
      /** Not with `port`. */
      readonly path?: undefined;
      /** Not with `port`. */
      readonly address?: undefined;
    }
  )
  & (
    | { readonly upgradable: true; readonly tls?: undefined }
    | { readonly upgradable?: false | undefined }
  );

/** The same before the check, which says what contradicts what. */
export interface UncheckedConnectOptions<Received, Sent = Received, Context = undefined> extends
  Omit<
    ConnectOptions<Received, Sent, Context>,
    "port" | "host" | "path" | "address" | "upgradable" | "tls"
  >,
  Pick<ConnectionOptions<Received, Sent, Context>, "upgradable"> {
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  readonly path?: string | undefined;
  readonly address?: string | Address | undefined;
  readonly tls?: true | TlsClientOptions | undefined;
}
