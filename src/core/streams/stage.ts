/**
 * A step of a pipeline, and the two ways to use steps together: fused into plain calls, or as a Web Stream.
 *
 * Stages know nothing of sockets. The end of a pipeline decides about backpressure.
 */

/** One synchronous step: every `next` happens before `push` or `flush` returns, never later. */
export interface Stage<In, Out> {
  /** Processes one item and passes on none, one or many. An exception ends the pipeline. */
  push(item: In, next: (out: Out) => void): void;
  /** The input has ended: passes on what is left, or throws. */
  flush?(next: (out: Out) => void): void;
}

/**
 * Fuses stages into one: a chain of plain calls, with no queue and no promise in between.
 *
 * @example Lines, counted and parsed, as one stream
 * ```ts
 * import { compose, lines, MetricsTap, toTransformStream } from "@millrace/millrace/streams";
 *
 * const tap = new MetricsTap<string>();
 * const decoder = lines({ encoding: "utf-8" }).decoder((error) => console.error(error));
 * const numbers = compose(decoder, tap, {
 *   push: (line: string, next: (value: number) => void) => next(Number(line)),
 * });
 * const bytes = new Blob(["1\n20\n"]).stream();
 * for await (const value of bytes.pipeThrough(toTransformStream(numbers))) console.log(value + 1);
 * // 2
 * // 21
 * console.log(tap.items); // 2
 * ```
 */
export function compose<A, B>(first: Stage<A, B>): Stage<A, B>;
/** Fuses two stages. */
export function compose<A, B, C>(first: Stage<A, B>, second: Stage<B, C>): Stage<A, C>;
/** Fuses three stages. */
export function compose<A, B, C, D>(
  first: Stage<A, B>,
  second: Stage<B, C>,
  third: Stage<C, D>,
): Stage<A, D>;
/** Fuses four stages. */
export function compose<A, B, C, D, E>(
  first: Stage<A, B>,
  second: Stage<B, C>,
  third: Stage<C, D>,
  fourth: Stage<D, E>,
): Stage<A, E>;
/** Fuses any number of stages; with none, items pass unchanged. Their types are not checked against each other. */
export function compose<A, Z>(...stages: readonly Stage<unknown, unknown>[]): Stage<A, Z>;
export function compose(...stages: readonly Stage<unknown, unknown>[]): Stage<unknown, unknown> {
  const [only] = stages;
  if (only === undefined) return { push: (item, next) => next(item) };
  return stages.length === 1 ? only : new Fused(stages);
}

/** The links are bound once here, so that no closure is made per item; `#next` is where the last one delivers. */
class Fused implements Stage<unknown, unknown> {
  readonly #stages: readonly Stage<unknown, unknown>[];
  readonly #links: readonly ((item: unknown) => void)[];
  #next: (out: unknown) => void = discard;

  constructor(stages: readonly Stage<unknown, unknown>[]) {
    this.#stages = stages;
    // Blocks, so that no answer gets to a decoder, which would take a `false` for "enough".
    const links: ((item: unknown) => void)[] = [(out) => {
      this.#next(out);
    }];
    for (let i = stages.length - 1; i > 0; i--) {
      const stage = stages[i]!;
      const after = links[0]!;
      links.unshift((item) => {
        stage.push(item, after);
      });
    }
    this.#links = links;
  }

  push(item: unknown, next: (out: unknown) => void): void {
    this.#next = next;
    this.#stages[0]!.push(item, this.#links[0]!);
  }

  flush(next: (out: unknown) => void): void {
    this.#next = next;
    this.#stages.forEach((stage, i) => stage.flush?.(this.#links[i]!));
  }
}

function discard(): void {}

/**
 * A stage as a standard `TransformStream`; an error that the stage throws errors both sides.
 *
 * @example
 * ```ts
 * import { type Stage, toTransformStream } from "@millrace/millrace/streams";
 *
 * const double: Stage<number, number> = {
 *   push: (value, next) => next(value * 2),
 * };
 * const source = new ReadableStream<number>({
 *   start(controller) {
 *     controller.enqueue(21);
 *     controller.close();
 *   },
 * });
 * for await (const value of source.pipeThrough(toTransformStream(double))) console.log(value); // 42
 * ```
 */
export function toTransformStream<In, Out>(
  stage: Stage<In, Out>,
  writable?: QueuingStrategy<In>,
  readable?: QueuingStrategy<Out>,
): TransformStream<In, Out> {
  let next: (out: Out) => void = discard;
  return new TransformStream<In, Out>(
    {
      start(controller) {
        next = (out) => controller.enqueue(out);
      },
      transform: (item) => stage.push(item, next),
      flush: () => stage.flush?.(next),
    },
    writable,
    readable,
  );
}
