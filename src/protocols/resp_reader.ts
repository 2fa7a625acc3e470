/**
 * Finds where a value of RESP ends: reads it element by element, and goes on where it was when more bytes have come.
 *
 * Used by `resp.ts`, one for each connection. Depth is a stack of counts, not of calls.
 */
import type { FoundFrame } from "../core/framing/found_frame.ts";

/** What a value may have. */
interface RespLimits {
  readonly maxFrameBytes: number;
  readonly maxDepth: number;
  readonly maxElements: number;
  readonly inline: boolean;
}

/** What follows a type: a line, a length and so many bytes, or a count of elements, times so many. */
type Kind = "line" | "string" | 1 | 2;

const kinds: ReadonlyMap<number, Kind> = new Map(
  Object.entries<Kind>({
    ...{ "+": "line", "-": "line", ":": "line", "_": "line", ",": "line", "#": "line", "(": "line" },
    ...{ "$": "string", "!": "string", "=": "string" },
    ...{ "*": 1, "~": 1, ">": 1, "%": 2, "|": 2 },
  }).map(([type, kind]) => [type.charCodeAt(0), kind]),
);
const [tab, lineFeed, carriageReturn, minus, zero, nine, delete_] = [9, 10, 13, 0x2d, 0x30, 0x39, 0x7f];
const [dollar, star, bar] = [0x24, 0x2a, 0x7c];
/** Digits of the largest length and count, 2³¹ − 1, are fewer; and the least bytes of an element, `_\r\n`. */
const [mostDigits, leastElement] = [10, 3];

/** One connection's place in the value that is arriving. */
export class RespReader {
  readonly #limits: RespLimits;
  /** Where the element in hand begins, and up to where its line has been looked at. */
  #at = 0;
  #seen = 0;
  /** Where the string in hand ends, before its line end; 0 while there is none. */
  #stringEnd = 0;
  /** Elements still to come at each depth, and whether it is an attribute, behind which the value itself follows. */
  readonly #left: number[] = [];
  readonly #attributes: boolean[] = [];
  #elements = 0;

  constructor(limits: RespLimits) {
    this.#limits = limits;
  }

