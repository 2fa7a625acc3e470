/**
 * Lines that a carriage return alone may end, beside a newline and both together.
 *
 * Used by `lines.ts`, in front of its decoders, which then find a newline in the place of such a return. One at the end of a chunk
 * ends its line at once; a newline at the beginning of the next chunk belongs to it.
 */
import { indexOfByte } from "../bytes/byte_search.ts";
import type { Decoder } from "./framing.ts";

const newline = 10;
const carriageReturn = 13;

/** The same decoder, for which a carriage return alone is a line end too. */
export function withLoneReturns<Line>(lines: Decoder<Line>): Decoder<Line> {
  const push = lines.push.bind(lines);
  let last = 0;
  lines.push = (chunk, next) => {
    // The second half of a line end whose first half has ended a line ends an empty one, which is none.
    let isHalf = last === carriageReturn && chunk[0] === newline;
    last = chunk.at(-1) ?? last;
    let bytes = chunk;
    for (let at = -1; (at = indexOfByte(bytes, carriageReturn, at + 1)) >= 0;) {
      if (bytes[at + 1] === newline) continue;
      if (bytes === chunk) bytes = new Uint8Array(chunk);
      bytes[at] = newline;
    }
    return push(bytes, isHalf ? (line) => isHalf ? void (isHalf = false) : next(line) : next);
  };
  return lines;
}
