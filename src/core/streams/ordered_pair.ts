/**
 * A stage as a pair of Web Streams in which an error keeps its place: what the stage passed on before it
 * failed is read first. A `TransformStream` drops what is queued when its transformer throws.
 *
 * What waits to be read waits here and not in the readable's own queue, whose items are taken out one by one by
 * `Array.prototype.shift` on some runtimes, and of whose emptiness a strategy that counts bytes tells nothing.
 *
 * Used by `framer_stream.ts`. Knows nothing of frames.
 */
import { Fifo } from "../bytes/fifo.ts";
import { iterateDirectly } from "./direct_iterator.ts";

/** A stage that can stop within an item, as decoders can (`framing.ts`). */
export interface StoppableStage<In, Out> {
  /** `next` answers whether more is wanted. `false`: the rest of the item waits in the stage for `resume`. */
  push(item: In, next: (out: Out) => boolean): void | boolean;
  /** Goes on with the rest, and answers as `push` does. Called only after a `false`. */
  resume?(next: (out: Out) => boolean): void | boolean;
  /** The input has ended. */
  flush?(next: (out: Out) => boolean): void;
  /** Nothing more comes, and nobody wants more: the reader has left, or the writer has given up. */
  stop?(): void;
}

/** What one item may give ahead of a reader. */
const mostAhead = 1024;

/** The strategies of both sides, and the stage between them. */
interface PairOptions<In, Out> {
  readonly stage: StoppableStage<In, Out>;
  readonly writable?: QueuingStrategy<In> | undefined;
  /** Like a `TransformStream`, holds nothing that was not asked for unless told otherwise. */
  readonly readable?: QueuingStrategy<Out> | undefined;
}

/** The write of an item of which the stage still holds a part. */
interface Writing {
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** Two streams with a stage between: one write waits until what earlier ones gave has been asked for. */
export class OrderedPair<In, Out> {
  readonly readable: ReadableStream<Out>;
  readonly writable: WritableStream<In>;
  readonly #stage: StoppableStage<In, Out>;
  readonly #room: number;
  readonly #size: ((item: Out) => number) | undefined;
  /** What the stage has passed on and nobody has asked for, oldest first. */
  readonly #held: Fifo<Out> = new Fifo();
  /** The sizes of what is held, where they are not 1 each. */
  readonly #sizes: Fifo<number> = new Fifo();
  #total = 0;
  readonly #emit: (out: Out) => boolean = (out) => {
    this.#take(out);
    return this.#mayPush || this.#held.length < mostAhead;
  };
  /** The stage holds the rest of an item. */
  #stopped = false;
  #writing: Writing | undefined = undefined;
  #output: ReadableStreamDefaultController<Out> | undefined = undefined;
  #input: WritableStreamDefaultController | undefined = undefined;
  /** The reader has asked for more than there is. */
  #wanted = false;
  /** The readable side was cancelled, closed or has failed. */
  #over = false;
  /** How the readable side ends, once everything that is held has been read. */
  #end: { readonly error?: unknown } | undefined = undefined;
  #resume: (() => void) | undefined = undefined;