  /** For a `FramingDefinition`. */
  find(bytes: Uint8Array, searched: number): number | FoundFrame | undefined {
    if (searched === 0) this.#begin();
    while (this.#at < bytes.length) {
      if (this.#at === 0 && !kinds.has(bytes[0]!)) return this.#inlineCommand(bytes);
      const end = this.#element(bytes);
      if (typeof end !== "number") return end;
      const whole = end < 0;
      this.#at = this.#seen = Math.abs(end);
      if (whole && this.#completes()) return this.#at;
    }
    return undefined;
  }

  #begin(): void {
    this.#at =
      this.#seen =
      this.#stringEnd =
      this.#elements =
        0;
    this.#left.length = this.#attributes.length = 0;
  }

  /** Reads on in one element. Returns where it ends, negative where nothing belongs to it any more. */
  #element(bytes: Uint8Array): number | FoundFrame | undefined {
    if (this.#stringEnd > 0) return this.#string(bytes);
    const type = bytes[this.#at]!;
    const kind = kinds.get(type);
    if (kind === undefined) return { malformed: `found byte ${type}, expected the type of an element` };
    const end = this.#line(bytes, this.#at + 1, kind !== "line");
    if (typeof end !== "number") return end;
    if (kind === "line") return -end;
    const value = this.#number(bytes, end);
    if (typeof value === "object") return value;
    if (value === -1 && (type === dollar || type === star)) return -end;
    if (value < 0) return { malformed: `found a length of ${value}` };
    return kind === "string"
      ? this.#beginString(bytes, end, value)
      : this.#aggregate(type, end, value * kind);
  }

  /** Looks for the line end; what stands before it may be anything, or a number. */
  #line(bytes: Uint8Array, from: number, isNumber: boolean): number | FoundFrame | undefined {
    const { length } = bytes;
    for (let at = Math.max(from, this.#seen); at < length; at++) {
      const byte = bytes[at]!;
      if (byte === lineFeed) {
        if (at > from && bytes[at - 1] === carriageReturn) return at + 1;
        return { malformed: "found a line feed without a carriage return" };
      }
      if (at > from && bytes[at - 1] === carriageReturn) {
        return { malformed: "found a carriage return without a line feed" };
      }
      if (isNumber && byte !== carriageReturn) {
        const isDigit = byte >= zero && byte <= nine;
        if (!isDigit && !(byte === minus && at === from)) {
          return { malformed: `found byte ${byte}, expected a length` };
        }
        if (at - from >= mostDigits) {
          return { malformed: `found a length of more than ${mostDigits} characters` };
        }
      }
    }
    this.#seen = length;
    return undefined;
  }

  /** The number in the line that ends at `end`. */
  #number(bytes: Uint8Array, end: number): number | FoundFrame {
    const from = this.#at + 1;
    const negative = bytes[from] === minus;
    const first = negative ? from + 1 : from;
    if (first === end - 2) return { malformed: "found no length" };
    let value = 0;
    for (let at = first; at < end - 2; at++) value = value * 10 + bytes[at]! - zero;
    return negative ? -value : value;
  }

  #beginString(bytes: Uint8Array, start: number, length: number): number | FoundFrame | undefined {
    const size = start + length + 2;
    if (size > this.#limits.maxFrameBytes) {
      return { atLeast: size, skip: this.#left.length === 0 ? size : undefined };
    }
    this.#stringEnd = start + length;
    return this.#string(bytes);
  }

  /** Looks at the line end behind a string. */
  #string(bytes: Uint8Array): number | FoundFrame | undefined {
    const end = this.#stringEnd;
    if (
      end < bytes.length && bytes[end] !== carriageReturn ||
      end + 1 < bytes.length && bytes[end + 1] !== lineFeed
    ) {
      return { malformed: "found no line end behind a string" };
    }
    if (end + 2 > bytes.length) return undefined;
    this.#stringEnd = 0;
    return -(end + 2);
  }

  #aggregate(type: number, end: number, count: number): number | FoundFrame {
    const { maxFrameBytes, maxDepth, maxElements } = this.#limits;
    const isAttribute = type === bar;
    this.#elements += count;
    if (this.#elements > maxElements) {
      return { malformed: `found ${this.#elements} elements, over maxElements, ${maxElements}` };
    }
    const least = end + count * leastElement;
    if (least > maxFrameBytes) return { atLeast: least };
    if (count === 0) return isAttribute ? end : -end;
    if (this.#left.length === maxDepth) {
      return { malformed: `found a value deeper than maxDepth, ${maxDepth}` };
    }
    this.#left.push(count);
    this.#attributes.push(isAttribute);
    return end;
  }

  /** An element is complete: whether the whole value is. */
  #completes(): boolean {
    const left = this.#left;
    while (left.length > 0) {
      if (--left[left.length - 1]! > 0) return false;
      left.pop();
      if (this.#attributes.pop()) return false;
    }
    return true;
  }

  #inlineCommand(bytes: Uint8Array): number | FoundFrame | undefined {
    if (!this.#limits.inline) return { malformed: `found byte ${bytes[0]}, expected the type of a value` };
    for (let at = this.#seen; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte === lineFeed) {
        return { size: at + 1, drop: at === 0 || at === 1 && bytes[0] === carriageReturn };
      }
      if (at > 0 && bytes[at - 1] === carriageReturn) {
        return { malformed: "found a carriage return without a line feed" };
      }
      if (byte < 32 && byte !== tab && byte !== carriageReturn || byte === delete_) {
        return { malformed: `found byte ${byte}, expected the type of a value or a command as text` };
      }
    }
    this.#seen = bytes.length;
    return undefined;
  }
}
