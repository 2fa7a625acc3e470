/**
 * The loop of `for await` over a readable stream, past the stream where that only hands on what lies ready.
 *
 * Used by `ordered_pair.ts`. A read of a stream costs several promises on some runtimes, more than everything else that
 * is done to a small frame. The stream's own iterator locks it, cancels it, and reads whatever does not lie ready.
 */

/** What is handed on past the stream. */
interface Ready<Out> {
  /** What lies ready. */
  readonly held: { readonly length: number };
  /** True where the stream itself holds nothing, which would have to be read first. */
  comesFirst(): boolean;
  /** Takes the oldest of what lies ready. */
  take(): Out;
}

/** Lets loops over this stream take what is ready. */
export function iterateDirectly<Out>(stream: ReadableStream<Out>, source: Ready<Out>): void {
  // Some browsers have no loops over streams.
  const own = stream.values?.bind(stream);
  if (own === undefined) return;
  const value = (options?: ReadableStreamIteratorOptions) => new DirectIterator(own(options), source);
  for (const name of ["values", Symbol.asyncIterator]) {
    Object.defineProperty(stream, name, { value, configurable: true });
  }
}

/** One loop. */
class DirectIterator<Out> implements AsyncIterableIterator<Out> {
  readonly #own: AsyncIterator<Out>;
  readonly #source: Ready<Out>;
  /** What lies ready is what comes next. */
  #direct: boolean;
  /** Steps of the stream's own iterator that are not done; what lies ready must not overtake them. */
  #steps = 0;

  constructor(own: AsyncIterator<Out>, source: Ready<Out>) {
    this.#own = own;
    this.#source = source;
    this.#direct = source.comesFirst();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Out, undefined>> {
    const source = this.#source;
    if (this.#direct && source.held.length > 0) return Promise.resolve({ done: false, value: source.take() });
    this.#direct = false;
    this.#steps++;
    const step = this.#own.next();
    const over = (): void => {
      // Only this loop reads the stream until it is over.
      this.#direct = --this.#steps === 0 && source.comesFirst();
    };
    step.then(over, over);
    return step;
  }

  return(value?: unknown): Promise<IteratorResult<Out, undefined>> {
    this.#direct = false;
    this.#steps = Infinity;
    return this.#own.return!(value);
  }
}
