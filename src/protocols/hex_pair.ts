/** A byte as two hexadecimal digits in ASCII, as checksums of text protocols are written. */
import { digitReader } from "../core/framing/length_value.ts";

/** In upper case. */
export function hexPair(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, "0");
}

/** Digits in either case; NaN if they are none. */
export const readHexPair: (bytes: Uint8Array, at: number) => number = digitReader(2, "hex");
