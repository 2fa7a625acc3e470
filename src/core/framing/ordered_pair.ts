/**
 * A stage as a pair of Web Streams in which an error keeps its place: what the stage passed on before it
 * failed is read first. A `TransformStream` drops what is queued when its transformer throws.
 *
 * Used by `framer_stream.ts`. Knows nothing of frames.
 */
import type { Stage } from "../stage.ts";

/** The strategies of both sides, and the stage between them. */
export interface PairOptions<In, Out> {
  readonly stage: Stage<In, Out>;
  readonly writable?: QueuingStrategy<In> | undefined;
  /** Like a `TransformStream`, holds nothing that was not asked for unless told otherwise. */
  readonly readable?: QueuingStrategy<Out> | undefined;
}

/** Two streams with a stage between: one write waits until what earlier ones gave has been asked for. */
export class OrderedPair<In, Out> {
  readonly readable: ReadableStream<Out>;
  readonly writable: WritableStream<In>;
  readonly #stage: Stage<In, Out>;
  readonly #highWaterMark: number;
  readonly #emit: (out: Out) => void = (out) => {
    this.#wanted = false;
    if (!this.#over) this.#output?.enqueue(out);
  };
  #output: ReadableStreamDefaultController<Out> | undefined = undefined;
  #input: WritableStreamDefaultController | undefined = undefined;
  /** The reader has asked for more than it was given. */
  #wanted = false;
  /** The readable side was cancelled, closed or has failed. */
  #over = false;
  /** What the readable side ends with, once its queue has been read. */
  #failure: { readonly error: unknown } | undefined = undefined;
  #resume: (() => void) | undefined = undefined;

  constructor({ stage, writable, readable = { highWaterMark: 0 } }: PairOptions<In, Out>) {
    this.#stage = stage;
    // Not Infinity, from which a queue could not be told to be empty.
    this.#highWaterMark = Math.min(readable.highWaterMark ?? 1, Number.MAX_SAFE_INTEGER);
    const { size } = readable;
    const strategy = { highWaterMark: this.#highWaterMark, ...(size && { size }) };
    this.readable = new ReadableStream<Out>({
      start: (controller) => {
        this.#output = controller;
      },
      pull: () => {
        this.#wanted = true;
        this.#settle();
        this.#wake();
      },
      cancel: (reason) => {
        this.#over = true;
        this.#input?.error(reason);
        this.#wake();
      },
    }, strategy);
    this.writable = new WritableStream<In>({
      start: (controller) => {
        this.#input = controller;
        controller.signal.addEventListener("abort", () => this.#wake());
      },
      write: (item) => this.#wanted ? this.#push(item) : this.#pushLater(item),
      close: () => this.#finish(),
      abort: (reason) => this.#fail(reason),
    }, writable);
  }

  async #pushLater(item: In): Promise<void> {
    while (!this.#wanted && !this.#over && !this.#input?.signal.aborted) {
      await new Promise<void>((resolve) => this.#resume = resolve);
    }
    if (this.#wanted && !this.#over) this.#push(item);
  }

  #push(item: In): void {
    try {
      this.#stage.push(item, this.#emit);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  #finish(): void {
    try {
      this.#stage.flush?.(this.#emit);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
    if (this.#over) return;
    this.#over = true;
    this.#output?.close();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#settle();
  }

  /** Fails the readable side if it is to fail and its queue is empty. */
  #settle(): void {
    if (this.#failure === undefined || this.#over) return;
    if ((this.#output?.desiredSize ?? 0) < this.#highWaterMark) return;
    this.#over = true;
    this.#output?.error(this.#failure.error);
  }

  #wake(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }
}
