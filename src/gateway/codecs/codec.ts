/**
 * What a module exports that turns frames of an endpoint into messages and back.
 *
 * Loaded by `load_codec.ts`; `mod.ts` shows these types to those who write one.
 */
import type { Peer } from "../../core/transport.ts";

/** What a codec says of a frame besides its message. */
export interface DecodedFacts {
  /** Short facts for services: metadata of the message, headers on NATS; at most 4 KiB. @default none */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Whose frame it is; used where the endpoint has `identity: { codec: true }`. @default none */
  readonly identity?: string | undefined;
  /** The frame that answers the peer, once the frame is accepted, or stored on a bus that stores. @default none */
  readonly answer?: Uint8Array | undefined;
  /** The frame that answers in its place if it will never be stored. @default none */
  readonly refusal?: Uint8Array | undefined;
}

/** A message with facts about it, from `context.decoded`. */
export interface Decoded {
  /** The message; undefined or null if the frame is not published. */
  readonly message: unknown;
  /** What else is known. */
  readonly facts: DecodedFacts;
}

/** What a codec knows of the frame that it decodes; the same object for all frames of a connection. */
export interface DecodeContext {
  /** Name of the endpoint. */
  readonly endpoint: string;
  /** The connection's id, `conn.id` in metadata. */
  readonly connectionId: string;
  /** The peer's address. */
  readonly peer: Peer;
  /** What `decode` returns for a message with facts about it; undefined or null: it is not published. */
  decoded(message: unknown, facts?: DecodedFacts): Decoded;
}

/** What a codec knows of the message that it encodes. */
export interface EncodeContext {
  /** Name of the endpoint. */
  readonly endpoint: string;
  /** The connection that gets the frame; undefined for a broadcast. */
  readonly connectionId: string | undefined;
  /** Metadata of the message. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Turns frames of an endpoint into messages and back: the export of a module that its key `codec` names. Both functions
 * run in the gateway's own process and return at once; what they throw is told to `onCodecError` and ends neither the
 * connection nor the gateway.
 */
export interface Codec {
  /**
   * The message of a frame: a value that is published as JSON, or bytes, or what `context.decoded` returns. Undefined or
   * null: the frame is not published, as a heartbeat. An error may have the frame that answers the peer as its property `answer`.
   *
   * @default frames are published as they are
   */
  decode?(frame: Uint8Array, context: DecodeContext): unknown;
  /** The frame for a message: the value that its JSON stands for. @default bytes are sent as they are */
  encode?(message: unknown, context: EncodeContext): Uint8Array;
  /** What `encode` takes: the value of a message in JSON, or its bytes. @default "json" */
  readonly encodes?: "json" | "bytes" | undefined;
}

/** Makes a codec: what a module exports whose codec has `options` in the configuration, which are `{}` without any. */
export type CodecFactory = (options: Readonly<Record<string, unknown>>) => Codec | Promise<Codec>;
