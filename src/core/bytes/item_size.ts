/**
 * How many bytes an item of a stream stands for.
 *
 * Shared by the stages that count: metrics tap, batcher, rate limiter.
 */
import { OptionsError } from "../errors.ts";

/** Returns the size of an item in bytes. */
export type ItemSize<T> = (item: T) => number;

/**
 * The length of bytes; of a text, its length in UTF-8. Throws `OptionsError` for anything else, whose size the user
 * has to tell.
 */
export function byteSize(item: unknown): number {
  if (item instanceof Uint8Array) return item.length;
  if (typeof item === "string") return utf8Length(item);
  if (ArrayBuffer.isView(item) || item instanceof ArrayBuffer) return item.byteLength;
  throw new OptionsError("invalid", [{
    path: "size",
    found: undefined,
    expected:
      `a function that returns the size of an item in bytes, since this item is neither bytes nor text: ${typeof item}`,
  }]);
}

/** The same, but 0 for what is neither bytes nor text. */
export function byteSizeOrZero(item: unknown): number {
  if (item instanceof Uint8Array) return item.length;
  if (typeof item === "string") return utf8Length(item);
  return ArrayBuffer.isView(item) || item instanceof ArrayBuffer ? item.byteLength : 0;
}

/** Bytes of a text in UTF-8; a lone surrogate counts as the three of U+FFFD. */
function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      bytes += 2;
      i++;
    } else bytes += 2;
  }
  return bytes;
}
