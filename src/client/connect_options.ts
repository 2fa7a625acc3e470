/** What `connect` takes. */
import type { ConnectionOptions } from "../connection/connection_options.ts";
import type { TlsClientOptions } from "../connection/tls/options.ts";
import type { Clock } from "../core/time/clock.ts";
import type { DurationInput } from "../core/time/duration.ts";
import type { Adapter, Address } from "../core/transport.ts";

/** What `connect` takes: settings, and one place to connect to. Options that contradict each other do not compile. */
export type ConnectOptions<Received, Sent = Received, Context = undefined> =
  & ConnectionOptions<Received, Sent, Context>
  & {
    /** Secure it: true for the system's authorities and the host's name. @default not secured */
    readonly tls?: true | TlsClientOptions | undefined;
    /** Give up connecting, a TLS handshake included, after this long (`TimeoutError`, reason `connect`). @default "10 seconds" */
    readonly connectTimeout?: DurationInput | undefined;
    /** Aborts connecting (`SocketError`, reason `aborted`); once connected, drops the connection. */
    readonly signal?: AbortSignal | undefined;
    /** Sockets to use. @default those of the runtime it runs on */
    readonly adapter?: Adapter | undefined;
    /** Time to use, for tests. @default the system's */
    readonly clock?: Clock | undefined;
  }
  & (
    | {
      /**
       * Where to connect, in the place of `port`, `host` and `path`: `"example.org:3034"`, `"[::1]:3034"`, `"unix:/run/echo.sock"`,
       * or an address as `server.address` shows one. A port alone is one of 127.0.0.1.
       */
      readonly address: string | Address;
      /** Not beside `address`. */
      readonly port?: undefined;
      /** Not beside `address`. */
      readonly host?: undefined;
      /** Not beside `address`. */
      readonly path?: undefined;
    }
    | {
      /** Path of a Unix socket, instead of `port`: at most 107 bytes (103 outside Linux), none of them zero. */
      readonly path: string;
      /** Not beside `path`. */
      readonly port?: undefined;
      /** Not beside `path`. */
      readonly host?: undefined;
      /** Not beside `path`. */
      readonly address?: undefined;
    }
    | {
      /** TCP port to connect to, 1 to 65535. */
      readonly port: number;
      /**
       * Name or IP address, written as for servers. Where a name has several addresses, the next is tried as well when one
       * has failed; on Bun and Node also when one has not answered for a while. @default "127.0.0.1"
       */
      readonly host?: string | undefined;
      /** Not beside `port`. */
      readonly path?: undefined;
      /** Not beside `port`. */
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
