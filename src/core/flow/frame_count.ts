/** Counts frames that nobody wants. Used by `pipeline.ts`, whose `next` does the counting. */
import type { Fifo } from "../bytes/fifo.ts";
import type { StoppableDecoder } from "../framing/piecewise_decoder.ts";

/** Cuts what a decoder that has `stopped` has left, then `rest`, then the chunks that wait. */
export function countFrames<Received>(
  decoder: StoppableDecoder<Received>,
  stopped: boolean,
  rest: Uint8Array | undefined,
  waiting: Fifo<Uint8Array> | undefined,
  next: (frame: Received) => unknown,
): void {
  let chunk = rest;
  let more = stopped;
  try {
    for (;;) {
      if (chunk !== undefined) more = decoder.push(chunk, next) === false;
      while (more) more = decoder.resume(next) === false;
      if (waiting === undefined || waiting.length === 0) return;
      chunk = waiting.take();
    }
  } catch {
    // A fault that lies behind the place where it was ended is nobody's business any more.
  }
}
