/**
 * How much may wait on each side of a stream: the options that all streams of this package share, and their check.
 */
import type { OptionsCheck } from "../options.ts";

/** How many chunks may wait on each side of a stream. */
export interface StreamStrategies<In, Out> {
  /** Chunks that may wait to be processed. @default one chunk */
  readonly writableStrategy?: QueuingStrategy<In> | undefined;
  /**
   * Chunks that may wait to be read. @default one chunk; with 0 the stage cannot distinguish a slow reader from a
   * silent source
   */
  readonly readableStrategy?: QueuingStrategy<Out> | undefined;
}

/** The names of both. */
export const strategyKeys: readonly string[] = ["writableStrategy", "readableStrategy"];

/** Refuses what is no strategy: without types, a number in its place would be taken for no limit at all. */
export function checkStrategies(
  check: OptionsCheck,
  options: { readonly writableStrategy?: unknown; readonly readableStrategy?: unknown },
): void {
  for (const name of ["writableStrategy", "readableStrategy"] as const) {
    const strategy = options[name];
    if (strategy === undefined) continue;
    if (typeof strategy !== "object" || strategy === null) {
      check.refuse(name, strategy, "a strategy such as { highWaterMark: 16 }");
      continue;
    }
    const { highWaterMark, size } = strategy as QueuingStrategy;
    if (highWaterMark !== undefined && !(typeof highWaterMark === "number" && highWaterMark >= 0)) {
      check.refuse(`${name}.highWaterMark`, highWaterMark, "0 or more");
    }
    if (size !== undefined && typeof size !== "function") check.refuse(`${name}.size`, size, "a function");
  }
}