  constructor({ stage, writable, readable = { highWaterMark: 0 } }: PairOptions<In, Out>) {
    this.#stage = stage;
    this.#room = readable.highWaterMark ?? 1;
    this.#size = readable.size;
    this.readable = new ReadableStream<Out>({
      start: (controller) => void (this.#output = controller),
      pull: () => this.#give(),
      cancel: (reason) => {
        this.#over = true;
        this.#forget();
        this.#input?.error(reason);
        this.#letGo();
      },
    }, { highWaterMark: 0 });
    iterateDirectly(this.readable, {
      held: this.#held,
      comesFirst: () => this.#output?.desiredSize === 0,
      take: () => {
        const out = this.#takeHeld();
        this.#goOn();
        return out;
      },
    });
    this.writable = new WritableStream<In>({
      start: (controller) => {
        this.#input = controller;
        controller.signal.addEventListener("abort", () => this.#letGo());
      },
      write: (item) => this.#mayPush ? this.#push(item) : this.#pushLater(item),
      close: () => this.#finish(),
      abort: (error) => this.#endWith({ error }),
    }, writable);
  }

  /** A write waits until earlier ones have been asked for: it is not the source that is silent. */
  get writeWaits(): boolean {
    return this.#resume !== undefined || this.#writing !== undefined;
  }

  /** The stage has something to pass on that nothing pushed into it: it is resumed as soon as more may be made. */
  resume(): void {
    if (this.#over) return;
    this.#stopped = true;
    this.#goOn();
  }

  /** More may be made: a reader waits for it, or there is room for what nobody has asked for yet. */
  get #mayPush(): boolean {
    return this.#wanted || this.#total < this.#room;
  }

  async #pushLater(item: In): Promise<void> {
    while (!this.#mayPush && !this.#over && !this.#input?.signal.aborted) {
      await new Promise<void>((resolve) => this.#resume = resolve);
    }
    if (this.#mayPush && !this.#over) return this.#push(item);
  }

  #push(item: In): void | Promise<void> {
    try {
      this.#stopped = this.#stage.push(item, this.#emit) === false;
    } catch (error) {
      this.#endWith({ error });
      throw error;
    }
    if (this.#stopped) return new Promise((done, failed) => this.#writing = { done, failed });
  }

  /** Goes on with the rest of an item, for a reader. */
  #pushRest(): void {
    this.#stopped = false;
    try {
      this.#stopped = this.#stage.resume!(this.#emit) === false;
      if (!this.#stopped) this.#writing?.done();
    } catch (error) {
      this.#end ??= { error };
      this.#writing?.failed(error);
    }
    if (!this.#stopped) this.#writing = undefined;
  }

  #finish(): void {
    try {
      this.#stage.flush?.(this.#emit);
    } catch (error) {
      this.#endWith({ error });
      throw error;
    }
    this.#endWith({});
  }

  /** Takes what the stage passes on: to the reader, if it waits, or to the others that wait for it. */
  #take(out: Out): void {
    if (this.#over) return;
    if (this.#wanted) {
      this.#wanted = false;
      this.#output?.enqueue(out);
      return;
    }
    if (this.#size === undefined) this.#total++;
    else {
      const size = measure(this.#size, out);
      this.#sizes.push(size);
      this.#total += size;
    }
    this.#held.push(out);
  }

  /** The reader asks for one more. */
  #give(): void {
    if (this.#held.length === 0) this.#wanted = true;
    else this.#output?.enqueue(this.#takeHeld());
    this.#goOn();
  }

  /** The oldest of what is held, which has been asked for. */
  #takeHeld(): Out {
    const out = this.#held.take();
    this.#total -= this.#size === undefined ? 1 : this.#sizes.take();
    // Sums of fractions do not come back to nothing by themselves.
    if (this.#held.length === 0) this.#total = 0;
    return out;
  }

  /** Lets the stage and the writer go on where there is room again. */
  #goOn(): void {
    while (this.#stopped && this.#mayPush) this.#pushRest();
    this.#settle();
    if (this.#mayPush) this.#wake();
  }

  #endWith(end: { readonly error?: unknown }): void {
    this.#end ??= end;
    this.#settle();
  }

  /** Ends the readable side if it is to end and everything has been read. */
  #settle(): void {
    const end = this.#end;
    // What was made for a reader that has left since waits in the readable itself.
    if (end === undefined || this.#over || this.#stopped || this.#held.length > 0) return;
    if ((this.#output?.desiredSize ?? 0) < 0) return;
    this.#over = true;
    if ("error" in end) this.#output?.error(end.error);
    else this.#output?.close();
  }

  #forget(): void {
    this.#stopped = false;
    this.#held.clear();
    this.#sizes.clear();
    this.#total = 0;
  }

  /** The writer was aborted, or the reader is gone: no write waits any longer. What is in the stage can still be read. */
  #letGo(): void {
    this.#stage.stop?.();
    this.#writing?.done();
    this.#writing = undefined;
    this.#wake();
  }

  #wake(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }
}

/** What a strategy says, called without the strategy as the platform does. */
function measure<Out>(strategy: (item: Out) => number, item: Out): number {
  const size = Number(strategy(item));
  if (size >= 0 && size < Infinity) return size;
  throw new RangeError(`queue a frame: readableStrategy.size said ${size}, expected a number, 0 or more`);
}
