/**
 * Makes a decoder that cannot say where it stopped stop behind the very frame: it is given one byte at a time.
 *
 * Used by connections whose framing may change, for framings of the user's own.
 */
import type { Decoder } from "./framing.ts";
import { PiecewiseDecoder } from "./piecewise_decoder.ts";

/** Knows how many bytes have not been looked at. */
export class ExactDecoder<Received> extends PiecewiseDecoder<Received> {
  #silent = false;

  constructor(decoder: Decoder<Received>) {
    super(decoder, 1);
  }

  get waiting(): number {
    return this.rest === undefined ? 0 : this.rest.length - this.at;
  }

  get gap(): number | undefined {
    return this.decoder.gap;
  }

  silence(): void {
    this.decoder.silence?.();
    this.#silent = true;
  }

  override resume(next: (frame: Received) => unknown): boolean {
    if (this.#silent) {
      this.#silent = false;
      this.decoder.resume?.(next);
    }
    return super.resume(next);
  }
}
