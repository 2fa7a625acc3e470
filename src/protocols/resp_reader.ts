/**
 * Finds where a value of RESP ends: reads it element by element, and goes on where it was when more bytes have come.
 *
 * Used by `resp.ts`, one for each connection. Depth is a stack of counts, not of calls. A length is read again when its
 * element was not complete, which is a few bytes; lines, which may be long, are not.
 */
import type { FoundFrame } from "../core/framing/found_frame.ts";

/** What a value may have. */
interface RespLimits {
  readonly maxFrameBytes: number;
  readonly maxDepth: number;
  readonly maxElements: number;
  readonly inline: boolean;
}

/** What a type is followed by: a line, a length and so many bytes, or a count of elements, of two each in maps. */
const [line, string, elements, pairs] = [1, 2, 3, 4];
const kinds = new Uint8Array(256);
for (const type of "+-:_,#(") kinds[type.charCodeAt(0)] = line;
for (const type of "$!=") kinds[type.charCodeAt(0)] = string;
for (const type of "*~>") kinds[type.charCodeAt(0)] = elements;
for (const type of "%|") kinds[type.charCodeAt(0)] = pairs;

const [tab, lineFeed, carriageReturn, minus, zero, nine, delete_] = [9, 10, 13, 0x2d, 0x30, 0x39, 0x7f];
const [dollar, star, bar] = [0x24, 0x2a, 0x7c];
/** Digits of the largest length and count, 2³¹ − 1; and the least bytes of an element, `_\r\n`. */
const [mostDigits, leastElement] = [10, 3];
const lineEnd = Uint8Array.of(carriageReturn, lineFeed);
const noReturn: FoundFrame = { malformed: "found a line feed without a carriage return" };
const noFeed: FoundFrame = { malformed: "found a carriage return without a line feed" };

/** One connection's place in the value that is arriving. */
export class RespReader {
  readonly #limits: RespLimits;
  /** Where the value begins in the array that was seen last, and ends for now. All places are in that array. */
  #from = 0;
  #to = 0;
  /** Where the element in hand begins, and up to where its line has been looked at. */
  #at = 0;
  #seen = 0;
  /** Elements still to come at each depth, and whether it is an attribute, behind which the value itself follows. */
  readonly #left: number[] = [];
  readonly #attributes: boolean[] = [];
  #depth = 0;
  #elements = 0;
  /** What the number of a header says, and where the header ends. */
  #value = 0;
  #end = 0;

  constructor(limits: RespLimits) {
    this.#limits = limits;
  }

