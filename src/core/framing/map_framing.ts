/**
 * Messages on top of frames: a framing whose frames are decoded further.
 *
 * For application code, over any framing. Knows nothing of how the frames are cut.
 */
import { FrameError } from "../errors.ts";
import { OptionsCheck } from "../options.ts";
import type { Decoder, FrameErrorPolicy, Framing } from "./framing.ts";
import { type StoppableDecoder, stoppableDecoder } from "./piecewise_decoder.ts";
import { refusal, restWaits } from "./refusal.ts";

/** Converts between frames and messages, for {@linkcode mapFraming}. */
export interface FrameCodec<Received, Sent, Message, SentMessage = Message> {
  /**
   * Converts a frame to a message. An exception becomes the `cause` of a `FrameError` `malformed` with the offset of the frame;
   * of a `FrameError`, the reason, the sizes and the `cause` are kept, and the offset is set.
   */
  decode(frame: Received): Message;
  /** Converts a message to a frame. An exception becomes a `FrameError` `malformed`, and nothing is sent. */
  encode(message: SentMessage): Sent;
  /** For errors, logs and `inspect()`. @default the name of the framing */
  readonly name?: string | undefined;
  /**
   * What happens after a frame that `decode` rejects: close the connection, or report it and continue with the next.
   * For frames that the framing itself rejects, its own `onFrameError` applies. @default "close"
   */
  readonly onFrameError?: FrameErrorPolicy | undefined;
}

/**
 * The same framing with messages instead of frames, such as JSON in lines or Protocol Buffers behind a length.
 * Handlers get what `decode` returns, and `send` takes what `encode` takes. Both run synchronously when a frame
 * arrives or is sent, and must not be asynchronous.
 *
 * @example JSON, one value a line
 * ```ts
 * import { connect, lines, mapFraming, serve } from "@millrace/millrace";
 *
 * interface Message {
 *   readonly text: string;
 * }
 * const framing = mapFraming(lines({ encoding: "utf-8" }), {
 *   decode: (line): Message => JSON.parse(line),
 *   encode: (message: Message) => JSON.stringify(message),
 * });
 * const server = await serve({
 *   port: 0,
 *   framing,
 *   onFrame: ({ text }, connection) => connection.send({ text: text.toUpperCase() }),
 * });
 * const connection = await connect({ port: server.address.port, framing });
 * await connection.send({ text: "hello" });
 * for await (const { text } of connection) {
 *   console.log(text); // HELLO
 *   break;
 * }
 * await connection.close();
 * await server.close();
 * ```
 *
 * @throws {OptionsError} `invalid`, if `decode` or `encode` is not a function, and for an invalid option
 */
export function mapFraming<Received, Sent, Message, SentMessage = Message>(
  framing: Framing<Received, Sent>,
  codec: FrameCodec<Received, Sent, Message, SentMessage>,
): Framing<Message, SentMessage> {
  const check = new OptionsCheck();
  check.keys(codec, ["decode", "encode", "name", "onFrameError"]);
  for (const part of ["decode", "encode"] as const) {
    if (typeof codec[part] !== "function") check.refuse(part, codec[part], "a function");
  }
  if (typeof framing?.decoder !== "function") check.refuse("framing", framing, "a framing, such as lines()");
  const policy = check.oneOf("onFrameError", codec.onFrameError, "close", ["close", "skip"]);
  check.done();
  const { name = framing.name } = codec;
  const rules: MessageRules<Received, Message> = {
    name,
    skip: policy === "skip",
    decode: (frame) => codec.decode(frame),
  };
  return {
    name,
    hint: framing.hint,
    decoder: (report) => new MessageDecoder(rules, framing, report),
    encode(message, out) {
      let frame: Sent;
      try {
        frame = codec.encode(message);
      } catch (cause) {
        if (cause instanceof FrameError) throw cause;
        throw refusal(name, messageOf(cause), "malformed", {}, { cause });
      }
      framing.encode(frame, out);
    },
  };
}

