/**
 * The frames of one connection on their way through its endpoint's codec.
 *
 * Used by `traffic/ingress.ts`: `read` looks into a frame, then `message` is what is published of it, or `skip` sees to
 * one of which nothing is.
 */
import type { ConnectionAcknowledger } from "../acknowledge/connection_acknowledger.ts";
import type { BusMessage } from "../buses/bus.ts";
import type { EndpointSettings } from "../config/endpoint_config.ts";
import type { FrameConnection } from "../endpoint.ts";
import type { Codec, DecodeContext, Decoded, DecodedFacts } from "./codec.ts";
import { CodecError, type CodecErrorReason } from "./codec_error.ts";
import type { CodecSettings } from "./codec_settings.ts";
import { factsFault } from "./decoded_facts.ts";
import { isThenable, kindOf, textOf } from "./results.ts";
import { noteFacts } from "./frame_facts.ts";

const encoder = new TextEncoder();

/** What all connections of an endpoint have together. */
export interface DecoderOwner {
  readonly codec: Codec;
  readonly config: CodecSettings;
  readonly settings: EndpointSettings;
  /** Frames of which nothing was published, as the codec wanted. */
  framesSkipped: number;
  /** Counts, tells and keeps a frame that could not be decoded. */
  refuse(error: CodecError, raw: BusMessage): void | Promise<void>;
  /** Ends a connection behind what it was sent. */
  dismiss(id: string, why: { readonly reason: string; readonly code: string }, lastWords: undefined): void;
}

/** What `context.decoded` returns; a value of the codec's own is never taken for one. */
class DecodedFrame implements Decoded {
  readonly message: unknown;
  readonly facts: DecodedFacts;
  constructor(message: unknown, facts: DecodedFacts) {
    this.message = message;
    this.facts = facts;
  }
}

/** What became of a frame: `bytes` undefined: nothing is published. */
interface Reading {
  readonly bytes: Uint8Array | undefined;
  readonly json: boolean;
  readonly metadata: Readonly<Record<string, string>> | undefined;
}

/** Those of one connection. */
export class ConnectionDecoder {
  /** The connection has to end for its faults. */
  over = false;
  readonly #connection: FrameConnection;
  readonly #owner: DecoderOwner;
  readonly #context: DecodeContext;
  #read: Reading | CodecError | undefined = undefined;
  #faultsInRow = 0;

  constructor(connection: FrameConnection, owner: DecoderOwner) {
    this.#connection = connection;
    this.#owner = owner;
    this.#context = Object.freeze({
      endpoint: owner.settings.name,
      connectionId: connection.id,
      peer: connection.peer,
      decoded: (message: unknown, facts: DecodedFacts = {}) => new DecodedFrame(message, facts),
    });
  }

  /** Decodes one frame. Never throws. */
  read(frame: Uint8Array): void {
    let result: unknown;
    try {
      result = this.#owner.codec.decode!(frame, this.#context);
    } catch (thrown) {
      const answer = answerOf(thrown);
      if (answer !== undefined) noteFacts(frame, { refusal: answer });
      this.#read = this.#error("decode_failed", `decode: ${textOf(thrown)}`, frame, thrown);
      return;
    }
    const decoded = result instanceof DecodedFrame ? result : undefined;
    const facts = decoded?.facts;
    try {
      const reading = this.#readingOf(decoded === undefined ? result : decoded.message, facts, frame);
      if (facts !== undefined && !(reading instanceof CodecError)) noteFacts(frame, { ...facts });
      this.#read = reading;
    } catch (thrown) {
      // What it returned has getters of its own.
      this.#read = this.#error("invalid_result", `decode: ${textOf(thrown)}`, frame, thrown);
    }
  }

  /** What is published of the frame that was read; undefined: nothing. */
  message(raw: BusMessage): BusMessage | undefined {
    const read = this.#read;
    if (read === undefined || read instanceof CodecError) return undefined;
    this.#faultsInRow = 0;
    const { bytes, json, metadata } = read;
    if (bytes === undefined) return undefined;
    const message = json ? { ...raw, payload: bytes, encoding: "json" as const } : { ...raw, payload: bytes };
    return metadata === undefined
      ? message
      : { ...message, metadata: Object.freeze({ ...metadata, ...raw.metadata }) };
  }

  /** Nothing is published of the frame that was read: it is answered, and kept if it could not be decoded. */
  skip(raw: BusMessage, acks: ConnectionAcknowledger | undefined): void | Promise<void> {
    const read = this.#read;
    if (!(read instanceof CodecError)) {
      this.#owner.framesSkipped++;
      acks?.take(raw.payload, raw);
      acks?.stored(raw);
      return;
    }
    const { onFault, maxFaults } = this.#owner.config;
    this.#faultsInRow++;
    this.over = onFault === "close" || this.#faultsInRow >= maxFaults;
    acks?.reject(raw.payload);
    return this.#owner.refuse(read, raw);
  }

  /** Ends the connection, when what came before is done with. */
  end(): void {
    const reason = this.#faultsInRow === 1
      ? `a frame could not be decoded: ${(this.#read as CodecError).message}`
      : `${this.#faultsInRow} frames in a row could not be decoded`;
    this.#owner.dismiss(this.#connection.id, { reason, code: "not_decoded" }, undefined);
  }

  #readingOf(
    value: unknown,
    facts: DecodedFacts | undefined,
    frame: Uint8Array,
  ): Reading | CodecError {
    const fault = facts && factsFault(facts, this.#owner.settings);
    if (fault !== undefined) return this.#error("invalid_result", `decode: ${fault}`, frame);
    const metadata = facts?.metadata;
    if (value === undefined || value === null) return { bytes: undefined, json: false, metadata };
    let bytes: Uint8Array;
    const json = !(value instanceof Uint8Array);
    if (json) {
      if (isThenable(value)) {
        return this.#error("invalid_result", `decode returned ${kindOf(value)}`, frame);
      }
      let text: string | undefined;
      try {
        text = JSON.stringify(value);
      } catch (cause) {
        return this.#error(
          "invalid_result",
          `decode returned what is not JSON: ${textOf(cause)}`,
          frame,
          cause,
        );
      }
      if (text === undefined) {
        return this.#error(
          "invalid_result",
          `decode returned ${kindOf(value)}, expected JSON or bytes`,
          frame,
        );
      }
      bytes = encoder.encode(text);
    } else {
      bytes = value;
    }
    const { maxMessageBytes } = this.#owner.config;
    if (bytes.length <= maxMessageBytes) return { bytes, json, metadata };
    const text = `decode returned a message of ${bytes.length} bytes, expected at most ${maxMessageBytes}`;
    return this.#error("too_large", text, frame);
  }

  #error(reason: CodecErrorReason, text: string, bytes: Uint8Array, cause?: unknown): CodecError {
    const { endpoint, connectionId } = this.#context;
    return new CodecError(reason, text, { endpoint, connectionId, bytes, cause });
  }
}

/** The answer that an error brings along. */
function answerOf(thrown: unknown): Uint8Array | undefined {
  if (typeof thrown !== "object" || thrown === null) return undefined;
  try {
    const { answer } = thrown as { readonly answer?: unknown };
    return answer instanceof Uint8Array ? answer : undefined;
  } catch {
    return undefined;
  }
}