  /** As a `FindFrame`. */
  find(bytes: Uint8Array, from: number, to: number, searched: number): number | FoundFrame | undefined {
    if (searched === 0) {
      this.#at = this.#seen = from;
      this.#depth = this.#elements = 0;
    } else if (from !== this.#from) {
      this.#at += from - this.#from;
      this.#seen += from - this.#from;
    }
    this.#from = from;
    this.#to = to;
    while (this.#at < to) {
      const type = bytes[this.#at]!;
      const end = type === dollar ? wholeString(bytes, this.#at + 1, to) : 0;
      if (end > 0) {
        this.#at = end;
        if (this.#completes()) return end - from;
        continue;
      }
      const kind = kinds[type]!;
      let found: boolean | FoundFrame | undefined;
      if (kind === line) found = this.#line(bytes);
      else if (kind === 0) {
        if (this.#at === from) return this.#inlineCommand(bytes);
        return { malformed: `found byte ${type}, expected the type of an element` };
      } else {
        found = this.#header(bytes, type);
        if (found === true && this.#value >= 0) {
          found = kind === string
            ? this.#string(bytes)
            : this.#aggregate(type, this.#value * (kind - string));
        }
      }
      if (typeof found === "object" || found === undefined) return found;
      this.#at = this.#end;
      // The element is complete; false: it has elements that follow.
      if (found && this.#completes()) return this.#end - from;
    }
    return undefined;
  }

  /** Looks for the end of a line. */
  #line(bytes: Uint8Array): true | FoundFrame | undefined {
    const to = this.#to;
    for (let at = Math.max(this.#at + 1, this.#seen); at < to; at++) {
      const byte = bytes[at]!;
      if (byte > carriageReturn) continue;
      if (byte === lineFeed) return noReturn;
      if (byte !== carriageReturn) continue;
      if (at + 1 === to) {
        this.#seen = at;
        return undefined;
      }
      if (bytes[at + 1] !== lineFeed) return noFeed;
      this.#end = at + 2;
      return true;
    }
    this.#seen = to;
    return undefined;
  }

  /** Reads a length or a count with its line end; -1 is that of null. */
  #header(bytes: Uint8Array, type: number): true | FoundFrame | undefined {
    const to = this.#to;
    let at = this.#at + 1;
    const negative = at < to && bytes[at] === minus;
    if (negative) at++;
    const from = at;
    let value = 0;
    for (; at < to; at++) {
      const byte = bytes[at]!;
      if (byte >= zero && byte <= nine) {
        if (at - from >= mostDigits) return { malformed: `found a length of more than ${mostDigits} digits` };
        value = value * 10 + byte - zero;
        continue;
      }
      if (byte === lineFeed) return noReturn;
      if (byte !== carriageReturn) return { malformed: `found byte ${byte}, expected a length` };
      if (at === from) return { malformed: "found no length" };
      if (negative && !(value === 1 && (type === dollar || type === star))) {
        return { malformed: `found a length of -${value}` };
      }
      if (at + 1 === to) return undefined;
      if (bytes[at + 1] !== lineFeed) return noFeed;
      this.#value = negative ? -1 : value;
      this.#end = at + 2;
      return true;
    }
    return undefined;
  }

  /** Passes over a string and its line end. */
  #string(bytes: Uint8Array): true | FoundFrame | undefined {
    const [from, to] = [this.#from, this.#to];
    const end = this.#end + this.#value;
    const size = end + 2 - from;
    if (size > this.#limits.maxFrameBytes) {
      return { atLeast: size, skip: this.#at === from ? size : undefined };
    }
    // Large strings are most often the last element: with the size of the whole value, it need not be looked at again.
    if (end + 2 > to) return this.#isLast() ? { size, trailer: lineEnd } : undefined;
    if (bytes[end] !== carriageReturn || bytes[end + 1] !== lineFeed) {
      return { malformed: "found no line end behind a string" };
    }
    this.#end = end + 2;
    return true;
  }

  /** Nothing follows the element in hand. */
  #isLast(): boolean {
    for (let depth = 0; depth < this.#depth; depth++) {
      if (this.#left[depth] !== 1 || this.#attributes[depth]) return false;
    }
    return true;
  }

  /** Begins to count elements; true where there are none. */
  #aggregate(type: number, count: number): boolean | FoundFrame {
    const { maxFrameBytes, maxDepth, maxElements } = this.#limits;
    const isAttribute = type === bar;
    this.#elements += count;
    if (this.#elements > maxElements) {
      return { malformed: `found ${this.#elements} elements, over maxElements, ${maxElements}` };
    }
    const least = this.#end - this.#from + count * leastElement;
    if (least > maxFrameBytes) return { atLeast: least };
    if (count === 0) return !isAttribute;
    if (this.#depth === maxDepth) return { malformed: `found a value deeper than maxDepth, ${maxDepth}` };
    this.#left[this.#depth] = count;
    this.#attributes[this.#depth++] = isAttribute;
    return false;
  }

  /** An element is complete: whether the whole value is. */
  #completes(): boolean {
    const left = this.#left;
    while (this.#depth > 0) {
      const top = this.#depth - 1;
      if (--left[top]! > 0) return false;
      this.#depth = top;
      if (this.#attributes[top]) return false;
    }
    return true;
  }

  #inlineCommand(bytes: Uint8Array): number | FoundFrame | undefined {
    const [from, to] = [this.#from, this.#to];
    if (!this.#limits.inline) return { malformed: `found byte ${bytes[from]}, expected the type of a value` };
    for (let at = this.#seen; at < to; at++) {
      const byte = bytes[at]!;
      const returned = at > from && bytes[at - 1] === carriageReturn;
      if (byte === lineFeed) return { size: at + 1 - from, drop: at === (returned ? from + 1 : from) };
      if (returned) return noFeed;
      if (byte < 32 && byte !== tab && byte !== carriageReturn || byte === delete_) {
        return { malformed: `found byte ${byte}, expected the type of a value or a command as text` };
      }
    }
    this.#seen = to;
    return undefined;
  }
}

/**
 * Where a string ends whose length begins at `at`; 0 where it is not whole, or not as it should be, which the reader tells.
 * Most elements are such strings.
 */
function wholeString(bytes: Uint8Array, at: number, to: number): number {
  let place = at;
  let length = 0;
  for (; place < to && place - at <= mostDigits; place++) {
    const digit = bytes[place]! - zero;
    if (!(digit >= 0 && digit <= 9)) break;
    length = length * 10 + digit;
  }
  const end = place + 2 + length;
  const isWhole = end + 1 < to && place > at && place - at <= mostDigits && bytes[place] === carriageReturn &&
    bytes[place + 1] === lineFeed && bytes[end] === carriageReturn && bytes[end + 1] === lineFeed;
  return isWhole ? end + 2 : 0;
}
