/**
 * The framing of connections whose frames a worker cuts: a frame is what was read, and where frames end the worker knows.
 *
 * Used by `thread_pool.ts`.
 */
import { view } from "../core/bytes/bytes.ts";
import type { Framing } from "../core/framing/framing.ts";
import type { StoppableDecoder } from "../core/framing/piecewise_decoder.ts";
import { requireBytes } from "../core/framing/refusal.ts";

/** Passes on what comes. */
export class BoundDecoder implements StoppableDecoder<Uint8Array> {
  readonly buffered = 0;
  readonly waiting = 0;
  /** Who is told that reading shall stop at the next boundary. */
  onStop: () => void = () => {};

  push(chunk: Uint8Array, next: (frame: Uint8Array) => unknown): void {
    if (chunk.length > 0) next(chunk.constructor === Uint8Array ? chunk : view(chunk, 0, chunk.length));
  }

  resume(): void {}

  stop(): void {
    this.onStop();
  }
}

/** The framing. */
export const boundFraming: Framing<Uint8Array> = Object.freeze({
  name: "workers",
  hint: { kind: "raw" } as const,
  decoder: () => new BoundDecoder(),
  encode(bytes: Uint8Array, out: { bytes(source: Uint8Array): void }) {
    requireBytes("workers", bytes);
    out.bytes(bytes);
  },
});
