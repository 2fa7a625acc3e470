/** The error of a codec that cannot decode a frame or encode a message. */
import { MillraceError } from "../../core/errors.ts";

/** Why a frame or a message could not be used. */
export type CodecErrorReason =
  /** `decode` threw. */
  | "decode_failed"
  /** `encode` threw. */
  | "encode_failed"
  /** What a function returned is not what it should be; a promise never is. */
  | "invalid_result"
  /** The message for `encode` is not JSON. */
  | "not_json"
  /** The message of a frame is longer than `maxMessageBytes`. */
  | "too_large";

/** A codec could not decode a frame, or not encode a message. */
export class CodecError extends MillraceError {
  /** For `Effect.catchTag`. */
  override readonly _tag = "CodecError";
  /** Why. */
  readonly reason: CodecErrorReason;
  /** Name of the endpoint. */
  readonly endpoint: string;
  /** The connection; undefined for a broadcast. */
  override readonly connectionId: string | undefined;
  /** The frame that could not be decoded, or the payload that could not be encoded. */
  readonly bytes: Uint8Array;
  /** What the codec threw is its `cause`. */
  constructor(
    reason: CodecErrorReason,
    message: string,
    about: {
      readonly endpoint: string;
      readonly connectionId: string | undefined;
      readonly bytes: Uint8Array;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause: about.cause });
    this.reason = reason;
    this.endpoint = about.endpoint;
    this.connectionId = about.connectionId;
    this.bytes = about.bytes;
  }
}
