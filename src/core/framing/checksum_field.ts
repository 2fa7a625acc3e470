/**
 * A checksum as it stands at the end of a frame: read, written and compared.
 *
 * Used by `checksummed.ts`. Knows nothing of connections.
 */
import { showBytes, showHex } from "../bytes/bytes.ts";
import { FrameError } from "../errors.ts";
import type { ChecksumRules } from "./checksum_options.ts";

const [zero, nine, upperA, upperF] = [48, 57, 65, 70];

/** One kind of field. */
export class ChecksumField {
  readonly #rules: ChecksumRules;
  /** Bytes of the separator and the checksum. */
  readonly size: number;

  constructor(rules: ChecksumRules) {
    this.#rules = rules;
    this.size = rules.separator.length + rules.width;
  }

  /** Checks the end of a frame; returns how many bytes precede the field. Throws a `FrameError`. */
  check(frame: Uint8Array): number {
    const { from, separator } = this.#rules;
    const body = frame.length - this.size;
    if (body < from) {
      const wanted = `${this.size} bytes of checksum behind ${from === 0 ? "its bytes" : `byte ${from}`}`;
      throw refused("malformed", `found ${frame.length} bytes, too few for ${wanted}`, frame);
    }
    for (let at = 0; at < separator.length; at++) {
      if (frame[body + at] === separator[at]) continue;
      const found = showBytes(frame.subarray(body, body + separator.length));
      throw refused(
        "malformed",
        `found ${found} before the checksum, expected ${showBytes(separator)}`,
        frame,
      );
    }
    const at = body + separator.length;
    const value = this.#sum(frame, body);
    if (this.#read(frame, at) === value) return body;
    const field = frame.subarray(at);
    const expected = new Uint8Array(field.length);
    this.#write(value, expected, 0);
    const show = this.#rules.format === "binary" ? showHex : showBytes;
    const { type } = this.#rules;
    throw refused("checksum", `found checksum ${show(field)} (${type}), expected ${show(expected)}`, frame);
  }

  /** Writes separator and checksum behind the first `body` bytes. */
  append(frame: Uint8Array, body: number): void {
    const { from, separator } = this.#rules;
    if (body < from) {
      throw refused(
        "malformed",
        `found ${body} bytes, expected ${from} or more before what is summed up`,
        frame,
      );
    }
    frame.set(separator, body);
    this.#write(this.#sum(frame, body), frame, body + separator.length);
  }

  #sum(frame: Uint8Array, end: number): number {
    const { of, from, seed } = this.#rules;
    return of(frame, from, end, seed);
  }

  /** The value of the field; NaN where it is none. */
  #read(frame: Uint8Array, at: number): number {
    const { format, little, width } = this.#rules;
    let value = 0;
    for (let i = 0; i < width; i++) {
      const byte = frame[little ? at + width - 1 - i : at + i]!;
      if (format === "binary") value = value * 256 + byte;
      else value = value * (format === "hex" ? 16 : 10) + digit(byte, format === "hex");
    }
    return value;
  }

  #write(value: number, frame: Uint8Array, at: number): void {
    const { format, little, width } = this.#rules;
    const base = format === "binary" ? 256 : format === "hex" ? 16 : 10;
    let rest = value;
    for (let i = 0; i < width; i++) {
      const part = rest % base;
      rest = (rest - part) / base;
      const byte = format === "binary" ? part : part < 10 ? zero + part : upperA - 10 + part;
      frame[little ? at + i : at + width - 1 - i] = byte;
    }
  }
}

function digit(byte: number, hex: boolean): number {
  if (byte >= zero && byte <= nine) return byte - zero;
  // Either case.
  const letter = byte & ~32;
  return hex && letter >= upperA && letter <= upperF ? letter - upperA + 10 : NaN;
}

function refused(reason: "malformed" | "checksum", problem: string, { length }: Uint8Array): FrameError {
  return new FrameError(reason, problem, { offset: 0, size: length });
}
