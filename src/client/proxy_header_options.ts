/** What `connect` takes about the PROXY protocol header that it sends. */

/** A PROXY protocol header to be sent. */
export type ProxyHeaderOptions =
  & {
    /**
     * The client on whose behalf the connection is made, such as the `peer` of an accepted connection; `"own"`: this side
     * itself; `"local"`: no client, as in a health check (`LOCAL`, in version 1 `UNKNOWN`). A peer of a Unix socket has no
     * address, and is sent as unknown. @default "own"
     */
    readonly source?:
      | {
        /** An IP address, without brackets; `""` for a Unix socket. */
        readonly ip: string;
        /** A port, 0 to 65535. */
        readonly port: number;
        /** Path of a Unix socket, at most 108 bytes; version 2 only. */
        readonly path?: string | undefined;
      }
      | "own"
      | "local"
      | undefined;
    /** Where the client connected to. @default the address that this connection is made to */
    readonly destination?: Exclude<ProxyHeaderOptions["source"], string>;
  }
  & (
    | {
      /** Version of the header: text, which every receiver understands. */
      readonly version: 1;
      /** Not with version 1. */
      readonly tlvs?: undefined;
    }
    | {
      /** Version of the header: bytes, with a checksum. */
      readonly version: 2;
      /**
       * Further values, such as those in `peer.via.tlvs` of an accepted connection: a type, 0 to 255 except 3 (the
       * checksum, which is written by itself), and bytes, or text as UTF-8; 65,000 bytes in all. Not sent with
       * `source: "local"`. @default none
       */
      readonly tlvs?: readonly { readonly type: number; readonly value: Uint8Array | string }[] | undefined;
    }
  );