interface MessageRules<Received, Message> {
  readonly name: string;
  readonly skip: boolean;
  readonly decode: (frame: Received) => Message;
}

/** One connection's messages. */
class MessageDecoder<Received, Message> implements Decoder<Message> {
  readonly #rules: MessageRules<Received, Message>;
  readonly #report: (error: FrameError) => unknown;
  readonly #frames: StoppableDecoder<Received>;
  readonly #frame: (frame: Received) => unknown = (frame) => this.#decode(frame);
  #next: (message: Message) => unknown = nowhere;
  /** Bytes that came, and where the frame began that was open before the last of them. */
  #read = 0;
  #chunkOffset = 0;
  #failed: FrameError | undefined = undefined;
  #waits = false;

  constructor(
    rules: MessageRules<Received, Message>,
    framing: Framing<Received, never>,
    report: (error: FrameError) => unknown,
  ) {
    this.#rules = rules;
    this.#report = report;
    this.#frames = stoppableDecoder(framing, report);
  }

  get buffered(): number {
    return this.#frames.buffered;
  }

  get waiting(): number | undefined {
    return this.#frames.waiting;
  }

  get frameOffset(): number {
    return this.#frames.frameOffset ?? this.#chunkOffset;
  }

  get gap(): number | undefined {
    return this.#frames.gap;
  }

  watch(
    ...given: Parameters<NonNullable<Decoder<unknown>["watch"]>>
  ): ReturnType<NonNullable<Decoder<unknown>["watch"]>> {
    return this.#frames.watch?.(...given);
  }

  silence(): void {
    this.#frames.silence?.();
  }

  push(chunk: Uint8Array, next: (message: Message) => unknown): boolean {
    this.#checkReady();
    this.#next = next;
    this.#chunkOffset = this.#read - this.#frames.buffered;
    this.#read += chunk.length;
    return this.#waitsAfter(this.#frames.push(chunk, this.#frame));
  }

  resume(next: (message: Message) => unknown): boolean {
    if (this.#failed !== undefined) throw this.#failed;
    this.#next = next;
    this.#waits = false;
    return this.#waitsAfter(this.#frames.resume(this.#frame));
  }

  flush(next: (message: Message) => unknown): void {
    this.#checkReady();
    this.#next = next;
    const frames = this.#frames;
    if (frames.flush !== undefined) return frames.flush(this.#frame);
    const size = frames.buffered;
    if (size === 0) return;
    const offset = this.#read - size;
    const message = `cut a frame (${this.#rules.name}) at offset ${offset}: ` +
      `the input ended ${size} bytes into the frame`;
    throw this.#failed = new FrameError("truncated", message, { offset, size });
  }

  #waitsAfter(went: void | boolean): boolean {
    this.#waits = went === false;
    return !this.#waits;
  }

  #checkReady(): void {
    if (this.#failed !== undefined) throw this.#failed;
    if (this.#waits) throw restWaits(this.#rules.name);
  }

  #decode(frame: Received): unknown {
    let message: Message;
    try {
      message = this.#rules.decode(frame);
    } catch (cause) {
      const error = this.#errorOf(cause, frame);
      if (!this.#rules.skip) throw this.#failed = error;
      return this.#report(error);
    }
    return this.#next(message);
  }

  #errorOf(cause: unknown, frame: Received): FrameError {
    const offset = this.frameOffset;
    const own = cause instanceof FrameError ? cause : undefined;
    const size = own?.size ?? (frame instanceof Uint8Array ? frame.length : undefined);
    const message = `decode a frame (${this.#rules.name}) at offset ${offset}: ${messageOf(cause)}`;
    const details = { offset, size, limit: own?.limit };
    // A FrameError is this error already but for the offset, which `decode` cannot know: as a cause it would tell a wrong one.
    const options = own === undefined
      ? { cause }
      : own.cause === undefined
      ? undefined
      : { cause: own.cause };
    return new FrameError(own?.reason ?? "malformed", message, details, options);
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function nowhere(): void {}
