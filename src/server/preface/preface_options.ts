/** What `serve` takes about what stands in front of a connection: PROXY protocol headers, and which protocol it is. */
import type { Framing } from "../../core/framing/framing.ts";
import type { SizeInput } from "../../core/text/size.ts";
import type { DurationInput } from "../../core/time/duration.ts";
import type { OnFrame } from "../../connection/connection_options.ts";

/**
 * The PROXY protocol of load balancers, versions 1 and 2
 * ([specification](https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt)): they say at the beginning of each
 * connection, before TLS, who the client is.
 */
export interface ProxyProtocolOptions {
  /**
   * Who is trusted to say so: IP addresses and ranges such as `"10.0.0.0/8"` or `"2001:db8::/32"`, and `"unix"` for all
   * peers of a Unix socket. Any host in these ranges can claim to be any client.
   */
  readonly from: readonly string[];
  /**
   * Whether connections from there must begin with a header. With `"optional"` those without one are accepted with the
   * address of the proxy; the PROXY protocol advises against it. @default "required"
   */
  readonly header?: "required" | "optional" | undefined;
  /**
   * What becomes of peers from elsewhere: they are rejected, or accepted as direct connections, whose first bytes are never
   * taken for a header. @default "reject"
   */
  readonly others?: "reject" | "accept" | undefined;
  /** How long a complete header may take. At least 3 seconds, so that a lost packet can be sent again. @default "10 seconds" */
  readonly timeout?: DurationInput | undefined;
  /** Maximum length of a header of version 2, from 232 to 65551 bytes; one of version 1 has 107 at most. @default "4KiB" */
  readonly maxHeaderBytes?: SizeInput | undefined;
}

/** What the first bytes of a connection decide, so that one port can serve several protocols. */
export interface FirstBytesOptions<Received, Sent, Handling, Context> {
  /** With `tls`: connections whose first bytes are no TLS ClientHello are accepted in plaintext. @default false */
  readonly plaintext?: boolean | undefined;
  /**
   * Path of a health check over HTTP, such as `"/healthz"`. `GET` and `HEAD` of it are answered with 200, or with 503 while
   * the server is not running or `healthy` returns false, and other paths with 404; then the connection is closed. It
   * does not count as a connection. In plaintext also where `tls` is set, and within TLS. @default none
   */
  readonly healthCheck?: string | {
    /** Its path, such as `"/healthz"`. */
    readonly path: string;
    /** Asked for each check while the server is running; if it returns false or throws, the answer is 503. @default always */
    readonly healthy?: (() => boolean) | undefined;
  } | undefined;
  /**
   * Further protocols; the first one whose bytes match is served. Their connections have the same limits, hooks and types
   * of frames. @default none
   */
  readonly protocols?:
    | readonly {
      /** Its name: `connection.protocol`, and `protocol` in log records. */
      readonly name: string;
      /** What its connections begin with, 1 to 64 bytes; text means UTF-8. Of several, any. */
      readonly startsWith: string | Uint8Array | readonly (string | Uint8Array)[];
      /** How its frames are separated; `broadcast` and `publish` write each frame in the framing of each connection. */
      readonly framing: Framing<Received, Sent>;
      /** Runs once per connection. @default that of the server */
      readonly handler?: Handling | undefined;
      /** Called for each frame instead of `handler`. @default that of the server */
      readonly onFrame?: OnFrame<Received, Sent, Context> | undefined;
    }[]
    | undefined;
  /**
   * If nothing is decided for so long, the connection is one of the server's own protocol: for protocols in which the
   * server speaks first. @default never
   */
  readonly after?: DurationInput | undefined;
  /** A connection of which nothing is decided for so long is rejected. @default "10 seconds" */
  readonly timeout?: DurationInput | undefined;
}

/** A protocol beside the server's own one. */
export type ProtocolOptions<Received, Sent, Handling, Context> = NonNullable<
  FirstBytesOptions<Received, Sent, Handling, Context>["protocols"]
>[number];
