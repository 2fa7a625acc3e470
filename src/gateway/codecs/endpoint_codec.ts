/**
 * The codec of one endpoint at work: counts and tells what it cannot do, and encodes.
 *
 * Used by `traffic/egress.ts`; frames of a connection are decoded by `connection_decoder.ts`.
 */
import type { Logger } from "../../core/logger.ts";
import type { Bus, BusMessage } from "../buses/bus.ts";
import type { EndpointSettings } from "../config/endpoint_config.ts";
import type { FrameConnection } from "../endpoint.ts";
import { Sparingly } from "../log.ts";
import type { Codec } from "./codec.ts";
import { CodecError, type CodecErrorReason } from "./codec_error.ts";
import type { CodecSettings } from "./codec_settings.ts";
import { kindOf, textOf } from "./results.ts";
import { ConnectionDecoder, type DecoderOwner } from "./connection_decoder.ts";

const strict = new TextDecoder("utf-8", { fatal: true });

/** What the codec needs of its gateway. */
interface CodecSurroundings {
  readonly bus: Pick<Bus, "publish">;
  readonly log: Logger;
  readonly onError: ((error: CodecError) => void) | undefined;
  readonly dismiss: DecoderOwner["dismiss"];
}

/** That of one endpoint. */
export class EndpointCodec implements DecoderOwner {
  decodeFaults = 0;
  encodeFaults = 0;
  framesSkipped = 0;
  readonly codec: Codec;
  readonly config: CodecSettings;
  readonly settings: EndpointSettings;
  readonly dismiss: DecoderOwner["dismiss"];
  readonly #around: CodecSurroundings;
  readonly #sparingly: Sparingly;

  constructor(codec: Codec, config: CodecSettings, settings: EndpointSettings, around: CodecSurroundings) {
    this.codec = codec;
    this.config = config;
    this.settings = settings;
    this.dismiss = around.dismiss;
    this.#around = around;
    this.#sparingly = new Sparingly(around.log);
  }

  /** For the frames of one connection; undefined where they are published as they are. */
  begin(connection: FrameConnection): ConnectionDecoder | undefined {
    return this.codec.decode === undefined ? undefined : new ConnectionDecoder(connection, this);
  }

  /** The frame for a message. Throws {@linkcode CodecError}, which is counted and told. */
  encode({ payload, metadata }: BusMessage, connectionId: string | undefined): Uint8Array {
    const { codec } = this;
    if (codec.encode === undefined) return payload;
    const context = { endpoint: this.settings.name, connectionId, metadata };
    const fail = (reason: CodecErrorReason, text: string, cause?: unknown): never => {
      const error = new CodecError(reason, text, { ...context, bytes: payload, cause });
      this.encodeFaults++;
      this.#tell(error);
      throw error;
    };
    let message: unknown = payload;
    if (codec.encodes !== "bytes") {
      try {
        message = JSON.parse(strict.decode(payload));
      } catch (cause) {
        fail("not_json", `the message is not JSON: ${textOf(cause)}`, cause);
      }
    }
    let frame: unknown;
    try {
      frame = codec.encode(message, context);
    } catch (cause) {
      fail("encode_failed", `encode: ${textOf(cause)}`, cause);
    }
    if (frame instanceof Uint8Array) return frame;
    return fail("invalid_result", `encode returned ${kindOf(frame)}, expected bytes: a Uint8Array`);
  }

  /** A frame that could not be decoded; `raw` is how it would have been published. */
  refuse(error: CodecError, raw: BusMessage): void | Promise<void> {
    this.decodeFaults++;
    const { reason, message, connectionId } = error;
    this.#sparingly.warn("frame not decoded", { "conn.id": connectionId, reason, error: message });
    this.#tell(error);
    const { deadLetter } = this.settings.subjects;
    if (deadLetter === undefined) return;
    const { payload, received, encoding, subject } = raw;
    // Headers of a message are lines.
    const metadata = { ...raw.metadata, subject, reason, error: message.replaceAll(/\p{Cc}+/gu, " ") };
    return this.#around.bus.publish({ subject: deadLetter, payload, metadata, received, encoding });
  }

  #tell(error: CodecError): void {
    try {
      this.#around.onError?.(error);
    } catch (thrown) {
      this.#sparingly.warn("onCodecError threw", { error: textOf(thrown) });
    }
  }
}
