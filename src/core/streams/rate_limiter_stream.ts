/** The rate limiter as a Web Stream. */
import { Deadline } from "../time/deadline.ts";
import { OptionsCheck } from "../options.ts";
import { byteSize, byteSizeOrZero, type ItemSize } from "../bytes/item_size.ts";
import { RateLimiter, type RateLimits } from "./rate_limiter.ts";
import { checkStrategies, type StreamStrategies } from "./stream_strategies.ts";
import { sharedWheel, type TimerWheel } from "../time/timer_wheel.ts";

/** Settings of a {@linkcode RateLimiterStream}. A chunk counts as a frame. */
export type RateLimiterStreamOptions<T> = RateLimits & StreamStrategies<T, T> & {
  /** Size of a chunk in bytes. @default length of bytes, UTF-8 length of text; anything else counts as 0, unless bytesPerSecond is given */
  readonly size?: ItemSize<T> | undefined;
  /** Timer wheel to use. @default a shared one */
  readonly wheel?: TimerWheel | undefined;
};

/**
 * Passes chunks through unchanged, no faster than the limits: above them a chunk waits, and so does the writer.
 * Nothing is dropped, and no chunk is split: a chunk larger than the burst passes as a whole, and the next one waits.
 *
 * @example A copy that takes at most 1 MiB a second
 * ```ts
 * import { RateLimiterStream } from "@millrace/millrace/streams";
 *
 * const file = new Blob(["some bytes"]).stream();
 * const slowly = file.pipeThrough(new RateLimiterStream({ bytesPerSecond: "1MiB" }));
 * console.log(await new Response(slowly).text()); // some bytes
 * ```
 */
export class RateLimiterStream<T = Uint8Array<ArrayBuffer>> extends TransformStream<T, T> {
  readonly #writable: WritableStream<T>;

  /**
   * Takes one rate or both.
   *
   * @throws {OptionsError} `invalid`, for a limit that is not above 0, and for an invalid option
   */
  constructor(options: RateLimiterStreamOptions<T>) {
    const { wheel = sharedWheel(), size, writableStrategy, readableStrategy, ...limits } = options;
    const check = new OptionsCheck();
    checkStrategies(check, options);
    check.functions(options, ["size"]);
    check.done();
    const limiter = new RateLimiter(limits, wheel.clock);
    super({}, undefined, readableStrategy);
    const sizeOf: ItemSize<T> = size ?? (limits.bytesPerSecond === undefined ? byteSizeOrZero : byteSize);
    const sink = new PacedSink(super.writable.getWriter(), limiter, sizeOf, wheel);
    this.#writable = new WritableStream(sink, writableStrategy);
  }

  /**
   * Accepts the chunks. It differs from that of a plain transform stream, which would not react to an abort while a
   * chunk waits.
   */
  override get writable(): WritableStream<T> {
    return this.#writable;
  }
}

/** Hands chunks to a writer, each when the limits allow it. */
class PacedSink<T> implements UnderlyingSink<T> {
  readonly #writer: WritableStreamDefaultWriter<T>;
  readonly #limiter: RateLimiter;
  readonly #size: ItemSize<T>;
  readonly #pause: Deadline;
  #goOn: (() => void) | undefined = undefined;

  constructor(
    writer: WritableStreamDefaultWriter<T>,
    limiter: RateLimiter,
    size: ItemSize<T>,
    wheel: TimerWheel,
  ) {
    this.#writer = writer;
    this.#limiter = limiter;
    this.#size = size;
    this.#pause = new Deadline(wheel, () => this.#goOn?.());
  }

  start(controller: WritableStreamDefaultController): void {
    const { signal } = controller;
    // At once: `abort` below is called only when the chunk that waits has gone through.
    signal.addEventListener("abort", () => {
      this.#writer.abort(signal.reason).catch(() => {});
      this.#release();
    });
    this.#writer.closed.catch((reason) => {
      this.#release();
      controller.error(reason);
    });
  }

  write(chunk: T): Promise<void> {
    const wait = this.#limiter.take(0, 0);
    if (wait === 0) return this.#pass(chunk);
    return new Promise<void>((resolve) => {
      this.#goOn = resolve;
      this.#pause.set(wait);
    }).then(() => this.#pass(chunk));
  }

  close(): Promise<void> {
    return this.#writer.close();
  }

  abort(reason: unknown): Promise<void> {
    return this.#writer.abort(reason);
  }

  async #pass(chunk: T): Promise<void> {
    await this.#writer.ready;
    try {
      this.#limiter.take(this.#size(chunk), 1);
    } catch (error) {
      await this.#writer.abort(error);
      throw error;
    }
    await this.#writer.write(chunk);
  }

  #release(): void {
    this.#pause.unset();
    this.#goOn?.();
  }
}
