/** The key `codec` of an endpoint. Read by `config/codec.ts`. */
export interface CodecSettings {
  /** Path of the module. */
  readonly module: string;
  /** Name of its export; undefined: the default one, or the module itself. */
  readonly export: string | undefined;
  /** For a factory; undefined for none. */
  readonly options: Readonly<Record<string, unknown>> | undefined;
  /** What follows on a frame that cannot be decoded. */
  readonly onFault: "continue" | "close";
  /** So many of them in a row end the connection. */
  readonly maxFaults: number;
  /** The longest message that a frame may become, in bytes. */
  readonly maxMessageBytes: number;
}
